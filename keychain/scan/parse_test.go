package scan

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	key1 = "sk-proj-Zk3TqvWm81LsYb20XcNd74Rf"
	key2 = "gsk_9fQ2mZ81LsYb20XcNd74RfTqvWm3"
)

// found gives "line key=value" of what a place finds.
func found(t *testing.T, p Place, text string) []string {
	t.Helper()
	list, err := p.find([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("%d %s=%s", f.Line, f.Key, f.Value.Reveal()))
	}
	return out
}

// without gives the text after everything that can be cut was cut, and how much
// is left to do by hand.
func without(t *testing.T, p Place, text string) (string, int) {
	t.Helper()
	list, err := p.find([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	file := File{Path: p.Path, Content: []byte(text), Findings: list, place: p}
	var cut []Finding
	for _, f := range list {
		if f.Advice == "" {
			cut = append(cut, f)
		}
	}
	after, err := file.Replace(cut)
	if err != nil {
		t.Fatal(err)
	}
	return string(after), len(list) - len(cut)
}

func TestDotEnv(t *testing.T) {
	text := strings.Join([]string{
		"# OPENAI_API_KEY=" + key1, "OPENAI_API_KEY=" + key1 + " # mine", "  export GROQ_API_KEY='" + key2 + "'\r", "PORT=8080",
		"DATABASE_PASSWORD=\"hunter2\\\"\nsecond line\"", "HOST_TOKEN=$OTHER", "EXAMPLE_API_KEY=your-key-here-12345", "MAX_TOKENS=4096", "EMPTY=",
		"MY_NOTE: \"no secret at all\"", "LAST_SECRET: abc123def456",
	}, "\n")
	p := EnvFile("/x/.env")
	got := strings.Join(found(t, p, text), "|")
	want := "2 OPENAI_API_KEY=" + key1 + "|3 GROQ_API_KEY=" + key2 + "|12 LAST_SECRET=abc123def456"
	if got != want {
		t.Errorf("found %s\n want %s", got, want)
	}
	after, left := without(t, p, text)
	if left != 0 || !strings.HasPrefix(after, "# OPENAI_API_KEY="+key1) || strings.Count(after, key1) != 1 || strings.Contains(after, key2) {
		t.Errorf("left %d: %s", left, after)
	}
	if !strings.Contains(after, "  # GROQ_API_KEY is kept by openclaw (secrets import)\r\nPORT=8080\n") || !strings.HasSuffix(after, "# LAST_SECRET is kept by openclaw (secrets import)") {
		t.Errorf("got %q", after)
	}
	multi := "API_SECRET=\"abcdefgh1234567\nsecond90\"\nB=2\n"
	if got := found(t, p, multi); len(got) != 0 { // with a blank in it, it is prose or a certificate; not judged
		t.Errorf("found %v", got)
	}
	for _, bad := range []string{"OPENAI_API_KEY=" + key1 + "\nthis is " + key1 + "\n", "A='x\n", "A=\"x\" y\n"} {
		_, err := p.find([]byte(bad))
		if err == nil || strings.Contains(err.Error(), key1) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestShell: only what surely is an assignment of a literal is found, and what
// stands there afterwards still parses where it stood.
func TestShell(t *testing.T) {
	comment := ": # OPENAI_API_KEY is kept by openclaw (secrets import)"
	for text, want := range map[string]string{
		"export OPENAI_API_KEY=" + key1 + "\n":                               comment + "\n",
		"OPENAI_API_KEY='" + key1 + "' # mine":                               comment,
		"if true; then\n\texport OPENAI_API_KEY=\"" + key1 + "\"\r\nfi\n":    "if true; then\n\t" + comment + "\r\nfi\n",
		"typeset -x OPENAI_API_KEY=sk-proj-'Zk3TqvWm81L'\"sYb20XcNd74Rf\"\n": comment + "\n",
		"set -gx OPENAI_API_KEY " + key1 + "\n":                              comment + "\n",
		"setenv OPENAI_API_KEY '" + key1 + "'\n":                             comment + "\n",
		"export A=1 OPENAI_API_KEY=" + key1 + " B=2\n":                       "export A=1 OPENAI_API_KEY='' B=2\n",
		"cd x && export OPENAI_API_KEY=" + key1 + "; ls\n":                   "cd x && export OPENAI_API_KEY=''; ls\n",
		"OPENAI_API_KEY=" + key1 + " aider\n":                                "OPENAI_API_KEY='' aider\n",
		"f() { export OPENAI_API_KEY=" + key1 + "; }\n":                      "f() { export OPENAI_API_KEY=''; }\n",
		"export \\\n  OPENAI_API_KEY=" + key1 + "\nX=1\n":                    comment + "\nX=1\n",
		"(export OPENAI_API_KEY=" + key1 + ")\n":                             "(export OPENAI_API_KEY='')\n",
		"echo 'a\nexport OPENAI_API_KEY=" + key1 + "\n'\n":                   "", // inside a text
		"echo export OPENAI_API_KEY=" + key1 + "\n":                          "",
		"export OPENAI_API_KEY=$(pass show " + key1 + ")\n":                  "",
		"export OPENAI_API_KEY=\"$KEY" + key1 + "\"\n":                       "",
		"export OPENAI_API_KEY=`cat " + key1 + "`\n":                         "",
		"# export OPENAI_API_KEY=" + key1 + "\n":                             "",
		"export OPENAI_API_KEY='" + key1 + "\n":                              "", // never closed
		"X=$(echo 'a)b'; echo) ; export OPENAI_API_KEY=" + key1 + "\n":       "X=$(echo 'a)b'; echo) ; export OPENAI_API_KEY=''\n",
		"if true; then export OPENAI_API_KEY=" + key1 + "; fi\n":             "if true; then export OPENAI_API_KEY=''; fi\n",
		"if true\nthen export OPENAI_API_KEY=" + key1 + "\nfi\n":             "if true\nthen export OPENAI_API_KEY=''\nfi\n",
		"if [ -z x ]; then A=1; else OPENAI_API_KEY=" + key1 + "; fi\n":      "if [ -z x ]; then A=1; else OPENAI_API_KEY=''; fi\n",
		"for i in 1; do export OPENAI_API_KEY=" + key1 + "\ndone\n":          "for i in 1; do export OPENAI_API_KEY=''\ndone\n",
		"x=<<<a\nexport OPENAI_API_KEY=" + key1 + "\n":                       "x=<<<a\n" + comment + "\n",
	} {
		if want == "" {
			want = text
		}
		if got, left := without(t, profile("/x"), text); got != want || left != 0 {
			t.Errorf("%q\nbecame %q\n  want %q (%d by hand)", text, got, want, left)
		}
	}
	heredoc := "cat > x <<EOF\nOPENAI_API_KEY=" + key1 + "\nEOF\n"
	if got, left := without(t, profile("/x"), heredoc); got != heredoc || left != 1 {
		t.Errorf("a here-document was cut: %q, %d by hand", got, left)
	}
}

// A key that is no value is cut nowhere and told of with its line; what was found, what a
// program renews and what only looks like one is not told of.
func TestStrays(t *testing.T) {
	places := map[string]Place{".env": EnvFile("/x/.env"), ".bashrc": profile("/x")}
	for _, p := range Home("/h", func(string) string { return "" }) {
		places[p.Path] = p
	}
	for _, test := range []struct {
		path, text string
		want       []int
	}{
		{".env", "A=1\n# OPENAI_API_KEY=" + key1 + "\n", []int{2}},
		{".env", "OPENAI_API_KEY=" + key1 + " # was " + key2 + "\nB=2", []int{1}},
		{".env", "OPENAI_API_KEY=" + key1 + "\n", nil},
		{".env", "not a line of that format " + key1 + "\n", []int{1}},
		{".env", "DATABASE_URL=postgres://u:S3cretPw99x@db.internal/x\n", []int{1}},
		{".env", "DATABASE_URL=postgres://u:$PASSWORD@db.internal/x\nX=vault://openai\nY=https://example.org/a/b?c=d\n", nil},
		{".env", "COMMIT=8e373045de7c1b2a90f1c3d4e5f60718293a4b5c\nID=0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\nP=/usr/lib/x86_64-linux-gnu/libssl.so\n", nil},
		{".bashrc", "alias ask='OPENAI_API_KEY=" + key1 + " llm'\n", []int{1}},
		{".bashrc", "f() {\n curl -H \"Authorization: Bearer " + key1 + "\" x\n}\n", []int{2}},
		{".bashrc", "export K=${OPENAI_API_KEY:-" + key1 + "}\n", []int{1}},
		{".bashrc", "export OPENAI_API_KEY=" + key1 + "\n", nil},
		{"/h/.codex/auth.json", `{"OPENAI_API_KEY":"` + key1 + `","tokens":{"access_token":"` + key2 + `"}}`, nil},
		{"/h/.claude/settings.json", "{\n\"permissions\": {\"allow\": [\"Bash(curl -H 'x-api-key: " + key1 + "')\"]}}", []int{2}},
	} {
		p := places[test.path]
		list, _ := p.find([]byte(test.text)) // what is not understood has strays, too
		if got := p.strays([]byte(test.text), list); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q: lines %v, want %v", test.path, test.text, got, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	places := map[string]Place{}
	for _, p := range append(Home("/h", func(string) string { return "" }), Project("/p")...) {
		places[p.Path] = p
	}
	for _, test := range []struct{ path, text, want string }{
		{"/h/.config/opencode/opencode.json", `{"provider": {"openai": {"options": {"apiKey": "` + key1 + `"}}}, // x
 }`, `{"provider": {"openai": {"options": {"apiKey": "{env:OPENAI_API_KEY}"}}}, // x
 }`},
		{"/h/.config/opencode/opencode.json", `{"provider": {"groq": {"options": {"apiKey": "{env:GROQ_API_KEY}"}}}}`, ""},
		{"/h/.codex/auth.json", `{"OPENAI_API_KEY":"` + key1 + `","tokens":{"access_token":"` + key2 + `","refresh_token":"` + key2 + `"}}`, `{"OPENAI_API_KEY":null,"tokens":{"access_token":"` + key2 + `","refresh_token":"` + key2 + `"}}`},
		{"/h/.gemini/settings.json", `{"mcpServers":{"a":{"env":{"A_API_KEY":"` + key2 + `"}}}}`, `{"mcpServers":{"a":{"env":{"A_API_KEY":"${A_API_KEY}"}}}}`},
		{"/h/.aider.conf.yml", "# ä\nopenai-api-key: " + key1 + " # mine\nmodel: sonnet\n", "# ä\n# openai-api-key is kept by openclaw (secrets import)\nmodel: sonnet\n"},
		{"/h/.aider.conf.yml", "{openai-api-key: \"" + key1 + "\"}\n", "{openai-api-key: \"\"}\n"},
		{"/h/.continue/config.yaml", "models:\n  - name: ü\n    apiKey: '" + key1 + "'\n  - {apiKey: " + key2 + "}\n", "models:\n  - name: ü\n    apiKey: \"${{ secrets.OPENAI_API_KEY }}\"\n  - {apiKey: \"${{ secrets.GROQ_API_KEY }}\"}\n"},
		{"/p/.mcp.json", `{"mcpServers":{"a":{"headers":{"X_API_KEY":"` + key2 + `"}}}}`, `{"mcpServers":{"a":{"headers":{"X_API_KEY":"${X_API_KEY}"}}}}`},
	} {
		want := test.want
		if want == "" {
			want = test.text
		}
		if got, left := without(t, places[test.path], test.text); got != want || left != 0 {
			t.Errorf("%s: %s\n became %s\n want %s (%d by hand)", test.path, test.text, got, want, left)
		}
	}
	for _, test := range []struct{ path, text, advice string }{
		{"/h/.claude/settings.json", `{"env":{"ANTHROPIC_API_KEY":"` + key2 + `"}}`, "apiKeyHelper"},
		{"/h/.local/share/opencode/auth.json", `{"openai":{"type":"api","key":"` + key1 + `"},"x":{"type":"oauth","access":"` + key2 + `","refresh":"` + key2 + `"}}`, "opencode auth logout"},
		{"/h/.codex/config.toml", "[model_providers.x]\nexperimental_bearer_token = 1\n[mcp_servers.a]\nenv = { \"A_API_KEY\" = \"" + key2 + "\" } # c\nnote = \"\"\"\nX_API_KEY = '" + key1 + "'\n\"\"\"\n", "A_API_KEY"},
		{"/h/.continue/config.json", `{"models":[{"apiKey":"` + key1 + `"}]}`, "config.yaml"},
		{"/h/.continue/config.yaml", "apiKey: &a\n  " + key1 + "\nother: *a\n", "by hand"},
	} {
		list, err := places[test.path].find([]byte(test.text))
		if err != nil || len(list) != 1 || !strings.Contains(list[0].Advice, test.advice) {
			t.Errorf("%s: %d found, %v", test.path, len(list), err)
		}
	}
	for _, test := range []struct{ path, text string }{
		{"/h/.claude.json", `{"a": "` + key1 + `"`}, {"/h/.claude.json", strings.Repeat("[", 1000)}, {"/h/.aider.conf.yml", "a: [" + key1 + "\n"}, {"/h/.codex/config.toml", "a = \"" + key1 + "\n"},
		{"/h/.claude.json", "{\"a\": \x00\"\"}"},
	} {
		_, err := places[test.path].find([]byte(test.text))
		if err == nil || strings.Contains(err.Error(), key1) {
			t.Errorf("%s: %q gives %v", test.path, test.text, err)
		}
	}
}

func TestJudgement(t *testing.T) {
	for text, want := range map[string]bool{
		"OPENAI_API_KEY=" + key1: true, "apiKey=" + key1: true, "x=" + key1: true, "GITHUB_TOKEN=abc123def4": true, "DB_PASSWORD=correcthorsebatterystaple": true,
		"DB_PASSWORD=short": false, "max_tokens=4096000000": false, "NEXT_PUBLIC_KEY=abcdefabcdef1234567890": false, "token_count=123456789": false,
		"API_KEY=/run/secrets/api-key-1": false, "API_KEY=${OTHER_KEY_12345}": false, "API_KEY={env:OTHER_KEY1}": false, "API_KEY=op://vault/item/x1": false,
		"API_KEY=YOUR_API_KEY_1234": false, "API_KEY=xxxxxxxxxxxxxxxx1": false, "API_KEY=12345678901": false, "AUTH_URL=https://example.org/1": false,
		"tokens.access_token=" + key1: false, "GITHUB_ACCESS_TOKEN=abc123def456": true, "key=abcdefghijklmnopqrst": false, "key=abcdefghij12klmnopqrst": true,
	} {
		name, value, _ := strings.Cut(text, "=")
		if got := isSecret(name, []byte(value)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// fuzz: a parser neither panics nor loses its place. What is cut is gone, what is
// not cut stays, byte for byte, and the file is still understood.
func fuzz(f *testing.F, p Place, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		list, err := p.find(data)
		if err != nil {
			if len(err.Error()) > 60 {
				t.Fatalf("the error says more than where: %v", err)
			}
			return
		}
		var cut []Finding
		end := 0
		for _, found := range list {
			if found.Line < 1 || found.Line > 1+bytes.Count(data, []byte{'\n'}) {
				t.Fatalf("line %d", found.Line)
			}
			if found.Advice != "" {
				continue
			}
			if found.start < end || found.end <= found.start || found.end > len(data) {
				t.Fatalf("%d to %d of %d, behind %d", found.start, found.end, len(data), end)
			}
			end = found.end
			cut = append(cut, found)
		}
		file := File{Content: data, Findings: list, place: p}
		after, err := file.Replace(cut)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.find(after)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, after, err)
		}
		if len(again) != len(list)-len(cut) {
			t.Fatalf("%q became %q: %d found, of %d %d were cut", data, after, len(again), len(list), len(cut))
		}
	})
}

func FuzzDotEnv(f *testing.F) {
	fuzz(f, EnvFile("/x/.env"), "A_API_KEY="+key1, "export A_API_KEY='"+key1+"'\r\n#c\nB_TOKEN: \"a1b2c3d4e5\nf\"", "A=\\", "=", "A_API_KEY=\"a1\\\"b2c3d4e5\" # x")
}

func FuzzShell(f *testing.F) {
	fuzz(f, profile("/x"), "export A_API_KEY="+key1, "set -gx A_API_KEY '"+key1+"'; if x; then B_TOKEN=\"abc123def456\" y; fi", "X=$(a 'b)' `c`) <<E\nA_TOKEN=abc123def456\nE", "A_TOKEN=\\\nabc123def456 #x", "A_API_KEY=a1b2c3d4e5'")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, Place{Path: "/x", format: jsonText, template: `"{env:NAME}"`}, `{"apiKey":"`+key1+`",/* x */"a":[1,{"b_token":"abc123d\u0065f"}],}`, `[`, `"\ud800"`, "{}//")
}

func FuzzYAML(f *testing.F) {
	fuzz(f, Place{Path: "/x", format: yamlText, template: asComment, comment: "#", empty: `""`}, "api_key: "+key1+"\nb: {c_token: 'abc123def456'}\n", "a: &b\n  api_key: |\n    abc123def456\nc: *b\n", "? api_key\n: abc123def456")
}

func FuzzTOML(f *testing.F) {
	fuzz(f, Place{Path: "/x", format: tomlText, advice: tellMCP}, "[a.b]\napi_key = \""+key1+"\"\nenv = { \"x_token\" = 'abc123def456' }", "a = \"\"\"\nb\n\"\"\"", "x = [\"a\", 'b'] # \"")
}
