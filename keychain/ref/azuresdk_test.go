package ref

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// TestAzureSDKGoesTheSameWays: by each setting Azure's own libraries reach the
// stand-in's secret, too, and read its errors as what they are meant to be.
func TestAzureSDKGoesTheSameWays(t *testing.T) {
	s := newAzure(t)
	options := policy.ClientOptions{Transport: &http.Client{Transport: s}, Retry: policy.RetryOptions{MaxRetries: -1}}
	for name, variables := range s.azureWays(t) {
		t.Run(name, func(t *testing.T) {
			for _, line := range os.Environ() {
				if name, _, _ := strings.Cut(line, "="); strings.HasPrefix(name, "AZURE_") || strings.HasPrefix(name, "IDENTITY_") {
					t.Setenv(name, "")
					_ = os.Unsetenv(name)
				}
			}
			for name, value := range variables {
				t.Setenv(name, value)
			}
			login, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
			if err != nil {
				t.Fatal(err)
			}
			client, err := azsecrets.NewClient("https://"+azureVaultIs, login, &azsecrets.ClientOptions{ClientOptions: options})
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.GetSecret(t.Context(), "app", "", nil)
			if err != nil || got.Value == nil || *got.Value != "newest" || got.ID.Version() != azureOldID {
				t.Fatal(err)
			}
			for secret, status := range map[string]int{"none": http.StatusNotFound, "denied": http.StatusForbidden, "teapot": http.StatusTeapot, "busy-for-long": http.StatusTooManyRequests} {
				_, err := client.GetSecret(t.Context(), secret, "", nil)
				if api, ok := errors.AsType[*azcore.ResponseError](err); !ok || api.StatusCode != status {
					t.Errorf("%s: %v", secret, err)
				}
			}
			// As ours, Azure's library gives no token to a vault that asks for another place's.
			odd, err := azsecrets.NewClient("https://other-resource.vault.azure.net", login, &azsecrets.ClientOptions{ClientOptions: options})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := odd.GetSecret(t.Context(), "app", "", nil); err == nil {
				t.Error("it gave a token")
			}
		})
	}
}
