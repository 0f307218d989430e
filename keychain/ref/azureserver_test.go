package ref

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// azureStandIn answers as the documents of Azure say, for all of its hosts: vaults,
// Microsoft Entra, a machine's identity services. It is no Azure. A vault wants a token
// and names, to who brings none, where to get one; Azure's own libraries are clients of
// it in these tests.
type azureStandIn struct {
	cloudStandIn
}

const (
	azureAccess  = "eyJ.azure-" + canary
	azureTenant  = "11111111-2222-3333-4444-555555555555"
	azureOldID   = "0123456789abcdef0123456789abcdef"
	azureSecret  = "Q~client-" + canary
	azureVaultIs = "my-vault.vault.azure.net"
)

func newAzure(t *testing.T) *azureStandIn {
	t.Helper()
	s := &azureStandIn{}
	s.serve(t, "Azure", s)
	return s
}

// RoundTrip sends what is for Azure's hosts to the stand-in, under their names: no
// variable of Azure's names another vault. What else there is goes to itself.
func (s *azureStandIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if host := r.URL.Hostname(); !loopback(host) {
		if r.URL.Scheme != "https" && host != "169.254.169.254" {
			s.fault("%s in clear", r.URL)
		}
		r = r.Clone(r.Context())
		r.Host = r.URL.Host
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(s.URL, "http://")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (s *azureStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, path := r.Host, r.URL.Path
	switch {
	case strings.Contains(host, ".vault."):
		s.vault(w, r)
	case strings.HasSuffix(path, "/oauth2/v2.0/token"):
		s.entra(w, r)
	case strings.HasSuffix(path, "/.well-known/openid-configuration"): // Azure's library asks for it
		base := "https://" + host + "/" + azureTenant
		_, _ = fmt.Fprintf(w, `{"token_endpoint":"%[1]s/oauth2/v2.0/token","issuer":"%[1]s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize"}`, base)
	case strings.HasSuffix(path, "/discovery/instance"):
		_, _ = fmt.Fprintf(w, `{"tenant_discovery_endpoint":"https://%s/%s/v2.0/.well-known/openid-configuration","metadata":[]}`, host, azureTenant)
	case path == "/metadata/identity/oauth2/token":
		query := r.URL.Query()
		if r.Header.Get("Metadata") == "" { // Azure's library asks so whether anybody is there
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.note("metadata")
		if r.Header.Get("Metadata") != "true" || query.Get("api-version") == "" || query.Get("resource") != "https://vault.azure.net" {
			s.fault("metadata: %s %v", r.URL, r.Header)
		}
		s.give(w, true)
	case path == "/msi/token":
		s.note("app service")
		if r.Header.Get("X-Identity-Header") != "header-"+canary || r.URL.Query().Get("api-version") != "2019-08-01" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.give(w, true)
	default:
		s.fault("%s %s%s", r.Method, host, r.URL)
		http.NotFound(w, r)
	}
}

func (s *azureStandIn) give(w http.ResponseWriter, machine bool) {
	w.Header().Set("Content-Type", "application/json")
	if machine { // they write times as text
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"client_id":"x","expires_in":"86399","expires_on":"%d","not_before":"1","resource":"https://vault.azure.net","token_type":"Bearer"}`, azureAccess, time.Now().Add(24*time.Hour).Unix())
		return
	}
	_, _ = fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":%q}`, azureAccess)
}

func (s *azureStandIn) entra(w http.ResponseWriter, r *http.Request) {
	s.note("entra")
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		s.fault("Entra: %s %v", r.Method, r.PostForm)
	}
	scope := ""
	for word := range strings.FieldsSeq(r.PostForm.Get("scope")) { // Azure's library adds those of OpenID
		if strings.HasPrefix(word, "https://") {
			scope = word
		}
	}
	suffix := map[string]string{"login.microsoftonline.com": "vault.azure.net", "login.microsoftonline.us": "vault.usgovcloudapi.net", "login.partner.microsoftonline.cn": "vault.azure.cn"}[r.Host]
	good := r.PostForm.Get("client_secret") == azureSecret || r.PostForm.Get("client_assertion") == "federated-"+canary && r.PostForm.Get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	switch tenant := strings.Split(r.URL.Path, "/")[1]; {
	case tenant == "busy.example.com":
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	case tenant == "broken.example.com":
		w.WriteHeader(http.StatusInternalServerError)
	case tenant == "odd.example.com":
		_, _ = w.Write([]byte(`{"access_token":"` + canary + `"}`)) // with no end
	case tenant == "redirect.example.com":
		http.Redirect(w, r, "https://evil.example.com/stolen", http.StatusTemporaryRedirect)
	case suffix == "" || scope != "https://"+suffix+"/.default" || tenant != azureTenant || r.PostForm.Get("client_id") != "client" || !good:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"AADSTS7000215: %s","error_codes":[7000215]}`, canary)
	default:
		s.give(w, false)
	}
}

func (s *azureStandIn) vault(w http.ResponseWriter, r *http.Request) {
	vault, suffix, _ := strings.Cut(r.Host, ".")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != http.MethodGet || parts[0] != "secrets" || len(parts) < 2 || len(parts) > 3 || r.URL.Query().Get("api-version") == "" {
		s.fault("Get Secret: %s %s", r.Method, r.URL)
		http.NotFound(w, r)
		return
	}
	name := parts[1]
	if r.Header.Get("Authorization") == "" {
		s.note("challenge")
		authority := map[string]string{"vault.azure.net": "login.microsoftonline.com", "vault.usgovcloudapi.net": "login.microsoftonline.us", "vault.azure.cn": "login.partner.microsoftonline.cn"}[suffix]
		challenge := fmt.Sprintf(`Bearer authorization="https://%s/%s", resource="https://%s"`, authority, azureTenant, suffix)
		switch vault {
		case "other-place":
			challenge = fmt.Sprintf(`Bearer authorization="https://login.evil.example.com/%s", resource="https://vault.azure.net"`, azureTenant)
		case "other-resource":
			challenge = fmt.Sprintf(`Bearer authorization="https://login.microsoftonline.com/%s", resource="https://management.azure.com"`, azureTenant)
		case "other-tenant":
			challenge = `Bearer authorization="https://login.microsoftonline.com/--output=none", resource="https://vault.azure.net"`
		case "no-challenge":
			challenge = "Basic realm=x"
		case "open-vault":
			_, _ = w.Write([]byte(`{"value":"` + canary + `","id":"https://x/secrets/app/1"}`))
			return
		case "firewalled":
			s.refuse(w, http.StatusForbidden, "Forbidden", "ForbiddenByFirewall")
			return
		}
		w.Header().Set("WWW-Authenticate", challenge)
		s.refuse(w, http.StatusUnauthorized, "Unauthorized", "")
		return
	}
	tries := s.note(name)
	if r.Header.Get("Authorization") != "Bearer "+azureAccess {
		s.refuse(w, http.StatusUnauthorized, "Unauthorized", "")
		return
	}
	version := ""
	if len(parts) == 3 {
		version = parts[2]
	}
	s.answer(w, r, name, version, tries)
}

func (s *azureStandIn) refuse(w http.ResponseWriter, status int, code, inner string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	more := ""
	if inner != "" {
		more = fmt.Sprintf(`,"innererror":{"code":%q}`, inner)
	}
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"%s"%s}}`, code, canary, more)
}

func (s *azureStandIn) answer(w http.ResponseWriter, r *http.Request, name, version string, tries int) {
	secrets := map[string]string{"app": "newest", "app " + azureOldID: "old", "object": `{"key":"inner"}`, "newline": "value\n", "empty": "", "unicode": "schlüssel ✓", "long": strings.Repeat("ä", 12500)}
	switch name {
	case "disabled":
		s.refuse(w, http.StatusForbidden, "Forbidden", "SecretDisabled")
	case "denied":
		s.refuse(w, http.StatusForbidden, "Forbidden", "ForbiddenByRbac")
	case "firewall":
		s.refuse(w, http.StatusForbidden, "Forbidden", "ForbiddenByFirewall")
	case "expired":
		s.refuse(w, http.StatusUnauthorized, "Unauthorized", "")
	case "parameter":
		s.refuse(w, http.StatusBadRequest, "BadParameter", "")
	case "teapot":
		s.refuse(w, http.StatusTeapot, "", "")
	case "busy-for-long":
		w.Header().Set("Retry-After", "3600")
		s.refuse(w, http.StatusTooManyRequests, "Throttled", "")
	case "busy":
		s.refuse(w, http.StatusTooManyRequests, "Throttled", "")
	case "broken":
		s.refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "")
	case "once-broken":
		if tries == 1 {
			s.refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "")
			return
		}
		_, _ = io.WriteString(w, `{"value":"x","id":"https://v/secrets/once-broken/1"}`)
	case "of-another":
		_, _ = w.Write([]byte(`{"value":"` + canary + `","id":"https://v/secrets/app/1"}`))
	case "no-value":
		_, _ = w.Write([]byte(`{"id":"https://v/secrets/no-value/1"}`))
	case "redirect":
		http.Redirect(w, r, "https://evil.example.com/stolen", http.StatusTemporaryRedirect)
	case "huge":
		_, _ = w.Write([]byte(strings.Repeat(" ", maxCloudAnswer+1)))
	case "cut":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"value":"` + canary))
	case "html":
		_, _ = w.Write([]byte("<html>" + canary))
	case "hangs":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		key := name
		if version != "" {
			key += " " + version
		}
		value, ok := secrets[key]
		if !ok {
			s.refuse(w, http.StatusNotFound, "SecretNotFound", "")
			return
		}
		if version == "" {
			version = azureOldID
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"value": value, "id": "https://" + r.Host + "/secrets/" + name + "/" + version, "attributes": map[string]any{"enabled": true, "created": 1, "updated": 1},
		})
	}
}

// azureWays are the settings by which a secret is reached.
func (s *azureStandIn) azureWays(t *testing.T) map[string]map[string]string {
	t.Helper()
	dir := t.TempDir()
	program := `#!/bin/sh
[ "$*" = "account get-access-token --output json --resource https://vault.azure.net --tenant ` + azureTenant + `" ] || { echo "$*" >&2; exit 3; }
[ -z "$AZURE_CLIENT_SECRET" ] || exit 4
echo '{"accessToken":"` + azureAccess + `","expiresOn":"2999-01-01 00:00:00.000000","expires_on":32472144000,"subscription":"x","tenant":"` + azureTenant + `","tokenType":"Bearer"}'
`
	if err := layFile(filepath.Join(dir, "az"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "federated"), []byte("federated-"+canary), 0o600); err != nil {
		t.Fatal(err)
	}
	client := map[string]string{"AZURE_TENANT_ID": azureTenant, "AZURE_CLIENT_ID": "client"}
	return map[string]map[string]string{
		"secret":      with(client, "AZURE_CLIENT_SECRET", azureSecret),
		"federated":   with(client, "AZURE_FEDERATED_TOKEN_FILE", filepath.Join(dir, "federated")),
		"machine":     {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"},
		"cluster":     {"AZURE_TOKEN_CREDENTIALS": "prod", "AZURE_POD_IDENTITY_AUTHORITY_HOST": s.URL},
		"app service": {"IDENTITY_ENDPOINT": s.URL + "/msi/token", "IDENTITY_HEADER": "header-" + canary},
		"program":     {"PATH": dir + ":/usr/bin:/bin", "HOME": dir},
	}
}
