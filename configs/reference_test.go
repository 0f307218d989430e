package configs

import (
	"strings"
	"testing"
)

// TestReferenceForms: every form is known, and a near miss is told before anything
// is started.
func TestReferenceForms(t *testing.T) {
	for text, want := range map[Reference]Form{
		"pass://work/anthropic": FormPass, "pass://a#user": FormPass, "op://Private/Anthropic/key": FormOP, "op://a/b/section/key": FormOP,
		"hcvault://secret/app#key": FormHCVault, "hcvault://secret/a/b?version=3#key": FormHCVault, "exec:docker-credential-pass https://x": FormCommand, "exec:/opt/get-key a": FormCommand,
		"aws-secrets://prod/app?version=AWSPREVIOUS#key": FormAWS, "aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:a-AbCdEf": FormAWS,
		"gcp-secrets://projects/p/secrets/s": FormGCP, "gcp-secrets://projects/p/locations/europe-west3/secrets/s/versions/3#a": FormGCP, "gcp-secrets://projects/p/secrets/s?version=latest": FormGCP,
		"azure-keyvault://my-vault/key": FormAzure, "azure-keyvault://my-vault/key?version=0123456789abcdef0123456789abcdef": FormAzure,
	} {
		form, name, err := text.Parse()
		if form != want || name == "" || err != nil || text.Literal() || text.String() != string(text) {
			t.Errorf("%s: %q %q %v", text, form, name, err)
		}
	}
	for text, want := range map[Reference]string{
		"op://a/b": "op://vault/item/field", "hcvault://secret": "hcvault://mount/path", "hcvault://secret/a?version=new": "?version=3", "hcvault://secret/a?v=1": "?version=3",
		"pass://a?version=1": "takes no ?option", "pass://../a": "the path of pass://", "hcvault://a//b": "the path of hcvault://", "pass://-c": "the path of pass://", "vault://a?version=2": "takes no ?option",
		"aws-secrets://a b": "aws-secrets://name", "aws-secrets://arn:aws:iam::1:user/a": "aws-secrets://name", "aws-secrets://a?stage=b": "?version=AWSPREVIOUS", "aws-secrets://": "aws-secrets://name",
		"gcp-secrets://p/s": "projects/PROJECT", "gcp-secrets://projects/p/secrets/s?version=0": "/versions/VERSION", "gcp-secrets://projects/p/secrets/s/versions/1?version=1": "/versions/VERSION",
		"azure-keyvault://vault": "azure-keyvault://vault/secret", "azure-keyvault://evil.example.com/a": "azure-keyvault://vault/secret", "azure-keyvault://my-vault/a?version=1": "32 digits", "azure-keyvault://my--vault/a": "azure-keyvault://vault/secret",
		"exec:": "needs a command", "exec:pass show 'a'": "no shell", "hcvualt://a/b": `did you mean "hcvault"`, "pas://a": `did you mean "pass"`,
	} {
		if _, _, err := text.Parse(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", string(text), err)
		}
	}
	snapshot, err := Parse("config.yaml", []byte("providers:\n  anthropic: {api_key: 'hcvault://secret'}\n"), Options{NoFiles: true, Getenv: func(string) string { return "" }, Layout: Layout{Root: t.TempDir()}})
	if err == nil || !strings.Contains(err.Error(), "2:24") || snapshot != nil {
		t.Errorf("the place of the error: %v", err)
	}
}
