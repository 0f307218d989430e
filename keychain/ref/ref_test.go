package ref

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
)

const canary = "sk-canary-77aa"

func wantKind(t *testing.T, err error, kind keychain.Kind) {
	t.Helper()
	e, ok := errors.AsType[*keychain.Error](err)
	if !ok || e.Kind != kind || e.Hint == "" {
		t.Fatalf("got %v, want kind %q with a hint", err, kind)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		scheme Scheme
		prints string
	}{
		"${OPENCLAW_GATEWAY_TOKEN}":                               {Variable, "${OPENCLAW_GATEWAY_TOKEN}"},
		"${A:-" + canary + "}":                                    {Variable, "${A:-••••}"},
		"${A:-}":                                                  {Variable, "${A:-••••}"},
		"Bearer ${A}${B}":                                         {Variable, "••••${A}${B}"},
		"keychain://openclaw/anthropic":                           {Keychain, "keychain://openclaw/anthropic"},
		"keychain://openclaw/token/gateway":                       {Keychain, "keychain://openclaw/token/gateway"},
		"keychain://openclaw-gateway-token/me%20%23":              {Keychain, "keychain://openclaw-gateway-token/me %23"},
		"keychain://a/b#key":                                      {Keychain, "keychain://a/b#key"},
		"vault://openai_api_key":                                  {Vault, "vault://openai_api_key"},
		"vault://all#openai.key":                                  {Vault, "vault://all#openai.key"},
		"file:///run/secrets/key":                                 {File, "file:///run/secrets/key"},
		"file:///a%23b#c":                                         {File, "file:///a%23b#c"},
		"aws-secrets://prod/openclaw/anthropic-key":               {AWS, "aws-secrets://prod/openclaw/anthropic-key"},
		"gcp-secrets://projects/my-project/secrets/anthropic-key": {GCP, "gcp-secrets://projects/my-project/secrets/anthropic-key"},
		"azure-keyvault://my-vault/anthropic-key":                 {Azure, "azure-keyvault://my-vault/anthropic-key"},
		"aws-secrets://prod/app?version=AWSPREVIOUS#key":          {AWS, "aws-secrets://prod/app?version=AWSPREVIOUS#key"},
		"aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:a/b-AbCdEf": {AWS, "aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:a/b-AbCdEf"},
		"gcp-secrets://projects/p/secrets/s?version=3#a.b":                              {GCP, "gcp-secrets://projects/p/secrets/s/versions/3#a.b"},
		"gcp-secrets://projects/123/locations/europe-west3/secrets/s_1/versions/latest": {GCP, "gcp-secrets://projects/123/locations/europe-west3/secrets/s_1/versions/latest"},
		"gcp-secrets://projects/example.com:p/secrets/s":                                {GCP, "gcp-secrets://projects/example.com:p/secrets/s"},
		"azure-keyvault://my-vault/key?version=0123456789abcdef0123456789abcdef#x":      {Azure, "azure-keyvault://my-vault/key?version=0123456789abcdef0123456789abcdef#x"},
		"pass://work/anthropic#api key":                                                 {Pass, "pass://work/anthropic#api key"},
		"op://Private/Anthropic/api key":                                                {OP, "op://Private/Anthropic/api key"},
		"hcvault://secret/openclaw/anthropic?version=3#key":                             {HCVault, "hcvault://secret/openclaw/anthropic?version=3#key"},
		"exec:pass show " + canary:                                                      {Exec, "exec:••••"},
		canary:                                                                          {Literal, "••••"},
		"a$$b":                                                                          {Literal, "••••"},
		"":                                                                              {Literal, ""},
	} {
		t.Run(text, func(t *testing.T) {
			r, err := Parse(text)
			if err != nil || r.Scheme() != want.scheme || r.String() != want.prints {
				t.Fatalf("%s %q %v", r.Scheme(), r, err)
			}
			if (r.Warning() != "") != (want.scheme == Literal && text != "") {
				t.Fatalf("warning %q", r.Warning())
			}
			held := struct{ inner Reference }{r}
			encoded, _ := json.Marshal(r)
			shown := string(encoded)
			for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d", "%q", "%s", "%!"} {
				shown += fmt.Sprintf(verb+verb+verb, r, held, &held)
			}
			if strings.Contains(shown, canary) || strings.Contains(shown, strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")) || strings.Contains(shown, fmt.Sprintf("%x", canary)) {
				t.Fatalf("shows the literal: %s", shown)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"$NAME", "a$", "${", "${}", "${A", "${1A}", "${A-B}", "${A:default}", "${A B}", "${Ä}",
		"key-chain://openclaw/a", "Keychain://openclaw/a", "http://example.com",
		"op://vault/item", "op://a/b/c/d/e", "op://a/b/c?attribute=otp", "pass://", "pass://-c/x", "pass://../x", "pass://a//b", "pass://a?version=1", "pass://a%0ab", "pass://a#",
		"hcvault://secret", "hcvault://secret/a?version=0", "hcvault://secret/a?version=x", "hcvault://secret/a?x=1", "hcvault://secret/../a", "hcvault://secret/a?version=1&version=2",
		"aws-secrets://", "aws-secrets://a b", "aws-secrets://a?stage=x", "aws-secrets://a?version=", "aws-secrets://a#", "aws-secrets://a?version=1&version=2", "aws-secrets://ä",
		"aws-secrets://arn:aws:secretsmanager:evil.example.com/:123456789012:secret:a", "aws-secrets://arn:aws:iam::123456789012:user/a", "aws-secrets://arn:aws:secretsmanager:eu-west-3:1:secret:a",
		"gcp-secrets://a", "gcp-secrets://projects/p/secrets/s/", "gcp-secrets://projects/p/secrets/s/versions/", "gcp-secrets://projects/p/secrets/s/versions/1?version=1", "gcp-secrets://projects/p/secrets/s?version=0",
		"gcp-secrets://projects/../secrets/s", "gcp-secrets://projects/p/secrets/s:destroy", "gcp-secrets://projects/p/locations/x/secrets/s", "gcp-secrets://projects/p/locations/eu-west1.evil/secrets/s", "gcp-secrets://projects/p%2Fx/secrets/s",
		"azure-keyvault://a", "azure-keyvault://my-vault/", "azure-keyvault://my-vault/a/b", "azure-keyvault://my-vault/a_b", "azure-keyvault://evil.example.com/a", "azure-keyvault://my-vault/a?version=3", "azure-keyvault://my--vault/a",
		"azure-keyvault://vault.evil%2F/a", "azure-keyvault://-ab/c", "azure-keyvault://my-vault:443/a", "azure-keyvault://u@my-vault/a",
		"exec:", "exec: ", "exec:pass 'a b'", "exec:a | b", "exec:./a", "exec:docker-credential-pass", "exec:a $(b)",
		"keychain://", "keychain://a", "keychain://a/", "keychain:///a", "keychain://openclaw/a b", "keychain://a%2Fb/c", "keychain://a/%zz", "keychain://a/b?version=1",
		"vault://", "vault://a b", "vault://a#", "vault://a?version=2",
		"file://a", "file://~/a", "file:///", "file:///a/../b", "file:///a//b", "file:///a/", "file:///a%00b",
		"a\nb", "a\x00b", "vault://a\x1b[2J", strings.Repeat("x", maxReference+1),
	} {
		r, err := Parse(text)
		if err == nil {
			t.Errorf("%q became %s %s", text, r.Scheme(), r)
			continue
		}
		wantKind(t, err, keychain.KindBadReference)
	}
	_, err := Parse("${" + canary)
	if strings.Contains(err.Error(), canary) {
		t.Fatalf("the error shows the text: %v", err)
	}
}

// memory is a store with a switch and a count; the real ones have their own tests.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	fault  error
	gets   int
}

func (m *memory) Get(_ context.Context, name string) (keychain.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if m.fault != nil {
		return keychain.Secret{}, m.fault
	}
	value, ok := m.values[name]
	if !ok {
		return keychain.Secret{}, &keychain.Error{Op: "get secret", Name: name, Kind: keychain.KindNotFound, Hint: "store it"}
	}
	return keychain.NewSecret([]byte(value)), nil
}

func (m *memory) Set(context.Context, string, keychain.Secret) error { return errors.ErrUnsupported }
func (m *memory) Delete(context.Context, string) error               { return errors.ErrUnsupported }
func (m *memory) List(context.Context) ([]string, error)             { return nil, errors.ErrUnsupported }

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func write(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolve(t *testing.T) {
	good := write(t, "good", "from file\r\n", 0o600)
	object := write(t, "object", `{"key":"k","n":5,"in":{"ner":"x"},"list":[1],"empty":"","nul":null}`, 0o600)
	link := good + "-link"
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	r := New(Options{
		Store:     &memory{values: map[string]string{"anthropic": "from store"}},
		Vault:     &memory{values: map[string]string{"openai": "from vault", "all": `{"a":{"b":"deep"}}`}},
		LookupEnv: environment(map[string]string{"SET": "from env", "EMPTY": "", "BOTH": "env wins"}),
		EnvFile:   write(t, ".env", "FILE=from .env\nBOTH=loses\nEMPTY=filled\n", 0o600),
		OSItem: func(_ context.Context, service, account string) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(service + "|" + account)), nil
		},
	})
	for text, want := range map[string]string{
		"${SET}": "from env", "${FILE}": "from .env", "${BOTH}": "env wins", "${EMPTY}": "filled", "${NONE:-other}": "other", "${SET:-other}": "from env",
		"a${SET}b$$c": "afrom envb$c", "literal": "literal", "$$$$": "$$",
		"keychain://openclaw/anthropic": "from store", "keychain://other/me/too": "other|me/too",
		"vault://openai": "from vault", "vault://all#a.b": "deep",
		"file://" + good: "from file", "file://" + object + "#key": "k", "file://" + object + "#n": "5", "file://" + object + "#in.ner": "x",
	} {
		value, source, err := r.Resolve(t.Context(), text)
		if err != nil || string(value.Reveal()) != want {
			t.Errorf("%s: %q %v", text, value.Reveal(), err)
		}
		if reference, _ := Parse(text); source.Scheme != reference.Scheme() || source.EnvFile != (want == "from .env" || want == "filled") || source.Default != (want == "other") {
			t.Errorf("%s: source %+v", text, source)
		}
		value.Wipe() // the caller's copy: the next answer is whole again
		if again, _, _ := r.Resolve(t.Context(), text); string(again.Reveal()) != want {
			t.Errorf("%s: the second time %q", text, again.Reveal())
		}
	}
	for text, kind := range map[string]keychain.Kind{
		"": keychain.KindNotFound, "${NONE}": keychain.KindNotFound, "${NONE:-}": keychain.KindNotFound,
		"keychain://openclaw/none": keychain.KindNotFound, "vault://none": keychain.KindNotFound,
		"file://" + good + "-none": keychain.KindNotFound, "file://" + link: keychain.KindUnsafeFile, "file://" + filepath.Dir(good): keychain.KindUnsafeFile,
		"file://" + write(t, "open", "v", 0o640):                       keychain.KindUnsafeFile,
		"file://" + write(t, "empty", "\n", 0o600):                     keychain.KindNotFound,
		"file://" + write(t, "big", strings.Repeat("x", 65537), 0o600): keychain.KindTooBig,
		"file://" + object + "#none":                                   keychain.KindNotFound, "file://" + object + "#list": keychain.KindNotFound,
		"file://" + object + "#empty": keychain.KindNotFound, "file://" + object + "#nul": keychain.KindNotFound,
		"file://" + good + "#key": keychain.KindBadReference, "file://" + object + "#key.more": keychain.KindBadReference,
		"aws-secrets://a": keychain.KindNoService,                                                                                                                    // no region
		"exec:true":       keychain.KindNoService, "pass://a": keychain.KindNoService, "op://a/b/c": keychain.KindNoService, "hcvault://a/b": keychain.KindNoService, // no PATH, no address
		"$BAD": keychain.KindBadReference,
	} {
		_, _, err := r.Resolve(t.Context(), text)
		t.Run(text, func(t *testing.T) { wantKind(t, err, kind) })
	}
	bare := New(Options{})
	for _, text := range []string{"keychain://openclaw/a", "keychain://b/a", "vault://a"} {
		_, _, err := bare.Resolve(t.Context(), text)
		wantKind(t, err, keychain.KindNoService)
	}
}

func TestCache(t *testing.T) {
	now := time.Unix(1000, 0)
	store := &memory{values: map[string]string{"a": "1"}}
	r := New(Options{Store: store, Now: func() time.Time { return now }})
	get := func(want string, cached bool) {
		t.Helper()
		value, source, err := r.Resolve(t.Context(), "keychain://openclaw/a")
		if err != nil || string(value.Reveal()) != want || source.Cached != cached {
			t.Fatalf("%q %+v %v", value.Reveal(), source, err)
		}
	}
	get("1", false)
	store.values["a"] = "2"
	get("1", true)
	now = now.Add(time.Minute)
	get("2", false)
	store.values["a"] = "3"
	r.Forget("b")
	get("2", true)
	r.Forget("a")
	get("3", false)

	store.fault = &keychain.Error{Kind: keychain.KindLocked, Hint: "unlock"}
	r.Forget("")
	before := store.gets
	for range 10 {
		_, _, err := r.Resolve(t.Context(), "keychain://openclaw/a")
		wantKind(t, err, keychain.KindLocked)
	}
	if store.gets != before+1 {
		t.Fatalf("a store that fails was asked %d times", store.gets-before)
	}
	store.fault = nil
	now = now.Add(5 * time.Second)
	get("3", false)

	// What the caller gave up on says nothing about the store.
	r.Forget("")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store.fault = context.Canceled
	_, _, err := r.Resolve(ctx, "keychain://openclaw/a")
	wantKind(t, err, keychain.KindFailed)
	store.fault = nil
	get("3", false)
}

// An answer that was under way while its secret changed must not be kept.
func TestCacheKeepsNoAnswerFromBeforeAChange(t *testing.T) {
	var r *Resolver
	value := "old"
	r = New(Options{OSItem: func(context.Context, string, string) (keychain.Secret, error) {
		answer := keychain.NewSecret([]byte(value))
		if value == "old" {
			value = "new"
			r.Forget("a")
		}
		return answer, nil
	}})
	for _, want := range []string{"old", "new"} {
		if got, _, err := r.Resolve(t.Context(), "keychain://x/a"); err != nil || string(got.Reveal()) != want {
			t.Fatalf("%q %v", got.Reveal(), err)
		}
	}
}

func TestResolveFromManyGoroutines(t *testing.T) {
	r := New(Options{Store: &memory{values: map[string]string{"a": "1"}}, TTL: time.Nanosecond})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 50 {
				value, _, err := r.Resolve(context.Background(), "keychain://openclaw/a")
				if err != nil || string(value.Reveal()) != "1" {
					t.Errorf("%q %v", value.Reveal(), err)
				}
				value.Wipe()
				r.Forget("a")
			}
		})
	}
	group.Wait()
}

func TestEnvFile(t *testing.T) {
	resolve := func(t *testing.T, path, name string) (string, error) {
		t.Helper()
		value, _, err := New(Options{EnvFile: path}).Resolve(t.Context(), "${"+name+"}")
		return string(value.Reveal()), err
	}
	content := strings.Join([]string{
		"# comment with = sign and $(rm -rf /)", "PLAIN=sk-ant-api03-abc", "export EXPORTED=e", `DOUBLE="a b" # comment`, "SINGLE='a$b #c'",
		`MULTI="one`, `two"`, "INLINE=value # comment", "HASH=a#b", "SPACED = s", "COMMAND=$(touch /tmp/x)", "TICK=`id`", "WINDOWS=w\r", "#HIDDEN=h", "LAST=l",
	}, "\n")
	path := write(t, ".env", content, 0o600)
	for name, want := range map[string]string{
		"PLAIN": "sk-ant-api03-abc", "EXPORTED": "e", "DOUBLE": "a b", "SINGLE": "a$b #c", "MULTI": "one\ntwo", "INLINE": "value", "HASH": "a#b",
		"SPACED": "s", "COMMAND": "$(touch /tmp/x)", "TICK": "`id`", "WINDOWS": "w", "LAST": "l",
	} {
		if got, err := resolve(t, path, name); err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, err := resolve(t, path, "HIDDEN"); keychain.KindOf(err) != keychain.KindNotFound {
		t.Errorf("a comment became a variable: %v", err)
	}
	if _, set := os.LookupEnv("PLAIN"); set {
		t.Error("the process's environment was changed")
	}
	if _, err := resolve(t, path+"-none", "A"); keychain.KindOf(err) != keychain.KindNotFound {
		t.Errorf("no file: %v", err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o606} {
		_, err := resolve(t, write(t, ".env", "A=1", mode), "A")
		wantKind(t, err, keychain.KindUnsafeFile)
		if e, _ := errors.AsType[*keychain.Error](err); !strings.Contains(e.Hint, "chmod 600") {
			t.Errorf("%v: hint %q", mode, e.Hint)
		}
	}
	link := path + "-link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	_, err := resolve(t, link, "PLAIN")
	wantKind(t, err, keychain.KindUnsafeFile)
	_, err = resolve(t, write(t, ".env", "A=1\nB=2\nthis is "+canary+"\nC=3\n", 0o600), "A")
	wantKind(t, err, keychain.KindCorrupt)
	if strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "line 3") {
		t.Fatalf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"${A}", "${A:-b}", "a$$${B}", "keychain://openclaw/a#b", "keychain://x/y%20z", "vault://a", "file:///a/b%23#c", "aws-secrets://x\u202e", "aws-secrets://a?version=AWSPREVIOUS#b", "aws-secrets://arn:aws:secretsmanager:eu-west-3:123456789012:secret:a", "gcp-secrets://projects/p/secrets/s/versions/3#x",
		"azure-keyvault://vault/name?version=0123456789abcdef0123456789abcdef", "exec:x", "pass://a b#c", "op://a/b/c", "hcvault://a/b?version=2#c", "literal", "$", "",
		"keychain://%ff/%fe", "file:///%ef%bf%bd",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error repeats the text: %v", err)
			}
			return
		}
		if strings.ContainsFunc(r.String(), func(c rune) bool { return c < ' ' || c == 0x7f || c == '\u202e' }) {
			t.Fatalf("%q prints %q", text, r)
		}
		switch r.Scheme() {
		case Literal, Variable:
			// All that shows is names, braces and bullets.
			rest := r.String()
			for _, name := range r.Variables() {
				rest = strings.Replace(rest, "${"+name+":-"+bullets+"}", "", 1)
				rest = strings.Replace(rest, "${"+name+"}", "", 1)
			}
			if strings.ReplaceAll(rest, bullets, "") != "" {
				t.Fatalf("%q prints %q", text, r)
			}
		case Keychain, Vault, File, Pass, OP, HCVault, AWS, GCP, Azure:
			again, err := Parse(r.String())
			if err != nil || again.String() != r.String() || again.first != r.first || again.second != r.second || again.field != r.field || again.version != r.version {
				t.Fatalf("%q prints %q, which is %q: %v", text, r, again, err)
			}
		default:
		}
	})
}

func FuzzParseEnv(f *testing.F) {
	for _, seed := range []string{"A=1", "export A='b'\n#c", "A=\"x\ny\"", "A: b", "=", "A", "A=${B}", "A='", "\"A=", "A=\\", "export", "export ", "A=$"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parseEnv(data)
		if err != nil {
			if !errors.Is(err, errEnvSyntax) || len(err.Error()) > 60 {
				t.Fatalf("the error says more than where: %v", err)
			}
			return
		}
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		if slices.Contains(names, "PATH") && !strings.Contains(string(data), "PATH") {
			t.Fatal("a variable came from elsewhere")
		}
	})
}
