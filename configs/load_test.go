package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// wantProblems checks that an error holds exactly the problems that are wanted,
// each as a part of "line:column: key: message (hint)".
func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("error is %T: %v", err, err)
	}
	failed, _ := split(refused.Problems)
	for i, p := range failed {
		if i >= len(want) || !strings.Contains(p.String(), want[i]) {
			t.Errorf("problem %d: %s", i, p)
		}
	}
	if len(failed) != len(want) {
		t.Errorf("%d problems, want %d", len(failed), len(want))
	}
	if refused.Hint == "" {
		t.Error("no hint")
	}
}

// TestBadText: every error at once, each at its line and column, near misses
// named.
func TestBadText(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"unknown key", "gateway:\n  hots: x\n", []string{`c.yaml:2:3: gateway.hots: unknown key; did you mean "host"?`}},
		{"unknown section", "agent:\n  a: {}\n", []string{`1:1: agent: unknown key; did you mean "agents"?`}},
		{"key of another section", "agents:\n  a:\n    denied_paths: [~/.ssh]\n", []string{"3:5: agents.a.denied_paths: unknown key (it belongs to permissions; check the indentation)"}},
		{"all at once", "gateway:\n  port: 70000\n  require_auth: yes\nlogging:\n  level: inf\naudit:\n  events: [api_cal]\n", []string{
			"2:9: gateway.port: must be from 1 to 65535, not 70000",
			`3:17: gateway.require_auth: must be true or false, not "yes" (write true)`,
			`5:10: logging.level: "inf" is not one of debug, info, warn, error; did you mean "info"?`,
			`7:12: audit.events[0]: "api_cal" is not one of authentication`,
		}},
		{"twice", "logging:\n  level: info\n  level: warn\n", []string{"3:3: logging.level: is written twice; the first is in line 2"}},
		{"mapping for a list", "audit:\n  events:\n    a: b\n", []string{"3:5: audit.events: must be a list, not a mapping"}},
		{"list for a mapping", "agents:\n  - coder\n", []string{"2:3: agents: must be a mapping from names, not a list"}},
		{"text for a mapping", "gateway: on\n", []string{"1:10: gateway: must be a mapping"}},
		{"text for a number", "gateway:\n  port: http\n", []string{`2:9: gateway.port: must be a whole number, not "http"`}},
		{"no value", "gateway:\n  port:\n", []string{"gateway.port: has no value"}},
		{"list for a text", "logging:\n  level: [info]\n", []string{"2:10: logging.level: must be a text, not a list"}},
		{"tls: true", "gateway:\n  tls: true\n", []string{"2:8: gateway.tls: must be false or a mapping"}},
		{"tag", "gateway:\n  host: !secret x\n", []string{"2:9: gateway.host: YAML tags"}},
		{"binary tag", "gateway:\n  host: !!binary aGVsbG8=\n", []string{"gateway.host: must be a text"}},
		{"merge key", "agents:\n  a: &a {role: r}\n  b:\n    <<: *a\nroles: {r: {}}\n", []string{"4:5: agents.b: merge keys (<<) are not supported"}},
		{"duration", "agents:\n  a:\n    permissions:\n      ask_timeout: 60\n", []string{`4:20: agents.a.permissions.ask_timeout: 60 is not a duration (write it like 60s or 5m)`}},
		{"class", "agents:\n  a:\n    permissions:\n      ask: [path.red]\n", []string{`4:13: agents.a.permissions.ask[0]: "path.red" is not one of path.read`}},
		{"access", "agents:\n  a:\n    permissions:\n      allowed_paths: [{path: /x, access: rw}]\n", []string{`4:42: agents.a.permissions.allowed_paths[0].access: "rw" is not one of read, write`}},
		{"relative path", "agents:\n  a:\n    permissions:\n      denied_paths:\n        - secrets\n", []string{"5:11: agents.a.permissions.denied_paths[0]"}},
		{"domain", "agents:\n  a:\n    permissions:\n      network:\n        allowed_domains: ['https://x.com/']\n", []string{"5:27: agents.a.permissions.network.allowed_domains[0]"}},
		{"cidr", "roles:\n  r:\n    permissions:\n      network: {blocked_ips: [10.0.0.0/99]}\n", []string{"4:31: roles.r.permissions.network.blocked_ips[0]"}},
		{"role", "agents:\n  a:\n    role: readonli\nroles:\n  readonly: {}\n", []string{`3:11: agents.a.role: there is no role "readonli"; did you mean "readonly"?`}},
		{"one role of two agents is judged once", "roles:\n  r:\n    permissions:\n      allowed_paths: [x]\nagents:\n  a: {role: r}\n  b: {role: r}\n", []string{"4:23: roles.r.permissions.allowed_paths[0]"}},
		{"agent's name", "agents:\n  ../x: {}\n  Coder: {}\n  a..b: {}\n", []string{`agents["../x"]: "../x" is not a name for an agent`, "(write coder)", `"a..b" is not a name`}},
		{"agent that the audit log would take for the person", "agents:\n  operator: {}\n", []string{`2:13: agents.operator: "operator" is what the audit log calls the person`}},
		{"workspace", "agents:\n  a:\n    workspace: work\n", []string{"3:16: agents.a.workspace"}},
		{"workspace in the state folder", "agents:\n  a:\n    workspace: ~/.openclaw/keys\n", []string{"3:16: agents.a.workspace"}},
		{"workspace that holds the state folder", "agents:\n  a:\n    workspace: \"~\"\n", []string{"3:16: agents.a.workspace"}},
		{"provider", "providers:\n  openapi: {}\n", []string{`providers.openapi: needs base_url; did you mean "openai"?`, "providers.openapi: needs kind"}},
		{"provider over http", "providers:\n  openai:\n    base_url: http://10.0.0.1/\n", []string{"3:15: providers.openai.base_url: sends the key to"}},
		{"key in the URL", "providers:\n  openai:\n    base_url: https://x.example?key=abcdef\n", []string{"must hold no user, password, query or fragment"}},
		{"agent's provider", "agents:\n  a:\n    provider: antropic\n", []string{`there is no provider "antropic"; did you mean "anthropic"?`}},
		{"open host", "gateway:\n  host: 0.0.0.0\n", []string{"2:9: gateway.host: 0.0.0.0 can be reached from elsewhere, without TLS"}},
		{"open host that asks nobody", "gateway:\n  host: \"::\"\n  require_auth: false\n  tls: {enabled: true}\n", []string{"gateway.host: :: can be reached from elsewhere, and the gateway asks nobody"}},
		{"proxy that is nobody", "gateway:\n  host: 10.1.1.1\n  behind_proxy: true\n", []string{"behind_proxy trusts no proxy"}},
		{"proxy that is everybody", "gateway:\n  trusted_proxies: [0.0.0.0/0]\n", []string{"trusts everybody"}},
		{"host that is a name", "gateway:\n  host: gateway.local\n", []string{"is not an address"}},
		{"client certificates", "gateway:\n  tls:\n    client_auth: required\n", []string{"3:18: gateway.tls.client_auth: required needs ca_file"}},
		{"cipher suites", "gateway:\n  tls:\n    cipher_suites: [TLS_AES_256_GCM_SHA38, TLS_RSA_WITH_RC4_128_SHA]\n", []string{`"TLS_AES_256_GCM_SHA384"?`, "is not secure"}},
		{"provider's paths", "providers:\n  anthropic:\n    paths: [/v1/files/*, 'GET /v1/batches/**', files, /a/../b, 'TRACE /x', /a/**/b, '/a b/c', '/a?b']\n",
			[]string{`3:48: providers.anthropic.paths[2]: "files" is not a path`, `[3]: "/a/../b" is not a path`, `[4]: "TRACE" is not a method`, `[5]: "/a/**/b" is not`, `[6]: "/a b/c" is not`, `[7]: "/a?b" is not`}},
		{"budget", "agents:\n  a:\n    budget: {max_tokens_per_day: 0, max_calls: 3, allowed_models: ['', 'a b', 'gpt-5*']}\n",
			[]string{"3:34: agents.a.budget.max_tokens_per_day: must be from 1 to", "agents.a.budget.max_calls: unknown key", `agents.a.budget.allowed_models[0]: "" is not a model's name`, `[1]: "a b" is not`}},
		{"short references", "providers:\n  anthropic: {api_key: 'keychain://x'}\n  openai: {api_key: 'file://x'}\n", []string{"2:24: providers.anthropic.api_key: write keychain://service/account", "3:21: providers.openai.api_key: write file:///"}},
		{"unknown scheme", "providers:\n  openai: {api_key: 'valt://abcdef'}\n", []string{`unknown scheme valt://; did you mean "vault"?`}},
		{"variable without braces", "providers:\n  openai: {api_key: $OPENAI_KEY}\n", []string{"a variable needs braces (write ${NAME})"}},
		{"bullets written back", "providers:\n  openai: {api_key: ••••}\n", []string{"holds the bullets that stand for a secret"}},
		{"pattern", "logging:\n  redact_patterns: ['(?=x)', 'x*']\n", []string{"redact_patterns[0]: is not a regular expression", "redact_patterns[1]: matches the empty text"}},
		{"clear client", "client:\n  gateway_url: ws://example.com:18789\n", []string{"sends the token to \"example.com\" in the clear"}},
		{"schedule", "backup:\n  schedule: 0 25 * * *\n", []string{"2:13: backup.schedule: field 2 is not a number from 0 to 23"}},
		{"memory", "agents:\n  a:\n    limits: {memory: lots, cpu: '0'}\n", []string{"agents.a.limits.memory", "agents.a.limits.cpu"}},
		{"too little memory", "agents:\n  a:\n    limits:\n      memory: 16MB\n      pids: -4\n", []string{"4:15: agents.a.limits.memory: 16MiB is too little; write at least 32MiB", "5:13: agents.a.limits.pids: must be from 1"}},
		{"limits that say nothing", "agents:\n  a:\n    limits: {memory: '', cpu: ''}\n", []string{"agents.a.limits.memory", "agents.a.limits.cpu"}},
		{"nested", "roles:\n  r:\n    permissions:\n      nested: maybe\n", []string{"4:15: roles.r.permissions.nested: must be true or false"}},
		{"variable in a path", "audit:\n  log_path: $NOWHERE/audit.log\n", []string{"2:13: audit.log_path: the variable NOWHERE is not set"}},
		{"two documents", "logging: {}\n---\nlogging: {}\n", []string{"a second YAML document starts here"}},
		{"tab", "gateway:\n\tport: 1\n", []string{"c.yaml:2:1: not YAML"}},
		{"half-written", "gateway:\n  port: 1\nagents:\n  coder:\n    permiss", []string{"c.yaml:5:5"}},
		{"cut in brackets", "audit:\n  events: [api_call,\n", []string{"not YAML"}},
		{"cut in quotes", "audit:\n  enabled: true\nlogging:\n  level: \"in", []string{"c.yaml:4:3: not YAML"}},
		{"indentation", "gateway:\n  port: 1\n   host: x\n", []string{"c.yaml:3:4: not YAML: mapping values are not allowed"}},
		{"list where a key was", "gateway:\n  port: 1\n- x\n", []string{"c.yaml:3:1: not YAML"}},
		{"unknown anchor", "providers:\n  openai: {api_key: *hunter2000}\n", []string{"not YAML: unknown anchor … referenced (put quotes around a value that starts with *)"}},
		{"NUL", "gateway:\n  host: a\x00b\n", []string{"c.yaml:2:10: holds a NUL byte"}},
		{"not UTF-8", "gateway:\n  host: é\xff\n", []string{"c.yaml:2:10: byte 0xff is not UTF-8"}},
		{"UTF-16", "\xff\xfeg\x00", []string{"is UTF-16, not UTF-8"}},
		{"escape sequence", "# \x1b[2J\n", []string{"holds the control character U+001B"}},
		{"text that looks different", "agents: # \u202e\n", []string{"U+202E"}},
		{"hidden line", "# x\rgateway: {require_auth: false}\n", []string{"c.yaml:1:4: holds the line end U+000D"}},
		{"too big", "# " + strings.Repeat("x", MaxSize), []string{"a config holds at most 1048576"}},
		{"scalar", "hello\n", []string{"must be a mapping, not a text"}},
		{"bomb", bomb(), []string{"the file grows past 100000 values"}},
		{"too many agents", "agents:\n" + numbered("  a%d: {}\n", 257), []string{"2:3: agents: holds 257 entries; at most 256 are taken"}},
		{"too many items", "agents:\n  a:\n    env:\n" + numbered("    - A%d\n", 1001), []string{"4:5: agents.a.env: holds 1001 items; at most 1000 are taken"}},
		{"alias of itself", "agents: &a\n  b:\n    permissions: *a\n", []string{"agents.b.permissions.b: unknown key"}},
		{"as the specification prints it", readTest(t, "testdata/bad/1.3-external-as-printed.yaml"), []string{"5:5: providers.anthropic.api_key: is written twice", "7:5: providers.anthropic.api_key: is written twice"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(test.text), testOptions(t))
			wantProblems(t, err, test.want...)
			if strings.Contains(fmt.Sprint(err), "hunter2000") || strings.Contains(fmt.Sprint(err), "abcdef") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func readTest(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bomb is a text of a few kilobytes whose aliases would grow to 250,000 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("agents:\n  a0: &a {env: [" + strings.Repeat("A,", 999) + "A]}\n")
	for i := range 250 {
		fmt.Fprintf(&b, "  a%d: *a\n", i+1)
	}
	return b.String()
}

func numbered(line string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// TestGoodText: shapes that a person may choose, and what absence means.
func TestGoodText(t *testing.T) {
	s, err := Parse("c.yaml", []byte("\ufeff"+`
agents:
  a:
    command: make -j2
    workspace: ~/work
    permissions:
      allowed_paths: [~/x, {path: /y, access: read}]
      ask_timeout: 90s
      network:
        allowed_domains:
  b: &b
    command: [ls, -l]
  "c.d": *b
gateway: {tls: false, port: 0x1000}
`), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	a := s.Config.Agents["a"]
	if got := strings.Join(a.Command, "|"); got != "sh|-c|make -j2" {
		t.Errorf("command %q", got)
	}
	if !filepath.IsAbs(a.Workspace) || filepath.Base(a.Workspace) != "work" {
		t.Errorf("workspace %q", a.Workspace)
	}
	if got := fmt.Sprint(a.Permissions.AllowedPaths); got != "[{~/x } {/y read}]" {
		t.Errorf("allowed paths %s", got)
	}
	if d := a.Permissions.Network.AllowedDomains; d == nil || len(d) != 0 {
		t.Errorf("a list without a value must be empty, not everything: %#v", d)
	}
	if got := s.Config.Agents["c.d"].Command; len(got) != 2 || got[0] != "ls" {
		t.Errorf("alias %q", got)
	}
	if s.Config.Gateway.Port != 4096 {
		t.Errorf("port %d", s.Config.Gateway.Port)
	}
	for key, want := range map[string]string{
		"agents.a.permissions.allowed_paths[1]":        "7:28",
		"agents.a.permissions.allowed_paths[1].access": "7:39",
		"agents.a.permissions.denied_paths[3]":         "6:5", // not written: the key above it
		`agents["c.d"].role`:                           "13:3",
		"nothing":                                      "0:0",
	} {
		line, column := s.Where(key)
		if got := fmt.Sprintf("%d:%d", line, column); got != want {
			t.Errorf("%s is at %s, want %s", key, got, want)
		}
	}
	p, err := s.Policy("a")
	if err != nil || p.AskTimeout.Seconds() != 90 || p.Network.Outbound {
		t.Errorf("policy %+v, %v", p, err)
	}
	if _, err := s.Policy("aa"); err == nil || !strings.Contains(err.Error(), `"aa"`) {
		t.Errorf("unknown agent: %v", err)
	}
}

// TestEmptyMeansDefaults: no text, comments only and the first run's file load
// without a warning and give no agent any reach.
func TestEmptyMeansDefaults(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "comments": "# x\n", "null": "~\n", "first run": string(DefaultFile())} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("config.yaml", []byte(text), testOptions(t))
			if err != nil || len(s.Warnings) > 0 {
				t.Fatal(err, s.Warnings)
			}
			c := s.Config
			if c.Gateway.Host != "127.0.0.1" || c.Gateway.Port != 18789 || !c.Gateway.RequireAuth || !c.Gateway.RateLimiting.Enabled ||
				!c.Audit.Enabled || len(c.Audit.Events) != 8 || len(c.Agents) != 0 || !c.Client.TLS.VerifyServer {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestVersionFollowsThePolicy: the version changes with the policy and not with
// another agent's.
func TestVersionFollowsThePolicy(t *testing.T) {
	options := testOptions(t)
	version := func(text string) string {
		s, err := Parse("config.yaml", []byte(text), options)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Policy("a")
		if err != nil {
			t.Fatal(err)
		}
		return p.Version
	}
	one := version("agents:\n  a: {permissions: {allowed_paths: [/x]}}\n")
	if again := version("agents:\n  a: {permissions: {allowed_paths: [/x]}}\nlogging: {level: warn}\n"); again != one {
		t.Error("another section changed the version")
	}
	if other := version("agents:\n  a: {permissions: {allowed_paths: [/y]}}\n"); other == one || other == "" {
		t.Error("another path did not change the version")
	}
	if other := version("agents:\n  a: {role: r, permissions: {allowed_paths: [/x]}}\nroles: {r: {permissions: {file_write: false}}}\n"); other == one {
		t.Error("a role did not change the version")
	}
}

// TestOthersWrite: an agent's policy says what every other one may write, for no link
// there says what the person meant.
func TestOthersWrite(t *testing.T) {
	options := testOptions(t)
	s, err := Parse("config.yaml", []byte("agents:\n  a: {permissions: {allowed_paths: [/own]}}\n  b: {workspace: /place, permissions: {allowed_paths: [/x, {path: /y, access: read}]}}\n  c: {role: r, permissions: {allowed_paths: [/z]}}\n  d: {workspace: /place, permissions: {allowed_paths: [/own]}}\nroles: {r: {permissions: {file_write: false}}}\n"), options)
	if err != nil {
		t.Fatal(err)
	}
	for agent, want := range map[string][]policy.SharedPath{
		"a": {{Path: "/own", Agents: []string{"d"}}, {Path: "/place", Agents: []string{"b", "d"}}, {Path: "/x", Agents: []string{"b"}}},
		"b": {{Path: options.Layout.Workspace("a"), Agents: []string{"a"}}, {Path: "/own", Agents: []string{"a", "d"}}, {Path: "/place", Agents: []string{"d"}}},
	} {
		p, err := s.Policy(agent)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(want, func(a, b policy.SharedPath) int { return strings.Compare(a.Path, b.Path) })
		if !reflect.DeepEqual(p.Shared, want) {
			t.Errorf("%s: %v", agent, p.Shared)
		}
	}
}

// TestRefusals: what is not built and would be unsafe to ignore is named.
func TestRefusals(t *testing.T) {
	s, err := Parse("config.yaml", []byte(readTest(t, "testdata/spec/full.yaml")), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range s.Refusals() {
		keys = append(keys, fmt.Sprintf("%s:%d", p.Key, p.Line))
	}
	if got := strings.Join(keys, " "); got != "gateway.encryption.enabled:29" {
		t.Errorf("refusals %s", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzParse: no text makes the loader panic, hang or grow, and no error shows a
// literal secret.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, seed := range []string{
		"", "a: &a [*a]\n", "agents: &a\n  b: *a\n", "? [a]\n: b\n", "!!map {}", "%YAML 1.1\n---\n", "- - - -\n", "agents: {a: {command: |-\n x\n}}", "\"\\", "<<: {}\n",
		"providers:\n  openai:\n    api_key: CANARY-0123456789\n",
	} {
		f.Add([]byte(seed))
	}
	options := Options{Layout: Layout{Root: "/home/u/.openclaw"}, Home: "/home/u", Getenv: func(string) string { return "" }, NoFiles: true}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("c.yaml", text, options)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || len(refused.Problems) == 0 || len(refused.Problems) > 3*maxProblems {
				t.Fatalf("%T %v", err, err)
			}
			for _, p := range refused.Problems {
				if p.Line < 0 || p.Line > bytes.Count(text, []byte("\n"))+2 || p.Message == "" {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		shown, err := Show(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range literals(s.Config) {
			if len(secret) > 8 && secret != mask && bytes.Contains(shown, []byte(secret)) && !strings.Contains(string(DefaultFile()), secret) && bytes.Count(text, []byte(secret)) == 1 {
				t.Fatalf("Show holds the secret %q", secret)
			}
		}
	})
}
