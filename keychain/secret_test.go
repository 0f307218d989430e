package keychain_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"openclaw/keychain"
)

const canary = "sk-canary-5f3c9a"

// shapes of the value that a careless print would show.
func shows(text string) bool {
	numbers := strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")
	goSyntax := strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(canary)), "[]byte"), "{}")
	for _, shape := range []string{canary, numbers, goSyntax, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), "c2stY2FuYXJ5LTVmM2M5YQ"} {
		if strings.Contains(text, shape) {
			return true
		}
	}
	return false
}

type holder struct {
	Public  keychain.Secret
	private keychain.Secret
	List    []keychain.Secret
	Map     map[string]keychain.Secret
	inner   *holder
	any     any
}

func newHolder() holder {
	s := keychain.NewSecret([]byte(canary))
	return holder{s, s, []keychain.Secret{s}, map[string]keychain.Secret{"k": s}, &holder{private: s}, s}
}

func TestSecretPrintsBullets(t *testing.T) {
	s := keychain.NewSecret([]byte(canary))
	h := newHolder()
	values := map[string]any{
		"secret": s, "pointer": &s, "struct": h, "struct pointer": &h, "slice": []keychain.Secret{s}, "map": h.Map,
		"array": [1]keychain.Secret{s}, "any": []any{s, &s}, "error": fmt.Errorf("it is %v", s),
		"store error": &keychain.Error{Op: "get", Err: fmt.Errorf("with %v and %s", s, h.Public), Kind: keychain.KindFailed},
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			for verb := '!'; verb <= '~'; verb++ {
				for _, flags := range []string{"", "+", "#", "-30", " ", "0", "+#", "10.2", "[1]"} {
					if text := fmt.Sprintf("%"+flags+string(verb), value); shows(text) {
						t.Fatalf("%%%s%c shows the value: %s", flags, verb, text)
					}
					if err := fmt.Errorf("%"+flags+string(verb), value); shows(err.Error()) {
						t.Fatalf("Errorf %%%s%c shows the value: %v", flags, verb, err)
					}
				}
			}
			if text := fmt.Sprint(value) + fmt.Sprintln(value); shows(text) {
				t.Fatalf("Sprint shows the value: %s", text)
			}
		})
	}
	if text := fmt.Sprintf("%s %v %q %d %#v", s, s, s, s, s); text != "•••• •••• •••• •••• ••••" {
		t.Fatalf("got %s", text)
	}
}

func TestSecretEncodesBullets(t *testing.T) {
	h := newHolder()
	encoders := map[string]func() ([]byte, error){
		"json":        func() ([]byte, error) { return json.Marshal(h) },
		"json secret": func() ([]byte, error) { return json.Marshal(h.Public) },
		"yaml":        func() ([]byte, error) { return yaml.Marshal(h.Public) },
		"yaml struct": func() ([]byte, error) { return yaml.Marshal(h.Map) },
		"xml":         func() ([]byte, error) { return xml.Marshal(h.Public) },
		"slog text": func() ([]byte, error) {
			return logged(func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }, h)
		},
		"slog json": func() ([]byte, error) {
			return logged(func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }, h)
		},
	}
	for name, encode := range encoders {
		t.Run(name, func(t *testing.T) {
			out, err := encode()
			if err != nil {
				t.Fatal(err)
			}
			if shows(string(out)) || !strings.Contains(string(out), "••••") {
				t.Fatalf("got %s", out)
			}
		})
	}
}

func logged(handler func(*bytes.Buffer) slog.Handler, h holder) ([]byte, error) {
	var out bytes.Buffer
	log := slog.New(handler(&out))
	log.Info("secret", slog.Any("secret", h.Public), slog.Any("struct", h), slog.Any("pointer", &h),
		slog.Any("list", h.List), slog.Group("group", slog.Any("inner", h.Public)))
	return out.Bytes(), nil
}

func TestSecretWipeReachesEveryCopy(t *testing.T) {
	s := keychain.NewSecret([]byte(canary))
	same, clone := s, s.Clone()
	s.Wipe()
	if string(same.Reveal()) != strings.Repeat("\x00", len(canary)) || string(clone.Reveal()) != canary {
		t.Fatal("wipe must reach copies of the Secret and no clone")
	}
	var zero keychain.Secret
	zero.Wipe()
	if !zero.Empty() || zero.Clone().Len() != 0 || zero.Reveal() != nil {
		t.Fatal("the zero value must be empty")
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"anthropic": true, "token/gateway": true, "A.b_c-1/2": true, strings.Repeat("n", 200): true,
		"": false, strings.Repeat("n", 201): false, "a b": false, "a\nb": false, "ü": false, "a\x00": false, "a=b": false, "$HOME": false,
		canary + "!": false,
	} {
		err := keychain.CheckName("set secret", name)
		if (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && (keychain.KindOf(err) != keychain.KindBadName || shows(err.Error())) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestErrorsCompareByKind(t *testing.T) {
	err := fmt.Errorf("start provider: %w", &keychain.Error{Op: "get secret", Name: "a", Kind: keychain.KindLocked})
	if !errors.Is(err, &keychain.Error{Kind: keychain.KindLocked}) || errors.Is(err, &keychain.Error{Kind: keychain.KindNotFound}) {
		t.Fatal("kinds do not compare")
	}
	if keychain.KindOf(nil) != "" || keychain.KindOf(errors.New("x")) != keychain.KindFailed {
		t.Fatal("kind of a foreign error")
	}
}
