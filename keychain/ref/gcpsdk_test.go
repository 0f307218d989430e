package ref

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/secretmanager/v1"
)

// TestGoogleSDKGoesTheSameWays: by each setting Google's own client reaches the
// stand-in's secret, too, and reads its answers and errors as what they are meant to be.
func TestGoogleSDKGoesTheSameWays(t *testing.T) {
	s := newGCP(t)
	dir := s.credentials(t)
	for name, variables := range s.gcpWays(dir) {
		switch name {
		case "folder of gcloud": // gcloud's own; the library for Go does not know CLOUDSDK_CONFIG
			continue
		case "login of gcloud", "user", "impersonated": // it asks Google itself for a person's token, whatever token_uri says
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, line := range os.Environ() {
				if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "GOOGLE_") || strings.HasPrefix(name, "GCE_") {
					t.Setenv(name, "")
					_ = os.Unsetenv(name)
				}
			}
			for name, value := range variables {
				t.Setenv(name, value)
			}
			service, err := secretmanager.NewService(t.Context(), option.WithEndpoint(s.URL+"/"), option.WithScopes(gcpScope))
			if err != nil {
				t.Fatal(err)
			}
			versions := secretmanager.NewProjectsSecretsVersionsService(service)
			got, err := versions.Access("projects/p/secrets/app/versions/latest").Context(t.Context()).Do()
			if err != nil {
				t.Fatal(err)
			}
			if data, err := base64.StdEncoding.DecodeString(got.Payload.Data); err != nil || string(data) != "newest" || got.Payload.DataCrc32c == 0 {
				t.Errorf("%q %v", data, err)
			}
			for secret, status := range map[string]int{
				"none": http.StatusNotFound, "denied": http.StatusForbidden, "disabled": http.StatusBadRequest, "teapot": http.StatusTeapot, "busy-for-long": http.StatusTooManyRequests,
			} {
				_, err := versions.Access("projects/odd/secrets/" + secret + "/versions/latest").Context(t.Context()).Do()
				if api, ok := errors.AsType[*googleapi.Error](err); !ok || api.Code != status {
					t.Errorf("%s: %v", secret, err)
				}
			}
		})
	}
}
