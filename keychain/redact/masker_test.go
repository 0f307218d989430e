package redact_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"openclaw/keychain/redact"
)

func newMasker(tb testing.TB, patterns ...string) *redact.Masker {
	tb.Helper()
	m, err := redact.New(redact.Options{Patterns: patterns})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// Made-up keys of the real shapes. They are put together here so that no
// scanner takes this file for a leak.
func fake(prefix string, n int) string {
	const alphabet = "Zk3vQ9xTb7LmW2pR8sHd5cYf1gNa6jEu4iKoV0w"
	var b strings.Builder
	b.WriteString(prefix)
	for i := range n {
		b.WriteByte(alphabet[(i*7+len(prefix))%len(alphabet)])
	}
	return b.String()
}

func fakeHex(prefix string, n int) string {
	return prefix + strings.Repeat("3fa94c07be12d586", n/16+1)[:n]
}

func TestSpecificationExample(t *testing.T) {
	in := `{"level":"info","msg":"Anthropic API Key: sk-ant-api03-xxx"}`
	want := `{"level":"info","msg":"Anthropic API Key: [REDACTED]"}`
	for name, m := range map[string]*redact.Masker{
		"default patterns": newMasker(t, redact.DefaultPatterns()...),
		"built-in rules":   newMasker(t),
	} {
		if got := m.Text(in); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// In each row the text between « and » is the secret; exactly it must be
// replaced.
func TestSecretsAreReplacedAndNothingElse(t *testing.T) {
	anthropic := fake("sk-ant-api03-", 93) + "AA"
	wrapped := base64.StdEncoding.EncodeToString([]byte("config: ANTHROPIC_API_KEY=" + anthropic + " "))
	jwt := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + fake("", 43)
	for _, row := range []struct{ name, marked string }{
		{"anthropic", "using «" + anthropic + "» now"},
		{"anthropic oauth", "«" + fake("sk-ant-oat01-", 95) + "»"},
		{"anthropic cut short", "key «sk-ant-api03-AbC9»"},
		{"openai project", "«" + fake("sk-proj-", 74) + "»,"},
		{"openai service", "x=«" + fake("sk-svcacct-", 74) + "»"},
		{"openai legacy", "«" + fake("sk-", 48) + "»"},
		{"deepseek", "«" + fakeHex("sk-", 32) + "»"},
		{"openrouter", "«" + fakeHex("sk-or-v1-", 64) + "»"},
		{"google", "?key=«" + fake("AIza", 35) + "»&alt=json"},
		{"google auth key", "x-goog-api-key: «" + fake("AQ.Ab", 45) + "»"},
		{"google oauth", "«" + fake("ya29.", 60) + "»"},
		{"github classic", "«" + fake("ghp_", 36) + "»"},
		{"github stateless", "«ghs_12345_" + jwt + "»"},
		{"github fine", "«" + fake("github_pat_", 22) + "_" + fake("", 59) + "»"},
		{"gitlab", "«" + fake("glpat-", 20) + "»"},
		{"slack bot", "«xoxb-123456789012-1234567890123-" + fake("", 24) + "»"},
		{"slack webhook", "https://hooks.slack.com/services/«T00000000/B00000000/" + fake("", 24) + "»"},
		{"aws id", "id «AKIA" + "IOSFODNN7EXAMPLE» seen"},
		{"aws secret", "aws_secret_access_key = «" + fake("wJalr/", 34) + "»"},
		{"stripe", "«" + fake("sk_live_", 24) + "»"},
		{"hugging face", "«" + fake("hf_", 34) + "»"},
		{"npm", "«" + fake("npm_", 36) + "»"},
		{"telegram", "bot «1234567890:AA" + fake("", 33) + "» ready"},
		{"entra", "«abc" + "8Q~" + fake("", 34) + "»"},
		{"age", "«AGE-SECRET-KEY-1" + strings.ToUpper(fake("", 58)) + "»"},
		{"vault", "«" + fake("hvs.", 90) + "»"},
		{"own gateway token", "«" + fake("ocg_", 49) + "»"},
		{"own agent token", "OPENCLAW_TOKEN=«" + fake("oca_", 49) + "»"},
		{"web token", "got «" + jwt + "»."},
		{"url password", "postgres://app:«s3cr3t!pw»@db.local:5432/x"},
		{"url password with at", "redis://:«p@ss»@host/0"},
		{"url token", "https://«" + fake("", 32) + "»@git.example.com/x.git"},
		{"bearer", "Authorization: Bearer «" + fake("", 32) + "»"},
		{"bearer alone", "sent Bearer «abc.def-ghi12»"},
		{"basic", "Authorization: Basic «dXNlcjpwYXNzd29yZA==»"},
		{"github header", "Authorization: token «" + fake("", 40) + "»"},
		{"header in Go map", "map[Authorization:[Bearer «" + fake("", 32) + "»] Accept:[*/*]]"},
		{"env", "DB_PASSWORD=«hunter2» make"},
		{"env with symbols", "DB_PASSWORD=«a,b;c&d(e)f9» make"},
		{"ini", "password = «correcthorse»"},
		{"yaml", "  client_secret: «8f3kd02mX»"},
		{"json", `{"password":"«hunter2»","user":"bob"}`},
		{"json with spaces in value", `{"passphrase": "«correct horse battery staple»"}`},
		{"json escaped quote in value", `{"password":"«a\"b9\\»"}`},
		{"json in json", `{"msg":"body {\"api_key\":\"«abc12345»\",\"n\":1}"}`},
		{"json in json in json", `"{\\\"api_key\\\":\\\"«abc12345»\\\"}"`},
		{"query", "GET /x?access_token=«abc123def456»&y=1"},
		{"percent", "next=%3Faccess_token%3D«abc123def456»%26y%3D1"},
		{"unicode escapes", `"url":"?token\u003d«abc123def456»\u0026y=1"`},
		{"html", `<input name="x" password=&quot;«hunter22»&quot;>`},
		{"xml", "<password>«hunter22»</password>"},
		{"flag with equals", "run --api-key=«abcd1234» --n 3"},
		{"flag with space", "run --password «hunter2» --n 3"},
		{"flag in argv", `["run","--token","«abcd1234efgh»","-v"]`},
		{"camel case", `"accessToken":"«abcd1234efgh»"`},
		{"go struct", "{Password:«hunter22» Name:x}"},
		{"python dict", "{'api_key': '«abcd1234»'}"},
		{"ruby", ":secret => '«abcd1234»'"},
		{"numeric password", "password=«12345678»"},
		{"azure", "AccountName=x;AccountKey=«" + fake("", 86) + "==»;EndpointSuffix=core"},
		{"colour before token", "\x1b[31m«" + fake("ghp_", 36) + "»\x1b[0m"},
		{"written colour before token", `\u001b[31m«` + fake("ghp_", 36) + `»\u001b[0m`},
		{"newline escape before token", `a\n«` + fake("ghp_", 36) + `»\nb`},
		{"percent before token", "q%20«" + fake("ghp_", 36) + "»%20z"},
		{"unicode around", "密钥：«" + fake("ghp_", 36) + "»。"},
		{"pem in json", `{"key":"-----BEGIN PRIVATE KEY-----«\nMIIEvQIBADANBg\nkqhki\n»-----END PRIVATE KEY-----\n"}`},
		{"call", `db.setPassword("«aB3dE6gH9jK2»")`},
		{"Rust option", `{ api_key: Some("«aB3dE6gH9jK2»"), n: 1 }`},
		{"Rust string", `{ api_key: String::from("«aB3dE6gH9jK2»") }`},
		{"default", `process.env.API_KEY || "«aB3dE6gH9jK2»"`},
		{"default argument", `env("API_KEY", default="«aB3dE6gH9jK2»")`},
		{"object", `{"password":{"value":"«aB3dE6gH9jK2»","sensitive":true}}`},
		{"sentence", "your new password is «aB3dE6gH9jK2»."},
		{"arrow", "TOKEN → «aB3dE6gH9jK2»"},
		{"form field in brackets", "user[password]=«aB3dE6gH9jK2»&x=1"},
		{"three quotes", `password = """«aB3dE6gH9jK2»"""`},
		{"plist", "<key>password</key><string>«aB3dE6gH9jK2»</string>"},
		{"flow mapping", "- {name: API_KEY, value: «aB3dE6gH9jK2»}"},
		{"serial", "licence api key «AB3C7-XK2LM-9PQRS»"},
		{"changed value", `~ password = "«old-one" -> "aB3dE6gH9jK2»"`},
		{"unclosed quote", `{"password":"«hunter2 and»`},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := strings.NewReplacer("«", "", "»", "").Replace(row.marked)
			want := row.marked
			for {
				before, rest, ok := strings.Cut(want, "«")
				if !ok {
					break
				}
				_, after, _ := strings.Cut(rest, "»")
				want = before + "[REDACTED]" + after
			}
			for i, m := range []*redact.Masker{newMasker(t), newMasker(t, redact.DefaultPatterns()...)} {
				if i == 1 && strings.Contains(want, "Bearer ") {
					want = strings.ReplaceAll(want, "Bearer [REDACTED]", "[REDACTED]") // the pattern's whole match
				}
				if got := m.Text(in); got != want {
					t.Errorf("\n in   %s\n got  %s\n want %s", in, got, want)
				}
				if got := m.Text(want); got != want {
					t.Errorf("masked text changed again: %s", got)
				}
			}
		})
	}
	t.Run("inside base64", func(t *testing.T) {
		got := newMasker(t).Text("data: " + wrapped)
		if strings.Contains(got, wrapped[len(wrapped)/2:len(wrapped)/2+20]) || !strings.HasPrefix(got, "data: ") || !strings.Contains(got, "[REDACTED]") {
			t.Errorf("got %s", got)
		}
	})
}

func TestOrdinaryTextStays(t *testing.T) {
	maskers := []*redact.Masker{newMasker(t), newMasker(t, redact.DefaultPatterns()...)}
	for _, text := range []string{
		"commit 3f786850e387550fdab836ed7e6dc881de23001b",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"id 550e8400-e29b-41d4-a716-446655440000",
		"token := lexer.Next()", "tok, err := p.token()", "token = parser.next", "if token == EOF {", "token != nil", "case token:",
		"max_tokens: 4096", `"input_tokens":1234,"output_tokens":56`, "token: 12345", "tokens=5", "next_token: abcdef0123456789",
		"api_key: ${ANTHROPIC_API_KEY}", "api_key: vault://anthropic", "password: keychain://openclaw/db", "secret: file:///run/secrets/x",
		"api_key: $(cat key)", "password: {{ .Values.password }}", "password=<your password>", "token: your-token-here",
		"client_secret: op://vault/item/field", "token: $TOKEN", `"token": "${TOKEN:-x}"`,
		"password: string", "password?: string;", "Password string `json:\"password\"`", "secret: required", "password: null",
		`password = os.Getenv("DB_PASSWORD")`, "const token = await getToken(user)", "secret: process.env.SECRET",
		"password: ********", "password: ••••", "api_key: [REDACTED]", "password=xxxxxxxx", "token=...", "secret: __OPENCLAW_REDACTED__",
		"Enter your password:", "The password must be at least 8 characters.", "Your API key: please keep it safe",
		"password: The password that you chose", `"password":"Please enter your password"`, "forgot password? click here",
		"Bearer token is missing", "Use Bearer authentication", "basic authentication failed", "Basic auth", "the bearer of this",
		"unexpected token < in JSON at position 0", "Unexpected token: expected ';'", "invalid token: signature mismatch",
		"keys start with sk-ant- or sk-proj-", "log_contains('sk-ant-api')", "task-4711-build-machine disk-0 risk-based", "sk-learn and sk-SK",
		"https://example.com:8080/a@b", "git@github.com:a/b.git", "http://user@host/", "postgres://app:${PGPASSWORD}@db/x",
		"--- PASS: TestToken (0.00s)", "--- PASS: TestPasswordStaysHidden (0.00s)", "PWD=/home/user/Project_X1", "OLDPWD=/tmp/A1b2c3d4",
		"private_key: /etc/ssl/private/key.pem", "private_key_path: ~/.openclaw/keys/client-private.pem", "password_file=/run/secrets/db_1",
		"${PASSWORD:?missing}", "credentials: same-origin", `getToken("user-name")`, "the token is 12 bytes", "token -> next_state", `Some("token")`, "TOKEN || null",
		`"token":{"type":"string","maxLength":64}`, "[TOKEN] refreshed by cron", "password (optional): string", "users[token]=true",
		"-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "compass: north42 bypass: lane99",
		"token_rotation: enabled", "secrets: 3", "secret: 5m", "password_min_length: 12", "api_keys: []", "api_key:",
		"event_type: authorization", `{"event_type":"authorization","result":"denied"}`, "authorization: required",
		"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
		"path /usr/lib/x86_64-linux-gnu/libnss_files-2.36.so and /home/u/go/pkg/mod/cache",
		"/bin/pwd: permission denied", "bash: passwd: command not found", "passwd: Operation not permitted", "passwd: no such file or directory\n",
		// Of real sources and documents.
		"args: []string{\"-cipher\", \"ECDHE-ECDSA-AES128-SHA256\"},", "cipher:     PEMCipherAES256,", "PrivateKey:                  testRSAPrivateKey,", "passwd:         files systemd", "return &hybridPublicKey{mlkem768X25519, t, pq}, nil",
		`RoleKey: "roles.r", OwnKey: "agents.coder",`, `"InvalidDNandRFC822nameConstraintsTest28EE.crt"`, "[Guidelines](https://docs.google.com/document/d/1yrYZJ2twrbpUuScbo3rmN_v-Jfv6d2tO74nCT6PcpxI).", `PlainAuth("", "user", "pass", "testserver"), "PLAIN", []string{"\x00user\x00pass"}`,
		"eyJ is how tokens start", "a.b.c", "hf_home gsk_ npm_config_cache npm_lifecycle_event", "",
	} {
		for i, m := range maskers {
			if got := m.Text(text); got != text {
				t.Errorf("masker %d changed %q to %q", i, text, got)
			}
		}
	}
}

func TestNumbersInJSONStayJSON(t *testing.T) {
	m := newMasker(t)
	for in, want := range map[string]string{
		`{"password":12345678,"n":1}`:               `{"password":"[REDACTED]","n":1}`,
		`{"msg":"{\"password\":12345678,\"n\":1}"}`: `{"msg":"{\"password\":\"[REDACTED]\",\"n\":1}"}`,
	} {
		if got := m.Text(in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPrivateKeyOverLines(t *testing.T) {
	m := newMasker(t)
	in := "before\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEpAIBAAKCAQEA7bq\nx9Zk\n-----END RSA PRIVATE KEY-----\nafter all\n"
	want := "before\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n[REDACTED]\n[REDACTED]\n-----END RSA PRIVATE KEY-----\nafter all\n"
	if got := m.Text(in); got != want {
		t.Errorf("got %s", got)
	}
	cut := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA\ntime=10:00 level=info msg=\"next line\"\n"
	if got := m.Text(cut); got != "-----BEGIN OPENSSH PRIVATE KEY-----\n[REDACTED]\ntime=10:00 level=info msg=\"next line\"\n" {
		t.Errorf("truncated key: got %s", got)
	}
}

func TestConfiguredPatterns(t *testing.T) {
	for _, row := range []struct {
		name, pattern, in, want string
	}{
		{"key name", "tax[_-]?id", `{"tax_id":"123","TAX-ID":"abc"} taxid=9`, `{"tax_id":"[REDACTED]","TAX-ID":"[REDACTED]"} taxid=[REDACTED]`},
		{"key name takes numbers and words", "pin", "pin: 1234", "pin: [REDACTED]"},
		{"key name keeps references", "pin", "pin: ${PIN}", "pin: ${PIN}"},
		{"alternatives", "(card|iban)_number", "card_number=4111 iban_number=DE89", "card_number=[REDACTED] iban_number=[REDACTED]"},
		{"wildcard before a name", ".*_handle", "user_handle=bob", "user_handle=[REDACTED]"},
		{"case classes", "[Ss]sn", "SSN: 078-05-1120", "SSN: [REDACTED]"},
		{"value", "emp-[0-9]{4}", "employee emp-1234 left", "employee [REDACTED] left"},
		{"value with boundary", "sk-[a-zA-Z0-9-]+", "task-12 sk-12ab", "task-12 [REDACTED]"},
		{"value with a space", "Bearer [a-zA-Z0-9-]+", "Bearer ab-12", "[REDACTED]"},
		{"value that is prose", "Bearer [a-zA-Z0-9-]+", "Bearer token", "Bearer token"},
		{"digits", `\d{3}-\d{2}-\d{4}`, "n 078-05-1120.", "n [REDACTED]."},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := newMasker(t, row.pattern).Text(row.in); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestConfigureRefusesAndKeepsWhatWas(t *testing.T) {
	m := newMasker(t, "emp-[0-9]{4}")
	for name, try := range map[string]func() error{
		"broken":          func() error { return m.Configure([]string{"("}, "") },
		"matches nothing": func() error { return m.Configure([]string{"[0-9]*"}, "") },
		"too long":        func() error { return m.Configure([]string{strings.Repeat("a[0-9]+", 200)}, "") },
		"too many":        func() error { return m.Configure(make([]string, 300), "") },
		"quote":           func() error { return m.Configure(nil, `"x"`) },
		"newline":         func() error { return m.Configure(nil, "a\nb") },
	} {
		if try() == nil {
			t.Errorf("%s: no error", name)
		}
		if got := m.Text("emp-1234"); got != "[REDACTED]" {
			t.Fatalf("%s: the old patterns are gone: %s", name, got)
		}
	}
	m.Add("db", []byte("vK8#mQ2$"))
	if err := m.Configure(nil, "***"); err != nil {
		t.Fatal(err)
	}
	if got := m.Text("emp-1234 vK8#mQ2$"); got != "emp-1234 ***" {
		t.Errorf("after Configure: %s", got)
	}
}

func TestCleanTextIsReturnedWithoutAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m := newMasker(t, redact.DefaultPatterns()...)
	for i := range 50 {
		m.Add("k", []byte(fake("value-", 30+i)))
	}
	line := `{"time":"2026-02-25T10:30:00Z","level":"INFO","source":"gateway","message":"request","input_tokens":1234,"path":"/v1/messages","sha":"3f786850e387550fdab836ed7e6dc881de23001b"}`
	if n := testing.AllocsPerRun(100, func() { _ = m.Text(line) }); n != 0 {
		t.Errorf("Text allocates %v times", n)
	}
	b := []byte(line)
	if n := testing.AllocsPerRun(100, func() { _ = m.Bytes(b) }); n != 0 {
		t.Errorf("Bytes allocates %v times", n)
	}
}
