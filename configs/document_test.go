package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// TestDocumentEdits: an edit changes the bytes that it must and no others.
func TestDocumentEdits(t *testing.T) {
	set := func(key string, value any) func(*Document) error {
		return func(d *Document) error { return d.Set(key, value) }
	}
	add := func(key string, value any) func(*Document) error {
		return func(d *Document) error { return d.Append(key, value) }
	}
	remove := func(key string) func(*Document) error {
		return func(d *Document) error { return d.Remove(key) }
	}
	tests := []struct {
		name   string
		before string
		change func(*Document) error
		after  string
	}{
		{"scalar keeps its comment", "gateway:\n  port: 1 # mine\n  host: 127.0.0.1\n", set("gateway.port", 18790), "gateway:\n  port: 18790 # mine\n  host: 127.0.0.1\n"},
		{"quoted scalar", "logging:\n  level: \"info\"  # x\n", set("logging.level", "debug"), "logging:\n  level: debug  # x\n"},
		{"escaped quotes", "logging: {redact_replacement: \"a\\\"b\", level: info}\n", set("logging.redact_replacement", "gone"), "logging: {redact_replacement: gone, level: info}\n"},
		{"single quotes", "logging:\n  redact_replacement: 'it''s'\n  level: info\n", set("logging.redact_replacement", "[X]"), "logging:\n  redact_replacement: '[X]'\n  level: info\n"},
		{"new key in a block", "gateway:\n    port: 1\n# end\n", set("gateway.host", "::1"), "gateway:\n    port: 1\n    host: ::1\n# end\n"},
		{"new key after a nested block", "agents:\n  a:\n    permissions:\n      ask:\n        - net # n\n\n# tail\nlogging: {}\n", set("agents.a.role", "r"), "agents:\n  a:\n    permissions:\n      ask:\n        - net # n\n    role: r\n\n# tail\nlogging: {}\n"},
		{"missing parents", "# top\n", set("logging.level", "warn"), "# top\nlogging:\n  level: warn\n"},
		{"empty text", "", set("logging.level", "warn"), "logging:\n  level: warn\n"},
		{"no newline at the end", "logging:\n  level: info", set("logging.format", "text"), "logging:\n  level: info\n  format: text\n"},
		{"line ends of Windows", "logging:\r\n  level: info\r\n", set("logging.format", "text"), "logging:\r\n  level: info\r\n  format: text\r\n"},
		{"byte order mark", "\ufefflogging:\n  level: info\n", set("logging.level", "warn"), "\ufefflogging:\n  level: warn\n"},
		{"section of comments", "agents:\n  # coder: {}\nlogging: {}\n", set("agents.b.role", "r"), "agents:\n  b:\n    role: r\n  # coder: {}\nlogging: {}\n"},
		{"empty braces open up", "agents: {} # none\n", set("agents.b", map[string]any{}), "agents: # none\n  b: {}\n"},
		{"into braces", "agents: {a: {role: x}}\n", set("agents.a.model", "m, n"), "agents: {a: {role: x, model: 'm, n'}}\n"},
		{"into braces, deep", "agents: {a: {}}\n", set("agents.a.permissions.read_only", true), "agents: {a: {permissions: {read_only: true}}}\n"},
		{"value for an empty key", "logging:\n  level: # say\n  format: json\n", set("logging.level", "warn"), "logging:\n  level: warn # say\n  format: json\n"},
		{"list over a list", "audit:\n  events:\n  - api_call # a\n  - file_access\n  enabled: true\n", set("audit.events", []string{"authorization"}), "audit:\n  events:\n  - authorization\n  enabled: true\n"},
		{"word that YAML would misread", "agents:\n  a:\n    model: x\n", set("agents.a.model", "no"), "agents:\n  a:\n    model: \"no\"\n"},
		{"word with a hash", "agents:\n  a:\n    model: x\n", set("agents.a.model", "a #b"), "agents:\n  a:\n    model: 'a #b'\n"},
		{"name with a dot", "agents:\n  a.b:\n    role: x\n", set(`agents["a.b"].role`, "z"), "agents:\n  a.b:\n    role: z\n"},

		{"append to a block", "a: 1\nagents:\n  a:\n    permissions:\n      allowed_paths:\n        - ~/x # first\n        # second goes here\n      read_only: true\n", add("agents.a.permissions.allowed_paths", "~/y z"), "a: 1\nagents:\n  a:\n    permissions:\n      allowed_paths:\n        - ~/x # first\n        - ~/y z\n        # second goes here\n      read_only: true\n"},
		{"append to a block that is not indented", "audit:\n  events:\n  - api_call\n", add("audit.events", "file_access"), "audit:\n  events:\n  - api_call\n  - file_access\n"},
		{"append to brackets", "audit:\n  events: [api_call, 'file_access'] # e\n", add("audit.events", "authorization"), "audit:\n  events: [api_call, 'file_access', authorization] # e\n"},
		{"append to empty brackets", "audit:\n  events: []\n", add("audit.events", "authorization"), "audit:\n  events: [authorization]\n"},
		{"append to brackets over lines", "audit:\n  events: [\n    api_call, # ]\n    file_access,\n  ]\n", add("audit.events", "authorization"), "audit:\n  events: [\n    api_call, # ]\n    file_access, authorization,\n  ]\n"},
		{"append to a missing list", "agents:\n  a: {}\n", add("agents.a.permissions.denied_paths", "~/.env"), "agents:\n  a:\n    permissions:\n      denied_paths:\n        - ~/.env\n"},
		{"append to a list without a value", "agents:\n  a:\n    env:\n    role: x\n", add("agents.a.env", "LANG"), "agents:\n  a:\n    env:\n      - LANG\n    role: x\n"},
		{"append a mapping", "agents:\n  a:\n    permissions:\n      allowed_paths:\n      - ~/x\n", add("agents.a.permissions.allowed_paths", policy.PathEntry{Path: "~/y", Access: policy.AccessRead}), "agents:\n  a:\n    permissions:\n      allowed_paths:\n      - ~/x\n      - {path: ~/y, access: read}\n"},

		{"remove a key", "logging:\n  # how much\n  level: info # l\n  format: json\n", remove("logging.level"), "logging:\n  # how much\n  format: json\n"},
		{"remove the only key", "logging: # l\n  level: info\naudit: {}\n", remove("logging.level"), "logging: {} # l\naudit: {}\n"},
		{"remove a section", "agents:\n  a:\n    role: x\n  b:\n    env: [A,\n      B]\n  c: {}\n", remove("agents.b"), "agents:\n  a:\n    role: x\n  c: {}\n"},
		{"remove an item", "audit:\n  events:\n    - api_call # 0\n    - file_access # 1\n", remove("audit.events[0]"), "audit:\n  events:\n    - file_access # 1\n"},
		{"the last item leaves an empty list", "agents:\n  a:\n    permissions:\n      network:\n        allowed_domains: # d\n          - example.com\n", remove("agents.a.permissions.network.allowed_domains[0]"), "agents:\n  a:\n    permissions:\n      network:\n        allowed_domains: [] # d\n"},
		{"remove from brackets", "audit: {events: [a, b, c], enabled: true}\n", remove("audit.events[1]"), "audit: {events: [a, c], enabled: true}\n"},
		{"remove the first from brackets", "audit: {events: [a, b], enabled: true}\n", remove("audit.events"), "audit: {enabled: true}\n"},
		{"remove the last of braces", "audit: {events: [a, b], enabled: true}\n", remove("audit.enabled"), "audit: {events: [a, b]}\n"},
		{"remove the only of braces", "audit: {enabled: true}\n", remove("audit.enabled"), "audit: {}\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := newDocument([]byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			if err := test.change(d); err != nil {
				t.Fatal(err)
			}
			if got := string(d.Text()); got != test.after {
				t.Errorf("got\n%s\nwant\n%s", got, test.after)
			}
		})
	}
}

// TestDocumentRefuses: what cannot be edited safely stays as it is, and no
// secret is written in the clear.
func TestDocumentRefuses(t *testing.T) {
	const text = "x: &x {role: a}\nagents:\n  a: *x\n  b:\n    model: two\n      lines\n    command: |\n      true\n  c: { role: r, role2: s }\nproviders:\n  openai: {}\n"
	tests := map[string]func(*Document) error{
		"literal key":           func(d *Document) error { return d.Set("providers.openai.api_key", "sk-proj-abcdefghijkl") },
		"literal default":       func(d *Document) error { return d.Set("providers.openai.api_key", "${X:-abcdefghijkl}") },
		"literal token":         func(d *Document) error { return d.Set("gateway.gateway_token", "abcdefghijkl") },
		"through an alias":      func(d *Document) error { return d.Set("agents.a.role", "b") },
		"anchored value":        func(d *Document) error { return d.Set("x", "b") },
		"text over lines":       func(d *Document) error { return d.Set("agents.b.model", "b") },
		"block text":            func(d *Document) error { return d.Set("agents.b.command", "b") },
		"not a list":            func(d *Document) error { return d.Append("agents.b.model", "b") },
		"not there":             func(d *Document) error { return d.Remove("agents.b.role") },
		"no such item":          func(d *Document) error { return d.Set("agents.b.env[3]", "b") },
		"key that is no key":    func(d *Document) error { return d.Set("agents..b", "b") },
		"value that is no YAML": func(d *Document) error { return d.Set("agents.b.role", func() {}) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := newDocument([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			err = change(d)
			if err == nil || string(d.Text()) != text {
				t.Errorf("%v\n%s", err, d.Text())
			}
			if err != nil && strings.Contains(err.Error(), "abcdefghijkl") {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

func writeConfig(tb testing.TB, options Options, text string) string {
	tb.Helper()
	path := options.Layout.Config()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestEditFile: a good edit is written whole with mode 0600; a bad one, a
// literal secret, or a file that changed meanwhile leaves the file as it was.
func TestEditFile(t *testing.T) {
	const text = "# mine\nlogging:\n  level: info\nproviders:\n  openai:\n    api_key: sk-proj-0123456789\n"
	t.Run("good", func(t *testing.T) {
		options := testOptions(t)
		path := writeConfig(t, options, text)
		snapshot, err := Edit(path, options, func(d *Document) error { return d.Set("logging.level", "debug") })
		if err != nil || snapshot.Config.Logging.Level != "debug" {
			t.Fatal(err)
		}
		got, _ := os.ReadFile(path)
		if want := strings.Replace(text, "info", "debug", 1); string(got) != want {
			t.Errorf("got\n%s", got)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
		if info, _ := os.Stat(path); modesMatter && info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	})
	t.Run("a link in the folder stays a link", func(t *testing.T) {
		options := testOptions(t)
		real := filepath.Join(options.Layout.Root, "real.yaml")
		if err := os.WriteFile(real, []byte("logging: {}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("real.yaml", options.Layout.Config()); err != nil {
			t.Skip("no symbolic links here: " + err.Error())
		}
		if _, err := Edit(options.Layout.Config(), options, func(d *Document) error { return d.Set("logging.level", "warn") }); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(real); string(got) != "logging:\n  level: warn\n" {
			t.Errorf("got %q", got)
		}
		if info, _ := os.Lstat(options.Layout.Config()); info.Mode()&os.ModeSymlink == 0 {
			t.Error("the link is gone")
		}
	})
	bad := map[string]struct {
		change func(string, *Document) error
		want   error
	}{
		"invalid result": {change: func(_ string, d *Document) error { return d.Set("logging.level", "loud") }},
		"unknown key":    {change: func(_ string, d *Document) error { return d.Set("logging.levels", "info") }},
		"literal in a list": {change: func(_ string, d *Document) error {
			return d.Set("providers.anthropic", map[string]any{"api_key": "abcdefghijkl"})
		}},
		"callback gives up": {change: func(string, *Document) error { return errors.New("no") }},
		"changed by somebody": {want: ErrChanged, change: func(path string, d *Document) error {
			if err := os.WriteFile(path, []byte("logging: {}\n"), 0o600); err != nil {
				return err
			}
			return d.Set("logging.level", "debug")
		}},
	}
	for name, test := range bad {
		t.Run(name, func(t *testing.T) {
			options := testOptions(t)
			path := writeConfig(t, options, text)
			_, err := Edit(path, options, func(d *Document) error { return test.change(path, d) })
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), "abcdefghijkl") {
				t.Errorf("the error holds the secret: %v", err)
			}
			got, _ := os.ReadFile(path)
			if test.want == nil && string(got) != text {
				t.Errorf("the file changed:\n%s", got)
			}
			if test.want != nil && string(got) != "logging: {}\n" {
				t.Errorf("the other's change is lost:\n%s", got)
			}
		})
	}
}

// FuzzDocument: whatever the layout, an edit either fails and changes nothing,
// or keeps every comment.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		"", "# c\n", "agents:\n  # c\n", "agents: {a: {env: [A, B]}} # c\n", "agents:\n  a:\n    env:\n    - A # c\n    - B\n",
		"agents:\n- a\n", "? agents\n: b\n", "agents: &a\n  b: *a\n", "\"agents\": {'a': {\"env\" : [\n'#', # c\n]}}\n", "agents:\n  a:\n    env: |\n     # no\n",
	} {
		for verb := range byte(6) {
			f.Add(seed, verb)
		}
	}
	f.Fuzz(func(t *testing.T, text string, verb byte) {
		d, err := newDocument([]byte(text))
		if err != nil {
			return
		}
		before := comments(d)
		switch verb % 6 {
		case 0:
			err = d.Set("agents.a.role", "x")
		case 1:
			err = d.Append("agents.a.env", "x")
		case 2:
			err = d.Set("agents", "x")
		case 3:
			err = d.Set("logging.level", "x")
		case 4:
			err = d.Append("agents.a.permissions.allowed_paths", policy.PathEntry{Path: "/x", Access: "read"})
		case 5:
			err = d.Set("agents.a.env", []string{"x", "y"})
		}
		if err != nil {
			if string(d.Text()) != text {
				t.Fatalf("a failed edit changed the text:\n%q\n%q", text, d.Text())
			}
			return
		}
		// Replacing a whole value takes the comments inside it along.
		if verb%6 != 2 && verb%6 != 5 && comments(d) < before {
			t.Fatalf("a comment is lost:\n%q\n%q", text, d.Text())
		}
	})
}

// comments counts the lines that are nothing but a comment.
func comments(d *Document) int {
	n := 0
	for line := range strings.Lines(string(d.Text())) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			n++
		}
	}
	return n
}
