package ref

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
)

func (s *azureStandIn) options(variables map[string]string) Options {
	return Options{LookupEnv: environment(variables), Patience: time.Minute, Transport: s}
}

func TestAzure(t *testing.T) {
	t.Parallel()
	s := newAzure(t)
	r := New(s.options(s.azureWays(t)["secret"]))
	for text, want := range map[string]string{
		"azure-keyvault://my-vault/app": "newest", "azure-keyvault://My-Vault/app?version=" + azureOldID: "old", "azure-keyvault://my-vault/object#key": "inner", "azure-keyvault://my-vault/newline": "value",
		"azure-keyvault://my-vault/unicode": "schlüssel ✓", "azure-keyvault://my-vault/long": strings.Repeat("ä", 12500), "azure-keyvault://my-vault/once-broken": "x",
	} {
		for _, cached := range []bool{false, true} {
			value, source, err := r.Resolve(t.Context(), text)
			if err != nil || string(value.Reveal()) != want || source.Cached != cached || source.Reference != text {
				t.Errorf("%s: %q %+v %v", text, value.Reveal(), source, err)
			}
			value.Wipe()
		}
	}
	if s.count("entra") != 1 || s.count("challenge") != 1 {
		t.Errorf("%d tokens, %d challenges", s.count("entra"), s.count("challenge"))
	}
	for host := range map[string]string{"login.microsoftonline.us": "vault.usgovcloudapi.net", "login.partner.microsoftonline.cn": "vault.azure.cn"} {
		r := New(s.options(with(s.azureWays(t)["secret"], "AZURE_AUTHORITY_HOST", "https://"+host+"/")))
		if value, _, err := r.Resolve(t.Context(), "azure-keyvault://my-vault/app"); err != nil || string(value.Reveal()) != "newest" {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAzureErrors(t *testing.T) {
	t.Parallel()
	s := newAzure(t)
	variables := s.azureWays(t)["secret"]
	patient := New(s.options(variables))
	options := s.options(variables)
	options.Patience = 300 * time.Millisecond
	hurried := New(options)
	for name, test := range map[string]struct {
		kind  keychain.Kind
		asked int
	}{
		"none": {keychain.KindNotFound, 1}, "app?version=ffffffffffffffffffffffffffffffff": {keychain.KindNotFound, 0}, "empty": {keychain.KindNotFound, 1}, "disabled": {keychain.KindNotFound, 1}, "denied": {keychain.KindWrongKey, 1},
		"firewall": {keychain.KindUnsupported, 1}, "expired": {keychain.KindLocked, 1}, "parameter": {keychain.KindBadReference, 1}, "teapot": {keychain.KindFailed, 1}, "busy-for-long": {keychain.KindFailed, 1},
		"busy": {keychain.KindFailed, maxTries}, "broken": {keychain.KindFailed, maxTries}, "of-another": {keychain.KindCorrupt, 1}, "no-value": {keychain.KindCorrupt, 1}, "redirect": {keychain.KindUnsupported, 1},
		"huge": {keychain.KindTooBig, 1}, "cut": {keychain.KindNoService, maxTries}, "html": {keychain.KindCorrupt, 1}, "hangs": {keychain.KindTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := patient
			if test.kind == keychain.KindTimeout {
				r = hurried
			}
			_, _, err := r.Resolve(t.Context(), "azure-keyvault://my-vault/"+name)
			wantKind(t, err, test.kind)
			wantNoSecret(t, name, err)
			if n := s.count(name); test.asked > 0 && n != test.asked {
				t.Errorf("asked %d times, not %d", n, test.asked)
			}
		})
	}
	// What stands in a vault's place asks for a token of another place, and gets none.
	before := s.count("entra")
	for vault, kind := range map[string]keychain.Kind{
		"other-place": keychain.KindUnsupported, "other-resource": keychain.KindUnsupported, "other-tenant": keychain.KindUnsupported, "no-challenge": keychain.KindCorrupt, "open-vault": keychain.KindCorrupt,
		"firewalled": keychain.KindUnsupported,
	} {
		t.Run(vault, func(t *testing.T) {
			_, _, err := New(s.options(variables)).Resolve(t.Context(), "azure-keyvault://"+vault+"/app")
			wantKind(t, err, kind)
			wantNoSecret(t, vault, err)
		})
	}
	if s.count("entra") != before {
		t.Error("a token was fetched for a vault that asks for another place's")
	}
}

func TestAzureCredentials(t *testing.T) {
	t.Parallel()
	s := newAzure(t)
	for name, variables := range s.azureWays(t) {
		value, _, err := New(s.options(variables)).Resolve(t.Context(), "azure-keyvault://my-vault/app")
		if err != nil || string(value.Reveal()) != "newest" {
			t.Errorf("%s: %q %v", name, value.Reveal(), err)
		}
	}
	for what, n := range map[string]int{"entra": 2, "metadata": 2, "app service": 1, "challenge": 6} {
		if s.count(what) != n {
			t.Errorf("%s was asked %d times", what, s.count(what))
		}
	}
}

func TestAzureCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newAzure(t)
	ways := s.azureWays(t)
	dir := t.TempDir()
	program := func(name, text string) map[string]string {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := layFile(filepath.Join(folder, "az"), "#!/bin/sh\n"+text+"\n", 0o755); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"PATH": folder + ":/usr/bin:/bin", "HOME": dir}
	}
	for name, test := range map[string]struct {
		variables map[string]string
		kind      keychain.Kind
	}{
		"none":                   {map[string]string{"PATH": dir}, keychain.KindLocked},
		"half":                   {map[string]string{"AZURE_CLIENT_SECRET": azureSecret}, keychain.KindLocked},
		"half of a federation":   {map[string]string{"AZURE_FEDERATED_TOKEN_FILE": dir}, keychain.KindLocked},
		"federated, none":        {with(ways["federated"], "AZURE_FEDERATED_TOKEN_FILE", dir+"/none"), keychain.KindNotFound},
		"wrong secret":           {with(ways["secret"], "AZURE_CLIENT_SECRET", canary), keychain.KindWrongKey},
		"wrong tenant":           {with(ways["secret"], "AZURE_TENANT_ID", "other.example.com"), keychain.KindWrongKey},
		"tenant that is none":    {with(ways["secret"], "AZURE_TENANT_ID", "../"+canary), keychain.KindBadReference},
		"busy":                   {with(ways["secret"], "AZURE_TENANT_ID", "busy.example.com"), keychain.KindFailed},
		"broken":                 {with(ways["secret"], "AZURE_TENANT_ID", "broken.example.com"), keychain.KindFailed},
		"odd":                    {with(ways["secret"], "AZURE_TENANT_ID", "odd.example.com"), keychain.KindCorrupt},
		"redirect":               {with(ways["secret"], "AZURE_TENANT_ID", "redirect.example.com"), keychain.KindUnsupported},
		"certificate":            {with(ways["secret"], "AZURE_CLIENT_SECRET", "", "AZURE_CLIENT_CERTIFICATE_PATH", "/x"), keychain.KindUnsupported},
		"other cloud":            {with(ways["secret"], "AZURE_AUTHORITY_HOST", "https://login.evil.example.com"), keychain.KindBadReference},
		"cloud in clear":         {with(ways["secret"], "AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com"), keychain.KindBadReference},
		"Arc":                    {map[string]string{"AZURE_TOKEN_CREDENTIALS": "prod", "IDENTITY_ENDPOINT": s.URL}, keychain.KindUnsupported},
		"app service, wrong":     {with(ways["app service"], "IDENTITY_HEADER", "x"), keychain.KindWrongKey},
		"app service, two lines": {with(ways["app service"], "IDENTITY_HEADER", "x\n"+canary), keychain.KindBadReference},
		"app service far away":   {with(ways["app service"], "IDENTITY_ENDPOINT", "http://203.0.113.1/x"), keychain.KindUnsupported},
		"only what is not there": {map[string]string{"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}, keychain.KindLocked},
		"nobody logged in":       {program("out", "echo "+canary+" >&2; exit 1"), keychain.KindLocked},
		"az that says nonsense":  {program("odd", "echo "+canary), keychain.KindCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := New(s.options(test.variables)).Resolve(t.Context(), "azure-keyvault://my-vault/app")
			wantKind(t, err, test.kind)
			wantNoSecret(t, name, err)
		})
	}
}

// TestAzureTokenAfterARefusal: a token that the vault refuses is not used again.
func TestAzureTokenAfterARefusal(t *testing.T) {
	t.Parallel()
	s := newAzure(t)
	r := New(s.options(s.azureWays(t)["secret"]))
	for i, name := range []string{"app", "object", "expired", "newline", "unicode"} {
		_, _, _ = r.Resolve(t.Context(), "azure-keyvault://my-vault/"+name)
		if want := 1 + i/3; s.count("entra") != want {
			t.Errorf("%s: %d tokens, not %d", name, s.count("entra"), want)
		}
	}
}

// FuzzChallenge: whatever a vault asks for, the fields hold nothing that it did not say.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{`Bearer authorization="https://a/b", resource="https://c"`, `Bearer authorization_uri="x" scope="y"`, "Basic", `Bearer =,,=`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for name, value := range challengeFields(header) {
			if !strings.Contains(strings.ToLower(header), name) || !strings.Contains(header, value) {
				t.Fatalf("%q %q", name, value)
			}
		}
	})
}
