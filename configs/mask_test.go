package configs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const canary = "hunter2hunter2"

// TestReferencePrintsNoLiteral: no verb, encoder or log prints a secret that
// stands in the config; a reference prints as written.
func TestReferencePrintsNoLiteral(t *testing.T) {
	tests := map[Reference]string{
		"":                               "",
		"${NAME}":                        "${NAME}",
		"${NAME:-}":                      "${NAME:-}",
		"${NAME:-" + canary + "}":        "${NAME:-••••}",
		"${NAME}" + canary:               "••••",
		"keychain://openclaw/anthropic":  "keychain://openclaw/anthropic",
		"vault://a#field":                "vault://a#field",
		"file:///run/secrets/a":          "file:///run/secrets/a",
		"aws-secrets://a/b?version=1":    "aws-secrets://a/b?version=1",
		"exec:pass show a":               "exec:pass show a",
		canary:                           "••••",
		"$$" + canary:                    "••••",
		"https://user:" + canary + "@x/": "••••",
		Reference("x\n" + canary):        "••••",
	}
	for reference, want := range tests {
		t.Run(want, func(t *testing.T) {
			holder := struct{ Key Reference }{reference}
			asJSON, _ := json.Marshal(holder)
			asYAML, _ := yaml.Marshal(holder)
			var log strings.Builder
			slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", reference, "holder", holder)
			for _, text := range []string{
				fmt.Sprintf("%v %s %q %x %d %+v %#v", reference, reference, reference, reference, reference, holder, holder),
				string(asJSON), string(asYAML), log.String(), reference.GoString(),
			} {
				if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
					t.Errorf("shows the secret: %s", text)
				}
			}
			if reference.String() != want {
				t.Errorf("got %q", reference.String())
			}
			if literal := strings.Contains(string(reference), canary); reference.Literal() != literal {
				t.Errorf("literal %v", reference.Literal())
			}
		})
	}
}

// TestMaskLines: a difference shows no secret, also of a file that is not YAML.
func TestMaskLines(t *testing.T) {
	hidden := []string{
		"api_key: " + canary,
		"    api_key: \"" + canary + "\" # mine",
		"api_key: '" + canary + "'",
		"api_key: \"a\\\"" + canary + "\"",
		"api_key: a#" + canary,
		"api_key: a, " + canary,
		"api_key: ${X:-" + canary + "}",
		"  openai: {api_key: " + canary + ", kind: openai}",
		"# api_key: " + canary,
		"API-KEY=" + canary,
		"\"gateway_token\" : " + canary,
		"gateway_token: |\n  " + canary + "\n\n  " + canary,
		"api_key: \"first\n  " + canary + "\"",
		"api_key: &x\n  " + canary,
		"model: sk-ant-" + canary,
		"base_url: https://me:" + canary + "@example.com/",
		"model: AKIA" + strings.ToUpper(canary) + "XX",
		"- eyJ" + canary + canary + "." + canary,
		"note: 0123456789abcdef0123456789abcdef hunter2hunter2"[:38],
		"password: " + canary,
	}
	for _, text := range hidden {
		masked := strings.Join(maskLines(strings.Split(text, "\n"), nil), "\n")
		if strings.Contains(strings.ToLower(masked), canary) || strings.Contains(masked, "0123456789abcdef0123456789abcdef") || !strings.Contains(masked, mask) {
			t.Errorf("%q shows %q", text, masked)
		}
	}
	shown := []string{
		"api_key: ${ANTHROPIC_API_KEY} # from the environment",
		"api_key: keychain://openclaw/anthropic",
		"{api_key: vault://openai_api_key, kind: openai}",
		"gateway_token: file:///run/secrets/token",
		"token_rotation:",
		"  interval_days: 90",
		"- TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"- ~/Projects/2026/SomeVeryLongFolderName/another-long-one",
		"- gateway_connections_total",
		"condition: \"log_contains('sk-ant-api') OR log_contains('sk-proj-')\"",
		"redact_patterns: [\"sk-[a-zA-Z0-9-]+\", \"token\"]",
		"api_key:",
		"gateway_url: wss://gateway.yourdomain.com:18789",
	}
	for _, text := range shown {
		if masked := maskLines([]string{text}, nil)[0]; masked != text {
			t.Errorf("%q became %q", text, masked)
		}
	}
}

// TestDiff: changes in words and lines, with no secret in either.
func TestDiff(t *testing.T) {
	options := testOptions(t)
	load := func(text string) *Snapshot {
		s, err := Parse("config.yaml", []byte(text), options)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := load("# top\nlogging:\n  level: info\nproviders:\n  openai:\n    api_key: " + canary + "\nagents:\n  a:\n    permissions:\n      allowed_paths:\n        - /x\n  gone: {}\n")
	after := load("# top\nlogging:\n  level: debug\nproviders:\n  openai:\n    api_key: " + canary + "3\nagents:\n  a:\n    permissions:\n      read_only: true\n      ask_timeout: 5s\n      network: {allowed_domains: []}\n      allowed_paths:\n        - /x\n        - /y\n  new: {}\n")
	changes, lines := Diff(before, after)
	want := []string{
		"agents.a.permissions.read_only not written → true",
		"agents.a.permissions.allowed_paths +1 −0",
		"agents.a.permissions.network not written → written",
		"agents.a.permissions.ask_timeout not written → 5s",
		"agents.gone removed",
		"agents.new added",
		"providers.openai.api_key changed",
		"logging.level info → debug",
	}
	if got := strings.Join(changes, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("changes\n%s", got)
	}
	wantLines := []string{
		"@@ -1,12 +1,16 @@", " # top", " logging:", "-  level: info", "+  level: debug", " providers:", "   openai:",
		"-    api_key: ••••", "+    api_key: ••••", " agents:", "   a:", "     permissions:",
		"+      read_only: true", "+      ask_timeout: 5s", "+      network: {allowed_domains: []}",
		"       allowed_paths:", "         - /x", "-  gone: {}", "+        - /y", "+  new: {}",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(wantLines, "\n") {
		t.Errorf("lines\n%s", got)
	}
	if changes, lines := Diff(before, before); len(changes)+len(lines) != 0 {
		t.Errorf("no change gave %v %v", changes, lines)
	}
}

// FuzzUnified: the lines rebuild both texts, whatever they are.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd\n")
	f.Add("", "x")
	f.Add(strings.Repeat("same\n", 20)+"x\n", "y\n"+strings.Repeat("same\n", 20))
	f.Fuzz(func(t *testing.T, before, after string) {
		a, b := splitLines([]byte(before)), splitLines([]byte(after))
		var left, right []string
		for _, e := range compareLines(a, b) {
			if e.kind != '+' {
				left = append(left, a[e.before])
			}
			if e.kind != '-' {
				right = append(right, b[e.after])
			}
		}
		if strings.Join(left, "\n") != strings.Join(a, "\n") || strings.Join(right, "\n") != strings.Join(b, "\n") {
			t.Fatalf("%q %q: %q %q", before, after, left, right)
		}
		unifiedDiff([]byte(before), []byte(after), nil)
	})
}
