package main

import (
	"testing"

	"openclaw/configs"
	"openclaw/keychain/ref"
)

// TestReferencesAreReadAlike: what the config's validation lets pass, the resolver
// reads, and the other way round; so nothing is found wrong only when a key is needed.
func TestReferencesAreReadAlike(t *testing.T) {
	for text, good := range map[string]bool{
		"aws-secrets://prod/app": true, "aws-secrets://a?version=AWSPREVIOUS#b": true, "aws-secrets://a?stage=b": false, "aws-secrets://a b": false, "aws-secrets://": false, "aws-secrets://a?version=": false,
		"aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:a-AbCdEf": true, "aws-secrets://arn:aws:secretsmanager:evil/:123456789012:secret:a": false, "aws-secrets://a%2Fb": false,
		"gcp-secrets://projects/p/secrets/s": true, "gcp-secrets://projects/p/secrets/s/versions/3#a": true, "gcp-secrets://projects/p/secrets/s?version=latest": true, "gcp-secrets://projects/p/secrets/s?version=0": false,
		"gcp-secrets://projects/p/secrets/s/versions/": false, "gcp-secrets://projects/p/secrets/s/versions/1?version=1": false, "gcp-secrets://projects/p/locations/europe-west3/secrets/s": true, "gcp-secrets://projects/../secrets/s": false,
		"gcp-secrets://p/s": false, "azure-keyvault://my-vault/a": true, "azure-keyvault://my-vault/a?version=0123456789abcdef0123456789abcdef": true, "azure-keyvault://my-vault/a?version=1": false,
		"azure-keyvault://evil.example.com/a": false, "azure-keyvault://my-vault": false, "azure-keyvault://my--vault/a": false, "azure-keyvault://my-vault/a--b": true,
		"hcvault://secret/app?version=3#key": true, "hcvault://secret": false, "op://a/b/c": true, "op://a/b": false, "pass://a": true, "pass://../a": false, "vault://a?version=2": false,
	} {
		_, _, configured := configs.Reference(text).Parse()
		_, resolved := ref.Parse(text)
		if (configured == nil) != good || (resolved == nil) != good {
			t.Errorf("%s: the config says %v, the resolver %v", text, configured, resolved)
		}
	}
}
