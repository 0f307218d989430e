package ref

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"openclaw/keychain"
)

// gcpEndpoint is gcloud's own variable for another address (property
// api_endpoint_overrides/secretmanager).
const gcpEndpoint = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"

// gcpCall is one conversation with Google.
type gcpCall struct {
	*cloud
	resolver *Resolver
}

// askGCP asks Google's Secret Manager: one call, projects.secrets.versions.access
// ("Secret Manager API, REST reference"), with a token of Google's own library for
// credentials. The library for the service is not used: it would add 9 MB.
func (r *Resolver) askGCP(ctx context.Context, reference Reference) (keychain.Secret, error) {
	c, err := r.openCloud("Google Cloud", "check "+gcpEndpoint+" if you set it, and the network", "")
	if err != nil {
		return keychain.Secret{}, err
	}
	defer c.release()
	call := &gcpCall{cloud: c, resolver: r}
	where, err := r.gcpAddress(reference)
	if err != nil {
		return keychain.Secret{}, err
	}
	token, held, err := call.token(ctx)
	if err != nil {
		return keychain.Secret{}, err
	}
	value, err := call.secret(ctx, token, where)
	if kind := keychain.KindOf(err); kind == keychain.KindLocked || kind == keychain.KindWrongKey {
		r.cache.forgetKey(held)
	}
	return value, err
}

// gcpAddress is where a secret's version is: for a regional secret at its region.
func (r *Resolver) gcpAddress(reference Reference) (string, error) {
	base := "https://secretmanager.googleapis.com/"
	if m := cloudForms().gcpName.FindStringSubmatch(reference.first); m != nil && m[2] != "" {
		base = "https://secretmanager." + m[2] + ".rep.googleapis.com/"
	}
	if text := r.firstOf(gcpEndpoint); text != "" {
		u, err := address(gcpEndpoint, text)
		if err != nil {
			return "", err
		}
		base = strings.TrimRight(u.String(), "/") + "/"
	}
	version := reference.version
	if version == "" {
		version = "latest"
	}
	return base + "v1/" + reference.first + "/versions/" + version + ":access", nil
}

func (c *gcpCall) secret(ctx context.Context, token gcpToken, where string) (keychain.Secret, error) {
	answer, err := c.ask(ctx, func() (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
		if err != nil {
			return nil, outside(keychain.KindBadReference, "the reference makes no address", c.look)
		}
		request.Header.Set("Authorization", "Bearer "+token.Access)
		if token.Quota != "" {
			request.Header.Set("X-Goog-User-Project", token.Quota)
		}
		return request, nil
	}, nil)
	if err != nil {
		return keychain.Secret{}, err
	}
	defer clear(answer.body)
	if answer.status != http.StatusOK {
		return keychain.Secret{}, c.refused(answer, token)
	}
	var found struct {
		Payload struct {
			Data     []byte `json:"data"`
			Checksum string `json:"dataCrc32c"` // an int64, which JSON has as text
		} `json:"payload"`
	}
	if json.Unmarshal(answer.body, &found) != nil || found.Payload.Checksum == "" {
		clear(found.Payload.Data)
		return keychain.Secret{}, c.notUnderstood()
	}
	sum := crc32.Checksum(found.Payload.Data, crc32.MakeTable(crc32.Castagnoli))
	if strconv.FormatUint(uint64(sum), 10) != found.Payload.Checksum {
		clear(found.Payload.Data)
		return keychain.Secret{}, outside(keychain.KindCorrupt, "the secret does not have the checksum that Google sent with it", "it was damaged on its way, and is asked for again in a few seconds")
	}
	return c.secretOf(found.Payload.Data)
}

// refused gives each error of the API its kind ("Errors", google.rpc.Code and
// ErrorInfo). Google's own words are not repeated.
func (c *gcpCall) refused(answer reply, token gcpToken) error {
	var said struct {
		Error struct {
			Status  string `json:"status"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	_ = json.Unmarshal(answer.body, &said) // an answer of a gateway in between is no JSON
	reason := ""
	for _, detail := range said.Error.Details {
		if reason == "" {
			reason = detail.Reason
		}
	}
	switch status := answer.status; {
	case said.Error.Status == "FAILED_PRECONDITION":
		return outside(keychain.KindNotFound, "that version of the secret is disabled or destroyed", "gcloud secrets versions list shows their states; name another with /versions/N")
	case status == http.StatusBadRequest:
		return outside(keychain.KindBadReference, "Google does not take the name or the version", "correct the reference")
	case status == http.StatusUnauthorized:
		return outside(keychain.KindLocked, "Google does not take the login ("+token.from+") any more", "run: gcloud auth application-default login")
	case reason == "SERVICE_DISABLED":
		return outside(keychain.KindUnsupported, "the project has not switched Secret Manager on", "run: gcloud services enable secretmanager.googleapis.com")
	case reason == "USER_PROJECT_DENIED":
		return outside(keychain.KindWrongKey, "the login ("+token.from+") may not use its quota project", "run: gcloud auth application-default set-quota-project PROJECT")
	case status == http.StatusForbidden:
		return outside(keychain.KindWrongKey, "Google does not let the login ("+token.from+") read the secret", "give it the role roles/secretmanager.secretAccessor on the secret; a project that does not exist looks the same")
	case status == http.StatusNotFound:
		return outside(keychain.KindNotFound, "there is no such secret, or not this version of it", "correct the name; gcloud secrets list shows those that are")
	case status == http.StatusTooManyRequests:
		return c.busy(answer.after)
	case status >= 500:
		return c.broken(answer)
	}
	return outside(keychain.KindFailed, "Google answered with status "+strconv.Itoa(answer.status), c.look)
}
