package ref

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// azureToken is an access token. It is a string: it cannot be wiped.
type azureToken struct {
	Access string
	Until  time.Time
	from   string // for a person: where it was found
}

// String shows no token.
func (azureToken) String() string { return bullets }

// GoString shows no token.
func (azureToken) GoString() string { return bullets }

// azureSource is a way to a token.
type azureSource struct {
	from  string
	fetch func(ctx context.Context, tenant string) (azureToken, error)
}

// token finds credentials as Azure's libraries do ("DefaultAzureCredential"), in the
// same order; but a machine's own identity only where AZURE_TOKEN_CREDENTIALS, their own
// variable, or the platform says so: elsewhere whoever holds the address
// 169.254.169.254 would be asked.
func (c *azureCall) token(ctx context.Context, where string) (token azureToken, held string, err error) {
	source, err := c.source()
	if err != nil {
		return azureToken{}, "", err
	}
	vault, _, _ := strings.Cut(strings.TrimPrefix(where, "https://"), "/")
	held = "credentials azure " + source.from + " " + vault
	packed, err := c.resolver.kept(ctx, held, func() (keychain.Secret, time.Time, error) {
		tenant, err := c.challenge(ctx, where)
		if err != nil {
			return keychain.Secret{}, time.Time{}, err
		}
		token, err := source.fetch(ctx, tenant)
		if err != nil {
			return keychain.Secret{}, time.Time{}, err
		}
		if token.Access == "" || strings.ContainsAny(token.Access, " \r\n") {
			return keychain.Secret{}, time.Time{}, c.notUnderstood()
		}
		data, err := json.Marshal(token)
		return keychain.NewSecret(data), token.Until, err
	})
	if err != nil {
		return azureToken{}, held, err
	}
	defer packed.Wipe()
	err = json.Unmarshal(packed.Reveal(), &token)
	token.from = source.from
	return token, held, err
}

func (c *azureCall) source() (azureSource, error) {
	r := c.resolver
	client, tenant := r.firstOf("AZURE_CLIENT_ID"), r.firstOf("AZURE_TENANT_ID")
	secret, federated := r.firstOf("AZURE_CLIENT_SECRET"), r.firstOf("AZURE_FEDERATED_TOKEN_FILE")
	only := strings.ToLower(r.firstOf("AZURE_TOKEN_CREDENTIALS"))
	asked := func(name, group string) bool { return only == "" || only == name || only == group }
	if tenant != "" && !cloudForms().azureTenant.MatchString(tenant) {
		return azureSource{}, outside(keychain.KindBadReference, "AZURE_TENANT_ID is none", "write the ID or the domain of the tenant")
	}
	switch {
	case secret != "" && asked("environmentcredential", "prod"):
		if client == "" || tenant == "" {
			return azureSource{}, outside(keychain.KindLocked, "the credentials of AZURE_CLIENT_SECRET are not whole", "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET belong together")
		}
		return azureSource{"of AZURE_CLIENT_SECRET", func(ctx context.Context, _ string) (azureToken, error) {
			return c.exchange(ctx, tenant, url.Values{"client_id": {client}, "client_secret": {secret}}, "of AZURE_CLIENT_SECRET")
		}}, nil
	case r.firstOf("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME") != "" && asked("environmentcredential", "prod"):
		return azureSource{}, outside(keychain.KindUnsupported, "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_USERNAME are not used here", "use AZURE_CLIENT_SECRET, a federated token, or az login")
	case federated != "" && asked("workloadidentitycredential", "prod"):
		if client == "" || tenant == "" {
			return azureSource{}, outside(keychain.KindLocked, "the credentials of AZURE_FEDERATED_TOKEN_FILE are not whole", "AZURE_TENANT_ID and AZURE_CLIENT_ID belong to it")
		}
		return azureSource{"of AZURE_FEDERATED_TOKEN_FILE", func(ctx context.Context, _ string) (azureToken, error) {
			assertion, err := file.ReadTrusted(federated, 64<<10)
			if err != nil {
				return azureToken{}, fileError("read the federated token", federated, err)
			}
			defer clear(assertion)
			return c.exchange(ctx, tenant, url.Values{
				"client_id": {client}, "client_assertion": {strings.TrimSpace(string(assertion))}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			}, "of AZURE_FEDERATED_TOKEN_FILE")
		}}, nil
	case r.firstOf("IDENTITY_ENDPOINT") != "" && r.firstOf("IDENTITY_HEADER") != "" && asked("managedidentitycredential", "prod"), only == "managedidentitycredential", only == "prod":
		return azureSource{"of the machine", func(ctx context.Context, _ string) (azureToken, error) { return c.ofMachine(ctx, client) }}, nil
	case asked("azureclicredential", "dev"):
		return azureSource{"of az login", c.byProgram}, nil
	}
	return azureSource{}, outside(keychain.KindLocked, "AZURE_TOKEN_CREDENTIALS leaves no credentials that are there", "leave it out, or set what it names")
}

// exchange asks Microsoft Entra for a token ("OAuth 2.0 client credentials flow").
func (c *azureCall) exchange(ctx context.Context, tenant string, form url.Values, from string) (azureToken, error) {
	form.Set("grant_type", "client_credentials")
	form.Set("scope", "https://"+c.suffix+"/.default")
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.authority+"/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
		if err != nil {
			return nil, outside(keychain.KindBadReference, "the settings make no address", c.look)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return request, nil
	}, nil)
	if err != nil {
		return azureToken{}, err
	}
	defer clear(answer.body)
	switch {
	case answer.status == http.StatusOK:
		return c.read(answer.body)
	case answer.status == http.StatusTooManyRequests:
		return azureToken{}, c.busy(answer.after)
	case answer.status >= 500:
		return azureToken{}, c.broken(answer)
	}
	return azureToken{}, outside(keychain.KindWrongKey, "Microsoft Entra does not take the credentials ("+from+")", "a client secret may be over: az ad app credential list --id CLIENT tells when; check AZURE_TENANT_ID, too")
}

// read takes a token out of an answer of Entra or of a machine: the seconds that it is
// good for, or the Unix time of its end, as a number or as text.
func (c *cloud) read(body []byte) (azureToken, error) {
	var found struct {
		Access string      `json:"access_token"`
		Left   json.Number `json:"expires_in"`
		Until  json.Number `json:"expires_on"`
	}
	if json.Unmarshal(body, &found) != nil {
		return azureToken{}, c.notUnderstood()
	}
	token := azureToken{Access: found.Access}
	if until, err := found.Until.Int64(); err == nil {
		token.Until = time.Unix(until, 0)
	} else if left, err := found.Left.Int64(); err == nil && left > 0 && left < 1<<20 {
		token.Until = c.now().Add(time.Duration(left) * time.Second)
	} else {
		return azureToken{}, c.notUnderstood()
	}
	return token, nil
}

// ofMachine asks what Azure gives its machines: App Service by IDENTITY_ENDPOINT, or
// the metadata service ("Managed identities: how to use them to acquire a token").
func (c *azureCall) ofMachine(ctx context.Context, client string) (azureToken, error) {
	r := c.resolver
	local := r.local("the machine's identity service", "is this a machine of Azure, with a managed identity?")
	defer local.release()
	query := url.Values{"resource": {"https://" + c.suffix}}
	if client != "" {
		query.Set("client_id", client)
	}
	where, header := "http://169.254.169.254/metadata/identity/oauth2/token", map[string]string{"Metadata": "true"}
	query.Set("api-version", "2018-02-01")
	endpoint, word := r.firstOf("IDENTITY_ENDPOINT"), r.firstOf("IDENTITY_HEADER")
	switch {
	case endpoint != "" && word != "":
		u, err := address("IDENTITY_ENDPOINT", endpoint)
		if err != nil || strings.ContainsAny(word, "\r\n") {
			return azureToken{}, outside(keychain.KindBadReference, "IDENTITY_ENDPOINT is no address, or IDENTITY_HEADER no word", "leave them as the platform sets them")
		}
		where, header = u.String(), map[string]string{"X-Identity-Header": word}
		query.Set("api-version", "2019-08-01")
	case endpoint != "":
		return azureToken{}, outside(keychain.KindUnsupported, "Azure Arc and Service Fabric (IDENTITY_ENDPOINT with no IDENTITY_HEADER) are not used here", "use AZURE_CLIENT_SECRET, or az login")
	case r.firstOf("AZURE_POD_IDENTITY_AUTHORITY_HOST") != "": // where a cluster puts the service
		u, err := address("AZURE_POD_IDENTITY_AUTHORITY_HOST", r.firstOf("AZURE_POD_IDENTITY_AUTHORITY_HOST"))
		if err != nil {
			return azureToken{}, err
		}
		where = strings.TrimRight(u.String(), "/") + "/metadata/identity/oauth2/token"
	}
	data, err := local.get(ctx, http.MethodGet, where+"?"+query.Encode(), header)
	if err != nil {
		return azureToken{}, err
	}
	defer clear(data)
	return local.read(data)
}

// byProgram asks az, which keeps the person's login.
func (c *azureCall) byProgram(ctx context.Context, tenant string) (azureToken, error) {
	words := []string{"az", "account", "get-access-token", "--output", "json", "--resource", "https://" + c.suffix, "--tenant", tenant}
	answer, err := c.resolver.run(ctx, command{words: words, env: []string{
		"AZURE_CONFIG_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
	}})
	if err != nil {
		e, ok := errors.AsType[*keychain.Error](err)
		switch {
		case ok && e.Kind == keychain.KindNoService:
			return azureToken{}, outside(keychain.KindLocked, "no credentials for Azure are found, and the program az is not there",
				"install az and run az login, or export AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET before openclaw starts; for the identity of a machine let AZURE_TOKEN_CREDENTIALS be ManagedIdentityCredential")
		case ok && e.Kind == keychain.KindFailed:
			return azureToken{}, outside(keychain.KindLocked, "az gives no token", "run: az login --tenant "+tenant)
		}
		return azureToken{}, err
	}
	defer answer.Wipe()
	var found struct {
		Access string      `json:"accessToken"`
		Until  json.Number `json:"expires_on"`
		Local  string      `json:"expiresOn"`
	}
	if json.Unmarshal(answer.Reveal(), &found) != nil || found.Access == "" {
		return azureToken{}, outside(keychain.KindCorrupt, "the answer of az is not understood", "run it by hand: az account get-access-token --resource https://"+c.suffix)
	}
	token := azureToken{Access: found.Access}
	if until, err := strconv.ParseInt(found.Until.String(), 10, 64); err == nil {
		token.Until = time.Unix(until, 0)
	} else if local, err := time.ParseInLocation("2006-01-02 15:04:05.999999", found.Local, time.Local); err == nil { // before az 2.54
		token.Until = local
	}
	return token, nil
}
