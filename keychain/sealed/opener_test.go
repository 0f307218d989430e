package sealed

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

const words = "correct horse battery"

// place is a config in a state folder. Its openers are programs that start anew.
type place struct {
	t       *testing.T
	options Options
	asked   int
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t}
	dir := t.TempDir()
	p.options = Options{Path: filepath.Join(dir, "config.yaml"), MarkPath: filepath.Join(dir, "state", "mark.json"), Vault: vault.Options{}.Weak(t)}
	p.options.Ask = func(string) ([]byte, error) { p.asked++; return []byte(words), nil }
	return p
}

func (p *place) opener(change func(*Options)) *Opener {
	o := p.options
	if change != nil {
		change(&o)
	}
	opener := New(o)
	p.t.Cleanup(opener.Close)
	return opener
}

func (p *place) encrypt(o *Opener, before []byte, text string) []byte {
	p.t.Helper()
	data, err := o.Encrypt(p.options.Path, before, []byte(text), []byte(words))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := o.Encrypted(p.options.Path, data); err != nil {
		p.t.Fatal(err)
	}
	return data
}

func (p *place) opens(o *Opener, data []byte, want string) func([]byte) ([]byte, error) {
	p.t.Helper()
	text, seal, err := o.Open(p.options.Path, data)
	if err != nil || string(text) != want {
		p.t.Fatalf("%q: %v", text, err)
	}
	return seal
}

func (p *place) refuses(o *Opener, data []byte, kind keychain.Kind) {
	p.t.Helper()
	text, _, err := o.Open(p.options.Path, data)
	own, ok := errors.AsType[*keychain.Error](err)
	if !ok || own.Kind != kind || own.Hint == "" || text != nil {
		p.t.Fatalf("%q, %v; want %q with a hint", text, err, kind)
	}
}

func TestOpenerAsksOnce(t *testing.T) {
	p := newPlace(t)
	first := p.encrypt(p.opener(nil), nil, "one")
	o := p.opener(nil)
	seal := p.opens(o, first, "one")
	second, err := seal([]byte("two"))
	if err != nil {
		t.Fatal(err)
	}
	p.opens(o, second, "two")
	p.opens(o, second, "two")
	if p.asked != 1 {
		t.Fatalf("asked %d times", p.asked)
	}
	p.refuses(p.opener(func(o *Options) { o.Ask = nil }), second, keychain.KindLocked)
	p.refuses(p.opener(func(o *Options) { o.Ask = func(string) ([]byte, error) { return nil, nil } }), second, keychain.KindLocked)
	p.refuses(p.opener(func(o *Options) {
		o.Ask = func(string) ([]byte, error) { return []byte("wrong horse battery"), nil }
	}), second, keychain.KindWrongKey)
}

// A service opens it by its credential, asks nobody, and follows a passphrase that is
// changed while it runs once the credential is the new one.
func TestOpenerTakesTheCredential(t *testing.T) {
	p := newPlace(t)
	dir := t.TempDir()
	credential := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, CredentialName), []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	service := p.opener(func(o *Options) { o.CredentialsDir = dir })
	data := p.encrypt(p.opener(nil), nil, "one")
	credential(words + "\n")
	p.opens(service, data, "one")
	if p.asked != 0 {
		t.Fatal("somebody was asked")
	}
	o := p.opener(nil)
	anew, err := o.Encrypt(p.options.Path, data, []byte("two"), []byte("another horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Encrypted(p.options.Path, anew); err != nil {
		t.Fatal(err)
	}
	p.refuses(service, anew, keychain.KindWrongKey)
	if err := os.Remove(filepath.Join(dir, CredentialName)); err != nil {
		t.Fatal(err)
	}
	credential("another horse battery")
	p.opens(service, anew, "two")
}

// Plain text and an older file in the place of an encrypted one are refused, by who
// runs and by who starts anew, until a person takes them.
func TestOpenerRefusesDowngradeAndRollback(t *testing.T) {
	p := newPlace(t)
	plain := []byte("plain")
	running := p.opener(nil)
	p.opens(running, plain, "plain")
	first := p.encrypt(p.opener(nil), plain, "one")
	second, err := p.opens(running, first, "one")([]byte("two"))
	if err != nil {
		t.Fatal(err)
	}
	p.opens(running, second, "two")
	for _, o := range []*Opener{running, p.opener(nil)} {
		p.refuses(o, plain, keychain.KindRolledBack)
		p.refuses(o, first, keychain.KindRolledBack)
		p.opens(o, second, "two")
	}
	// Within a process the mark cannot be taken away.
	if err := os.Remove(p.options.MarkPath); err != nil {
		t.Fatal(err)
	}
	p.refuses(running, plain, keychain.KindRolledBack)
	p.refuses(running, first, keychain.KindRolledBack)
	p.opens(p.opener(nil), second, "two")

	if err := os.WriteFile(p.options.MarkPath, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.refuses(running, second, keychain.KindCorrupt)
	person := p.opener(func(o *Options) { o.Accept = true })
	p.opens(person, first, "one")
	if person.Refused() == nil {
		t.Fatal("the person is not told")
	}
	again := p.encrypt(person, first, "one")
	p.refuses(p.opener(nil), second, keychain.KindRolledBack)
	p.opens(p.opener(nil), again, "one")
	p.refuses(running, bytes.Replace(again, []byte("generation"), []byte("gen"), 1), keychain.KindCorrupt)
}

// Decrypted on purpose, plain text stands there for who runs and who starts anew; a
// kill before it does leaves the encrypted file good.
func TestOpenerFollowsADecryption(t *testing.T) {
	p := newPlace(t)
	running := p.opener(nil)
	data := p.encrypt(p.opener(nil), nil, "one")
	p.opens(running, data, "one")
	if err := p.opener(nil).Decrypting(p.options.Path, data); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*Opener{running, p.opener(nil)} {
		p.opens(o, data, "one") // killed here
		p.opens(o, []byte("one"), "one")
	}
	next := p.encrypt(p.opener(nil), []byte("one"), "two")
	for _, o := range []*Opener{running, p.opener(nil)} {
		p.opens(o, next, "two")
		p.refuses(o, []byte("one"), keychain.KindRolledBack)
		p.refuses(o, data, keychain.KindRolledBack)
	}
	// Plain text that somebody else put there is taken by the same command.
	if err := p.opener(nil).Decrypting(p.options.Path, []byte("plain")); err != nil {
		t.Fatal(err)
	}
	p.opens(p.opener(nil), []byte("plain"), "plain")
}

// What is remembered is of the one file only.
func TestOpenerOpensOtherFiles(t *testing.T) {
	p := newPlace(t)
	p.encrypt(p.opener(nil), nil, "one")
	o := p.opener(nil)
	elsewhere := filepath.Join(t.TempDir(), "other.yaml")
	data, err := o.Encrypt(elsewhere, nil, []byte("other"), []byte(words))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{data, []byte("other")} {
		text, _, err := o.Open(elsewhere, file)
		if err != nil || string(text) != "other" {
			t.Fatalf("%q %v", text, err)
		}
	}
}
