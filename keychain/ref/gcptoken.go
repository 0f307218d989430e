package ref

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

const gcpScope = "https://www.googleapis.com/auth/cloud-platform"

// gcpToken is an access token. It is a string in the hands of Google's library, too:
// it cannot be wiped.
type gcpToken struct {
	Access string
	Quota  string // the project that pays for what a person asks
	from   string // for a person: where it was found
}

// String shows no token.
func (gcpToken) String() string { return bullets }

// GoString shows no token.
func (gcpToken) GoString() string { return bullets }

// token finds credentials where Google's libraries do ("How Application Default
// Credentials works"): the file of GOOGLE_APPLICATION_CREDENTIALS, the login of
// gcloud, and a machine's metadata service, that only where GCE_METADATA_HOST names
// it: on another network whoever holds its address would be asked.
func (c *gcpCall) token(ctx context.Context) (token gcpToken, held string, err error) {
	path, from := c.resolver.gcpFile()
	held = "credentials gcp " + path
	host := c.resolver.firstOf("GCE_METADATA_HOST")
	packed, err := c.resolver.kept(ctx, held, func() (keychain.Secret, time.Time, error) {
		token, until, err := c.ofFile(ctx, path, from)
		if errors.Is(err, fs.ErrNotExist) {
			switch {
			case from == "of GOOGLE_APPLICATION_CREDENTIALS":
				return keychain.Secret{}, until, fileError("read Google's credentials", path, err)
			case host == "":
				return keychain.Secret{}, until, outside(keychain.KindLocked, "no credentials for Google Cloud are found",
					"run gcloud auth application-default login, or export GOOGLE_APPLICATION_CREDENTIALS before openclaw starts; for the service account of a machine export GCE_METADATA_HOST=metadata.google.internal")
			}
			token, until, err = c.ofMachine(ctx, host)
		}
		if err != nil {
			return keychain.Secret{}, until, err
		}
		if token.Access == "" || strings.ContainsAny(token.Access+token.Quota, " \r\n") {
			return keychain.Secret{}, until, c.notUnderstood()
		}
		data, err := json.Marshal(token)
		return keychain.NewSecret(data), until, err
	})
	if err != nil {
		return gcpToken{}, held, err
	}
	defer packed.Wipe()
	err = json.Unmarshal(packed.Reveal(), &token)
	token.from = from
	return token, held, err
}

// gcpFile is the file with credentials, which may be missing.
func (r *Resolver) gcpFile() (path, from string) {
	if path := r.firstOf("GOOGLE_APPLICATION_CREDENTIALS"); path != "" {
		return path, "of GOOGLE_APPLICATION_CREDENTIALS"
	}
	const name, from2 = "application_default_credentials.json", "of gcloud auth application-default login"
	if folder := r.firstOf("CLOUDSDK_CONFIG"); folder != "" {
		return filepath.Join(folder, name), from2
	}
	if folder := r.firstOf("APPDATA"); folder != "" && runtime.GOOS == "windows" {
		return filepath.Join(folder, "gcloud", name), from2
	}
	if home := r.home(); home != "" {
		return filepath.Join(home, ".config", "gcloud", name), from2
	}
	return "", from2
}

// ofFile has Google's library make a token of a file. What the file tells to ask goes
// through the same client as all here: no redirect, no word in clear. A program that a
// file names is not run.
func (c *gcpCall) ofFile(ctx context.Context, path, from string) (gcpToken, time.Time, error) {
	if path == "" {
		return gcpToken{}, time.Time{}, fs.ErrNotExist
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return gcpToken{}, time.Time{}, err
	}
	data, err := file.ReadPrivate(target, maxSharedFile)
	if err != nil {
		return gcpToken{}, time.Time{}, fileError("read Google's credentials", path, err)
	}
	defer clear(data)
	bad := func(text string) error {
		return outside(keychain.KindCorrupt, "the file of credentials "+text, "make it anew: gcloud auth application-default login, or a key of a service account ("+path+")")
	}
	var about gcpCredentials
	if json.Unmarshal(data, &about) != nil {
		return gcpToken{}, time.Time{}, bad("is no JSON object")
	}
	for inner := &about; inner != nil; inner = inner.Inner {
		if err := inner.check(bad); err != nil {
			return gcpToken{}, time.Time{}, err
		}
	}
	seen := &witness{inner: c.client.Transport}
	client := *c.client
	client.Transport = seen
	asking := context.WithValue(ctx, oauth2.HTTPClient, &client)
	credentials, err := google.CredentialsFromJSONWithType(asking, data, about.Type, gcpScope)
	if err != nil {
		return gcpToken{}, time.Time{}, bad("is not whole")
	}
	made, err := credentials.TokenSource.Token()
	if err != nil {
		return gcpToken{}, time.Time{}, c.noToken(ctx, seen, err, from)
	}
	quota := c.resolver.firstOf("GOOGLE_CLOUD_QUOTA_PROJECT")
	if quota == "" {
		quota = about.Quota
	}
	return gcpToken{Access: made.AccessToken, Quota: quota}, made.Expiry, nil
}

// gcpCredentials is what is looked at in a file before Google's library reads it.
type gcpCredentials struct {
	Type     google.CredentialsType `json:"type"`
	Quota    string                 `json:"quota_project_id"`
	Universe string                 `json:"universe_domain"`
	Source   struct {
		Executable  json.RawMessage `json:"executable"`
		Certificate json.RawMessage `json:"certificate"`
	} `json:"credential_source"`
	Inner *gcpCredentials `json:"source_credentials"` // with which an account is impersonated
}

func (g *gcpCredentials) check(bad func(string) error) error {
	kinds := []google.CredentialsType{google.ServiceAccount, google.AuthorizedUser, google.ExternalAccount, google.ExternalAccountAuthorizedUser, google.ImpersonatedServiceAccount}
	switch {
	case !slices.Contains(kinds, g.Type):
		return bad("has a type that is not known")
	case g.Universe != "" && g.Universe != "googleapis.com":
		return outside(keychain.KindUnsupported, "the credentials are for another cloud than Google's own (universe_domain)", "only googleapis.com is asked")
	case len(g.Source.Executable) > 0, len(g.Source.Certificate) > 0: // the library asks for these past the client that it is given
		return outside(keychain.KindUnsupported, "the credentials come from a program or a client certificate (credential_source), which are not used here", "use exec: with gcloud, or credentials of another kind")
	}
	return nil
}

// witness keeps what became of the last request: Google's library makes text of it.
type witness struct {
	inner http.RoundTripper

	mu    sync.Mutex // guards what follows
	host  string
	fault error
	last  reply // without a body
}

func (w *witness) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.inner.RoundTrip(request)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.host, w.fault, w.last = request.URL.Host, err, reply{}
	if err == nil {
		w.last = reply{status: response.StatusCode, header: response.Header}
	}
	return response, err
}

// noToken sorts what went wrong by what was seen, and repeats no word of Google's
// library: it quotes what the server sent.
func (c *gcpCall) noToken(ctx context.Context, seen *witness, err error, from string) error {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	switch status := seen.last.status; {
	case ctx.Err() != nil || seen.fault != nil:
		return c.unreachable(ctx, seen.host, seen.fault)
	case status == http.StatusTooManyRequests:
		return c.busy(retryAfter(seen.last.header, c.now()))
	case status >= 500:
		return c.broken(reply{status: status, after: retryAfter(seen.last.header, c.now())})
	case status >= 300 && status < 400:
		return outside(keychain.KindUnsupported, "Google sends elsewhere, and the credentials are not taken there", c.look)
	case status >= 400 && tokenIsOver(err):
		return outside(keychain.KindLocked, "the login ("+from+") is over, was revoked, or the clock of this machine is wrong", "run: gcloud auth application-default login; for a service account make a new key")
	case status >= 400:
		return outside(keychain.KindWrongKey, "Google does not take the credentials ("+from+")", "test them: gcloud auth application-default print-access-token")
	}
	return outside(keychain.KindFailed, "Google gives no token for the credentials ("+from+")", "test them: gcloud auth application-default print-access-token")
}

// tokenIsOver reads the code of RFC 6749, section 5.2.
func tokenIsOver(err error) bool {
	refused, is := errors.AsType[*oauth2.RetrieveError](err)
	if !is {
		return false
	}
	said := struct {
		Code string `json:"error"`
	}{refused.ErrorCode}
	if said.Code == "" {
		_ = json.Unmarshal(refused.Body, &said) // an answer of a gateway in between is no JSON
	}
	return said.Code == "invalid_grant" || said.Code == "invalid_rapt"
}

// ofMachine asks the metadata service of a machine of Google ("Access tokens").
func (c *gcpCall) ofMachine(ctx context.Context, host string) (gcpToken, time.Time, error) {
	if host == "metadata.google.internal" {
		host = "169.254.169.254" // its address always; a name could be another's
	}
	where, err := address("GCE_METADATA_HOST", "http://"+host)
	if err != nil || where.Path != "" {
		return gcpToken{}, time.Time{}, outside(keychain.KindBadReference, "GCE_METADATA_HOST is no host", "write GCE_METADATA_HOST=metadata.google.internal")
	}
	local := c.resolver.local("the machine's metadata service", "is this a machine of Google Cloud, with a service account?")
	defer local.release()
	data, err := local.get(ctx, http.MethodGet, where.String()+"/computeMetadata/v1/instance/service-accounts/default/token", map[string]string{"Metadata-Flavor": "Google"})
	if err != nil {
		return gcpToken{}, time.Time{}, err
	}
	defer clear(data)
	var found struct {
		Access string `json:"access_token"`
		Left   int64  `json:"expires_in"` // seconds
	}
	if json.Unmarshal(data, &found) != nil || found.Left <= 0 || found.Left > 1<<20 {
		return gcpToken{}, time.Time{}, local.notUnderstood()
	}
	return gcpToken{Access: found.Access}, c.now().Add(time.Duration(found.Left) * time.Second), nil
}
