package ref

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gcpStandIn answers as Google's documents say: Secret Manager, the token service, the
// security token service of workload identity, IAM credentials and a machine's
// metadata. It is no Google. It checks the signature, audience and times of what a
// service account signs; Google's own libraries are clients of it in these tests.
type gcpStandIn struct {
	cloudStandIn
	key *rsa.PrivateKey

	quota string // of the last request; guarded by mu
}

const (
	gcpAccess = "ya29.access-" + canary
	gcpEmail  = "reader@p.iam.gserviceaccount.com"
)

func gcpSecrets() map[string]string {
	return map[string]string{
		"projects/p/secrets/app/versions/latest": "newest", "projects/p/secrets/app/versions/3": "third", "projects/p/secrets/app/versions/blue": "by alias",
		"projects/p/secrets/object/versions/latest": `{"key":"inner","deep":{"er":"deeper"}}`, "projects/p/secrets/newline/versions/latest": "value\n",
		"projects/p/secrets/empty/versions/latest": "", "projects/p/secrets/binary/versions/latest": "\xff\x00\x01", "projects/p/secrets/long/versions/latest": strings.Repeat("x", maxCloudSecret),
		"projects/p/locations/europe-west3/secrets/app/versions/latest": "regional", "projects/example.com:p/secrets/app/versions/latest": "of a domain",
	}
}

func newGCP(t *testing.T) *gcpStandIn {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &gcpStandIn{key: key}
	s.serve(t, "Google", s)
	return s
}

func (s *gcpStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/token":
		s.token(w, r)
	case path == "/sts":
		s.exchange(w, r)
	case strings.HasSuffix(path, ":generateAccessToken"):
		s.impersonate(w, r)
	case strings.HasPrefix(path, "/computeMetadata/"):
		s.note("metadata")
		if r.Header.Get("Metadata-Flavor") != "Google" || path != "/computeMetadata/v1/instance/service-accounts/default/token" {
			s.fault("metadata: %s %v", r.URL, r.Header)
		}
		w.Header().Set("Metadata-Flavor", "Google")
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, gcpAccess)
	case strings.HasPrefix(path, "/v1/"):
		s.access(w, r)
	case path == "/redirecting-token":
		http.Redirect(w, r, s.URL+"/stolen", http.StatusTemporaryRedirect)
	case path == "/hostile-token":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"` + canary + `","error_description":"` + canary + `"}`))
	case path == "/broken-token":
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		s.fault("%s %s", r.Method, r.URL)
		http.NotFound(w, r)
	}
}

// token is the token service: RFC 6749 section 6, and RFC 7523 section 2.1 as
// "Using OAuth 2.0 for Server to Server Applications" has it.
func (s *gcpStandIn) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"%s"}`, code, canary)
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		s.fault("token: %s", r.Method)
	}
	switch r.PostForm.Get("grant_type") {
	case "refresh_token":
		s.note("refresh")
		if r.PostForm.Get("refresh_token") != "refresh-"+canary {
			refuse("invalid_grant")
			return
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		s.note("jwt")
		if problem := s.assertion(r.PostForm.Get("assertion")); problem != "" {
			refuse("invalid_grant")
			return
		}
	default:
		s.fault("token: %v", r.PostForm)
		refuse("unsupported_grant_type")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, gcpAccess)
}

func (s *gcpStandIn) assertion(text string) string {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "no token"
	}
	claimed, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || err2 != nil || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return "the signature is wrong"
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Scope    string `json:"scope"`
		From     int64  `json:"iat"`
		To       int64  `json:"exp"`
	}
	now := time.Now().Unix()
	if json.Unmarshal(claimed, &claims) != nil || claims.Issuer != gcpEmail || claims.Audience != s.URL+"/token" || claims.Scope != gcpScope || claims.From > now+60 || claims.To < now || claims.To-claims.From > 3700 {
		return "the claims are wrong"
	}
	return ""
}

// exchange is RFC 8693, as "Workload Identity Federation" has it.
func (s *gcpStandIn) exchange(w http.ResponseWriter, r *http.Request) {
	s.note("exchange")
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" || r.PostForm.Get("subject_token") != "subject-"+canary {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, canary)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3599}`, gcpAccess)
}

func (s *gcpStandIn) impersonate(w http.ResponseWriter, r *http.Request) {
	s.note("impersonate")
	if r.Header.Get("Authorization") != "Bearer "+gcpAccess {
		s.fault("impersonated with %q", r.Header.Get("Authorization"))
	}
	if strings.Contains(r.URL.Path, "redirect") {
		http.Redirect(w, r, s.URL+"/stolen", http.StatusTemporaryRedirect)
		return
	}
	_, _ = fmt.Fprintf(w, `{"accessToken":%q,"expireTime":%q}`, gcpAccess, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (s *gcpStandIn) access(w http.ResponseWriter, r *http.Request) {
	name, is := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/"), ":access")
	if r.Method != http.MethodGet || !is {
		s.fault("%s %s", r.Method, r.URL)
	}
	tries := s.note(name)
	refuse := func(code int, status, reason string) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(code)
		details := ""
		if reason != "" {
			details = fmt.Sprintf(`,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"domain":"googleapis.com"}]`, reason)
		}
		_, _ = fmt.Fprintf(w, `{"error":{"code":%d,"message":"%s","status":%q%s}}`, code, canary, status, details)
	}
	s.mu.Lock()
	s.quota = r.Header.Get("X-Goog-User-Project")
	s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+gcpAccess {
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
		return
	}
	data, ok := gcpSecrets()[name]
	if strings.Contains(name, "once-broken") {
		data = "x"
	}
	checksum := crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli))
	answer := fmt.Sprintf(`{"name":"projects/123/secrets/x/versions/3","payload":{"data":%q,"dataCrc32c":"%d"}}`, base64.StdEncoding.EncodeToString([]byte(data)), checksum)
	switch secret := strings.TrimSuffix(strings.TrimPrefix(name, "projects/odd/secrets/"), "/versions/latest"); secret {
	case "disabled":
		refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "")
	case "argument":
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "")
	case "expired":
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
	case "denied":
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
	case "off":
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "SERVICE_DISABLED")
	case "quota-project":
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "USER_PROJECT_DENIED")
	case "teapot":
		refuse(http.StatusTeapot, "", "")
	case "busy-for-long":
		w.Header().Set("Retry-After", "3600")
		refuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "")
	case "busy":
		refuse(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "")
	case "broken":
		refuse(http.StatusInternalServerError, "INTERNAL", "")
	case "once-broken":
		if tries == 1 {
			refuse(http.StatusServiceUnavailable, "UNAVAILABLE", "")
			return
		}
		_, _ = io.WriteString(w, answer)
	case "checksum":
		_, _ = w.Write([]byte(`{"payload":{"data":"` + base64.StdEncoding.EncodeToString([]byte(canary)) + `","dataCrc32c":"1"}}`))
	case "no-checksum":
		_, _ = w.Write([]byte(`{"payload":{"data":"` + base64.StdEncoding.EncodeToString([]byte(canary)) + `"}}`))
	case "no-base64":
		_, _ = w.Write([]byte(`{"payload":{"data":"` + canary + `%","dataCrc32c":"1"}}`))
	case "redirect":
		http.Redirect(w, r, s.URL+"/stolen", http.StatusFound)
	case "huge":
		_, _ = w.Write([]byte(strings.Repeat(" ", maxCloudAnswer+1)))
	case "cut":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"payload":{"data":"` + canary))
	case "html":
		_, _ = w.Write([]byte("<html>" + canary))
	case "hangs":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		if !ok {
			refuse(http.StatusNotFound, "NOT_FOUND", "")
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = io.WriteString(w, answer)
	}
}

// credentials lays files of each type into a folder.
func (s *gcpStandIn) credentials(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherDER, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	lay := func(name string, content map[string]any) {
		data, err := json.Marshal(content)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	user := map[string]any{"type": "authorized_user", "client_id": "id", "client_secret": "secret-" + canary, "refresh_token": "refresh-" + canary, "token_uri": s.URL + "/token", "quota_project_id": "payer"}
	account := func(der []byte, uri string) map[string]any {
		return map[string]any{
			"type": "service_account", "project_id": "p", "private_key_id": "k", "client_email": gcpEmail, "client_id": "1", "token_uri": uri,
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "subject"), []byte("subject-"+canary), 0o600); err != nil {
		t.Fatal(err)
	}
	federation := func(source map[string]any) map[string]any {
		return map[string]any{
			"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
			"token_url": s.URL + "/sts", "credential_source": source,
		}
	}
	impersonated := func(inner any, url string) map[string]any {
		return map[string]any{"type": "impersonated_service_account", "service_account_impersonation_url": url, "source_credentials": inner}
	}
	generate := s.URL + "/v1/projects/-/serviceAccounts/" + gcpEmail + ":generateAccessToken"
	lay("home/.config/gcloud/application_default_credentials.json", user)
	lay("user.json", user)
	lay("account.json", account(der, s.URL+"/token"))
	lay("federation.json", federation(map[string]any{"file": filepath.Join(dir, "subject")}))
	lay("impersonated.json", impersonated(user, generate))
	lay("over.json", with2(user, "refresh_token", "other"))
	lay("wrong-key.json", account(otherDER, s.URL+"/token"))
	lay("clear.json", account(der, "http://token.example.com/"))
	lay("redirect.json", account(der, s.URL+"/redirecting-token"))
	lay("hostile.json", account(der, s.URL+"/hostile-token"))
	lay("broken.json", account(der, s.URL+"/broken-token"))
	lay("nobody.json", account(der, "http://127.0.0.1:1/"))
	lay("impersonated-redirect.json", impersonated(user, s.URL+"/v1/projects/-/serviceAccounts/redirect:generateAccessToken"))
	lay("program.json", federation(map[string]any{"executable": map[string]any{"command": "/bin/false"}}))
	lay("inner-program.json", impersonated(federation(map[string]any{"executable": map[string]any{"command": "/bin/false"}}), generate))
	lay("certificate.json", federation(map[string]any{"certificate": map[string]any{"use_default_certificate_config": true}}))
	lay("universe.json", with2(user, "universe_domain", "evil.example.com"))
	lay("type.json", map[string]any{"type": canary})
	lay("half.json", map[string]any{"type": "service_account", "private_key": canary})
	return dir
}

func with2(base map[string]any, name string, value any) map[string]any {
	all := map[string]any{name: value}
	for k, v := range base {
		if k != name {
			all[k] = v
		}
	}
	return all
}
