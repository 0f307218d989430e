package export

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

func entries() []Entry {
	return []Entry{{Name: "anthropic", Value: []byte("sk-1")}, {Name: "token/gateway", Value: []byte("a\x00\nb")}}
}

func same(t *testing.T, got []Entry) {
	t.Helper()
	if len(got) != 2 || got[0].Name != "anthropic" || string(got[0].Value) != "sk-1" || string(got[1].Value) != "a\x00\nb" {
		t.Errorf("%v", got)
	}
}

// What is written is read, by the passphrase or the identity and by nothing else;
// changed at any byte it gives nothing.
func TestWhatIsWrittenIsRead(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := Recipients([]string{key.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	file, err := Write(entries(), recipients...)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte("anthropic")) {
		t.Error("a name can be read")
	}
	got, err := Read(bytes.NewReader(file), key)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got)
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(file), other); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	for i := 0; i < len(file); i += 1 + i/64 {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if got, err := Read(bytes.NewReader(changed), key); err == nil && len(got) > 0 && changed[i] != '\n' {
			same(t, got) // a letter of the frame that means nothing
		}
		if _, err := Read(bytes.NewReader(file[:i]), key); err == nil && i < len(file)-1 { // the last line end means nothing
			t.Fatalf("cut at %d it is read", i)
		}
	}
	if _, err := Recipients([]string{"ssh-ed25519 AAAA"}); err == nil {
		t.Error("a key of another kind is taken")
	}
}

func TestAPassphraseOpens(t *testing.T) {
	recipient, identity, err := Passphrase([]byte("correct horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := Write(entries(), recipient)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(file), identity)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got)
	_, wrong, err := Passphrase([]byte("wrong horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(file), wrong); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
}

// A hostile file gives nothing, and its error holds nothing of it.
func TestHostileText(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `[]`, `{"format":"openclaw-export/2","entries":[]}`, `{"format":"openclaw-export/1","entries":[{"name":"a b","value":"eA=="}]}`,
		`{"format":"openclaw-export/1","entries":[{"name":"a","value":""}]}`, `{"format":"openclaw-export/1","entries":[{"name":"a","value":"canary"}]}`,
		`{"format":"openclaw-export/1","entries":[{"name":"a","value":"eA=="},{"name":"a","value":"eA=="}]}`,
		`{"format":"openclaw-export/1","entries":[],"more":1}`, `{"format":"openclaw-export/1","entries":[]} {}`,
	} {
		got, err := decode([]byte(text))
		if err == nil || len(got) > 0 {
			t.Errorf("%s: %v", text, got)
		} else if bytes.Contains([]byte(err.Error()), []byte("canary")) {
			t.Error(err)
		}
	}
}

// Debian's age opens what is written here.
func TestTheProgramAgeOpensIt(t *testing.T) {
	program, err := exec.LookPath("age")
	if err != nil {
		require(t, "age is not installed")
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file, err := Write(entries(), key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(t.TempDir(), "key")
	write(t, identity, key.String())
	cmd := exec.CommandContext(t.Context(), program, "-d", "-i", identity)
	cmd.Stdin = bytes.NewReader(file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":"openclaw-export/1","entries":[{"name":"a","value":"eA=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode(text)
		if err != nil {
			return
		}
		for i, e := range got {
			if len(e.Value) == 0 || i > 0 && got[i-1].Name >= e.Name {
				t.Errorf("%q", text)
			}
		}
	})
}
