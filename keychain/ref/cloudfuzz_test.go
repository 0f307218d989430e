package ref

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostile answers every question for a secret with what it was given, and the others,
// without which no cloud is asked for one, as it should.
type hostile struct {
	status int
	header string
	body   []byte
}

func (h hostile) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body []byte, header ...string) (*http.Response, error) {
		response := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r, ProtoMajor: 1, ProtoMinor: 1}
		for i := 0; i+1 < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/token"):
		return answer(http.StatusOK, []byte(`{"access_token":"t","expires_in":3599,"token_type":"Bearer"}`), "Content-Type", "application/json")
	case strings.Contains(r.URL.Host, ".vault.") && r.Header.Get("Authorization") == "":
		return answer(http.StatusUnauthorized, nil, "WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/x", resource="https://vault.azure.net"`)
	}
	return answer(h.status, h.body, "X-Amzn-Errortype", h.header, "Retry-After", h.header, "Location", h.header, "Date", h.header)
}

// FuzzCloudAnswers: whatever a cloud answers, it is a value or an error that repeats
// none of it.
func FuzzCloudAnswers(f *testing.F) {
	for _, body := range []string{
		`{"Name":"a","SecretString":"value"}`, `{"Name":"a","SecretBinary":"dmFsdWU="}`, `{"__type":"a#ThrottlingException"}`, `{"payload":{"data":"eA==","dataCrc32c":"1"}}`,
		`{"error":{"status":"FAILED_PRECONDITION","details":[{"reason":"x"}]}}`, `{"value":"v","id":"https://v/secrets/app/1"}`, `{"error":{"innererror":{"code":"SecretDisabled"}}}`, "", "null", "[]",
	} {
		f.Add(uint16(200), "", []byte(body))
		f.Add(uint16(400), "AccessDeniedException:x", []byte(body))
		f.Add(uint16(302), "https://evil.example.com/", []byte(body))
	}
	dir := f.TempDir()
	user := filepath.Join(dir, "user.json")
	if err := os.WriteFile(user, []byte(`{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}`), 0o600); err != nil {
		f.Fatal(err)
	}
	variables := environment(map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "GOOGLE_APPLICATION_CREDENTIALS": user,
		"AZURE_TENANT_ID": "x", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s",
	})
	f.Fuzz(func(t *testing.T, status uint16, header string, body []byte) {
		if strings.ContainsFunc(header, func(c rune) bool { return c < ' ' || c > '~' }) {
			return
		}
		r := New(Options{LookupEnv: variables, Patience: 150 * time.Millisecond, Transport: hostile{200 + int(status)%400, header, body}})
		for _, text := range []string{"aws-secrets://app", "gcp-secrets://projects/p/secrets/app", "azure-keyvault://my-vault/app"} {
			value, _, err := r.Resolve(t.Context(), text)
			if err == nil {
				if value.Empty() {
					t.Fatalf("%s: %q is no value", text, body)
				}
				continue
			}
			const long = 24 // what is shorter may stand in our own words
			said := fmt.Sprintf("%v %+v", err, err)
			if len(header) >= long && strings.Contains(said, header) {
				t.Fatalf("%s: the error repeats the header: %v", text, err)
			}
			for i := 0; i+long <= len(body); i += long {
				if piece := string(body[i : i+long]); strings.TrimSpace(piece) != "" && strings.Contains(said, piece) {
					t.Fatalf("%s: the error repeats %q: %v", text, piece, err)
				}
			}
		}
	})
}
