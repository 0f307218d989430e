package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/keychain"
)

const words = "correct horse battery"

func folders(t *testing.T) Options {
	t.Helper()
	root := t.TempDir()
	o := Options{StateDir: filepath.Join(root, "state"), KeysDir: filepath.Join(root, "keys")}
	for _, dir := range []string{o.StateDir, o.KeysDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func open(t *testing.T, o Options) *Backend {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func secret(text string) keychain.Secret { return keychain.NewSecret([]byte(text)) }

func set(t *testing.T, b *Backend, name, value string) {
	t.Helper()
	if err := b.Set(t.Context(), name, secret(value)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, b *Backend, name, value string) {
	t.Helper()
	got, err := b.Get(t.Context(), name)
	if err != nil || string(got.Reveal()) != value {
		t.Fatalf("%s: %v", name, err)
	}
}

func wantKind(t *testing.T, err error, kind keychain.Kind) {
	t.Helper()
	e, ok := errors.AsType[*keychain.Error](err)
	if !ok || e.Kind != kind || e.Hint == "" {
		t.Fatalf("got %v, want kind %q with a hint", err, kind)
	}
}

func wantStatus(t *testing.T, b *Backend, backend string, state State) {
	t.Helper()
	s := b.Status()
	if s.Backend != backend || s.State != state {
		t.Fatalf("got %+v, want %q %q", s, backend, state)
	}
	if state != Ready && (s.Detail == "" || s.Hint == "") {
		t.Fatalf("%+v tells nothing", s)
	}
}

func TestNothingIsChosenWithoutKeychain(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	wantStatus(t, b, "", None)
	if !strings.Contains(b.Status().Hint, "vault init") {
		t.Fatalf("the vault is not offered: %+v", b.Status())
	}
	wantKind(t, b.Set(t.Context(), "a", secret("1")), keychain.KindNoService)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindNoService)
	_, err = b.List(t.Context())
	wantKind(t, err, keychain.KindNoService)
	wantKind(t, b.Delete(t.Context(), "a"), keychain.KindNoService)
	if entries, err := os.ReadDir(o.StateDir); err != nil || len(entries) != 0 {
		t.Fatalf("something was written: %v %v", entries, err)
	}
}

func TestVaultWithKeyFile(t *testing.T) {
	o := folders(t)
	var changed []string
	o.Changed = func(name string) { changed = append(changed, name) }
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o.Now = func() time.Time { return now }
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, b, Vault, Ready)
	set(t, b, "anthropic", "sk-1")
	again := open(t, o)
	wantStatus(t, again, Vault, Ready)
	want(t, again, "anthropic", "sk-1")
	infos, err := again.Info(t.Context())
	if err != nil || len(infos) != 1 || infos[0] != (Info{"anthropic", now, now}) {
		t.Fatalf("%+v %v", infos, err)
	}
	if again.VaultStore() == nil {
		t.Fatal("no store for vault://")
	}
	wantKind(t, again.CreateVault(t.Context(), nil), keychain.KindFailed)
	if err := b.Delete(t.Context(), "anthropic"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(changed, []string{"", "anthropic", "", "anthropic"}) {
		t.Fatalf("changed: %v", changed)
	}

	// The key file goes: locked out, told, and nothing else is tried.
	if err := os.Chmod(o.KeysDir+"/vault.key", 0o644); err != nil {
		t.Fatal(err)
	}
	b = open(t, o)
	wantStatus(t, b, Vault, Failed)
	_, err = b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindUnsafeFile)
	if err := os.Chmod(o.KeysDir+"/vault.key", 0o600); err != nil {
		t.Fatal(err)
	}
	if status := b.Refresh(t.Context()); status.State != Ready {
		t.Fatalf("after the repair: %+v", status)
	}
}

// Who keeps what was read is told when the vault was opened or locked, each time, and not
// when nothing came of it.
func TestWhoKeepsValuesIsToldOfALock(t *testing.T) {
	o := folders(t)
	told := 0
	var b *Backend
	o.Changed = func(name string) {
		if name != "" {
			t.Errorf("told of %q", name)
		}
		told++
		if b != nil {
			b.Lock() // no lock is held over the call
		}
	}
	b = open(t, o)
	for _, step := range []struct {
		what string
		do   func()
		told int
	}{
		{"creation", func() { _ = b.CreateVault(t.Context(), nil) }, 2}, // with the lock of the test itself
		{"a second lock", b.Lock, 2},
		{"a wrong passphrase", func() { _ = b.Unlock(t.Context(), []byte("wrong horse")) }, 2},
		{"an unlock", func() { _ = b.UnlockUnattended(t.Context(), "") }, 4},
	} {
		if step.do(); told != step.told {
			t.Errorf("after %s: told %d times, not %d", step.what, told, step.told)
		}
	}
}

// An answer that was under way when the vault was locked does not say that it is open.
func TestALockIsNotTakenBackByWhatWasUnderWay(t *testing.T) {
	o := folders(t)
	other := open(t, o)
	if err := other.CreateVault(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	anchor := &slow{began: make(chan struct{}), goOn: make(chan struct{})}
	o.Anchor = anchor
	b := open(t, o)
	if err := b.Unlock(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	set(t, other, "a", "1")
	anchor.slow.Store(true)
	read := make(chan error, 1)
	go func() {
		_, err := b.Get(t.Context(), "a")
		read <- err
	}()
	<-anchor.began // it has the value, and what it saw is being recorded
	b.Lock()
	wantStatus(t, b, Vault, Locked)
	close(anchor.goOn)
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	wantStatus(t, b, Vault, Locked)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
}

// slow is an anchor whose next note takes its time.
type slow struct {
	paper
	slow        atomic.Bool
	began, goOn chan struct{}
}

func (s *slow) Note(ctx context.Context, mark keychain.VaultMark) error {
	if s.slow.CompareAndSwap(true, false) {
		close(s.began)
		<-s.goOn
	}
	return s.paper.Note(ctx, mark)
}

func TestVaultWithPassphrase(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	b.Lock()
	wantStatus(t, b, Vault, Locked)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	wantKind(t, b.Unlock(t.Context(), []byte("wrong horse")), keychain.KindWrongKey)
	wantStatus(t, b, Vault, Locked)

	b = open(t, o)
	wantStatus(t, b, Vault, Locked)
	wantKind(t, b.Set(t.Context(), "a", secret("2")), keychain.KindLocked)
	if err := b.Unlock(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, b, Vault, Ready)
	want(t, b, "a", "1")
	b.Refresh(t.Context())
	want(t, b, "a", "1") // a refresh does not lock

	o.CredentialsDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.CredentialsDir, credentialName), []byte(words+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, o), "a", "1")
}

func TestChoiceSurvivesItsFile(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	marker := filepath.Join(o.StateDir, "secret-store.json")
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, o), "a", "1")

	index := filepath.Join(o.StateDir, "index.json")
	for name, test := range map[string]struct {
		marker, index string
		kind          keychain.Kind
	}{
		"both stores, no marker": {"", `{"version":1,"secrets":[]}`, keychain.KindCorrupt},
		"empty":                  {" ", "", keychain.KindCorrupt},
		"half written":           {`{"version":1,"back`, "", keychain.KindCorrupt},
		"unknown backend":        {`{"version":1,"backend":"plain"}`, "", keychain.KindCorrupt},
		"newer":                  {`{"version":2,"backend":"cloud"}`, "", keychain.KindUnsupported},
		"a folder":               {"/", "", keychain.KindCorrupt},
		"huge":                   {strings.Repeat(" ", 1<<20), "", keychain.KindCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(index)
			_ = os.Remove(marker)
			switch test.marker {
			case "":
			case "/":
				if err := os.Mkdir(marker, 0o700); err != nil {
					t.Fatal(err)
				}
			default:
				if err := os.WriteFile(marker, []byte(test.marker), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.index != "" {
				if err := os.WriteFile(index, []byte(test.index), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b := open(t, o)
			wantStatus(t, b, "", Failed)
			_, err := b.Get(t.Context(), "a")
			wantKind(t, err, test.kind)
			wantKind(t, b.CreateVault(t.Context(), nil), test.kind)
			if test.marker != "" {
				if now, err := os.ReadFile(marker); err == nil && string(now) != test.marker {
					t.Fatal("the marker was overwritten")
				}
			}
		})
	}
}

// A marker that says keychain, and no keychain: told, never the vault instead.
func TestKeychainChosenAndGone(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "in the vault")
	if err := os.WriteFile(filepath.Join(o.StateDir, "secret-store.json"), []byte(`{"version":1,"backend":"keychain"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b = open(t, o)
	wantStatus(t, b, Keychain, Unreachable)
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindNoService)
	if b.VaultStore() != nil {
		t.Fatal("the vault is offered")
	}
	wantKind(t, b.Unlock(t.Context(), []byte(words)), keychain.KindFailed)
}

// The way from a keychain to a vault that the refusal names works.
func TestAVaultInThePlaceOfAKeychain(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	marker := filepath.Join(o.StateDir, "secret-store.json")
	write := func(choice string) {
		t.Helper()
		if err := os.WriteFile(marker, []byte(`{"version":1,"backend":"`+choice+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(Keychain)
	err := b.CreateVault(t.Context(), nil)
	wantKind(t, err, keychain.KindFailed)
	var refused *keychain.Error
	if !errors.As(err, &refused) || !strings.Contains(refused.Hint, marker) || !strings.Contains(refused.Hint, `{"version":1,"backend":"vault"}`) {
		t.Fatalf("%+v", err)
	}
	write(Vault)
	b = open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "in the vault")
	wantStatus(t, open(t, o), Vault, Ready)
	wantKind(t, b.CreateVault(t.Context(), nil), keychain.KindFailed)
}

func TestIndexEdits(t *testing.T) {
	b := &Backend{stateDir: t.TempDir(), now: time.Now}
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for _, edit := range []func([]Info) []Info{noteSet("b", at(1)), noteSet("a", at(2)), noteSet("b", at(3)), noteSet("c", at(4)), noteDelete("c"), noteDelete("none")} {
		if err := b.changeIndex(t.Context(), edit); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := b.readIndex()
	if want := []Info{{"a", at(2).UTC(), at(2).UTC()}, {"b", at(1).UTC(), at(3).UTC()}}; err != nil || !slices.Equal(infos, want) {
		t.Fatalf("%v %v", infos, err)
	}
	if info, err := os.Stat(b.indexPath()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if err := b.changeIndex(t.Context(), noteSet(string(rune('A'+i)), at(5))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if infos, err := b.readIndex(); err != nil || len(infos) != 18 {
		t.Fatalf("%d entries: an update was lost, %v", len(infos), err)
	}
	if got := merge([]string{"a", "x"}, infos); !slices.Equal(got, []Info{infos[0], {Name: "x"}}) {
		t.Fatalf("%v", got)
	}
	if err := os.WriteFile(b.indexPath(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.changeIndex(t.Context(), noteSet("a", at(9))); err != nil {
		t.Fatalf("a damaged index: %v", err)
	}
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add([]byte(`{"version":1,"secrets":[{"name":"a","created":"2026-01-02T03:04:05Z","changed":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"version":1,"secrets":[{"name":"b"},{"name":"a"},{"name":"a"}]}`))
	f.Add([]byte(`{"version":1,"secrets":[{"name":"\u001b[2J"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		infos, err := decodeIndex(data)
		if err != nil {
			return
		}
		for i, info := range infos {
			if keychain.CheckName("x", info.Name) != nil || (i > 0 && infos[i-1].Name >= info.Name) {
				t.Fatalf("accepted %q", infos)
			}
		}
		if text, err := json.Marshal(infos); err == nil && bytes.Contains(text, []byte("\x1b")) {
			t.Fatal("an escape got through")
		}
	})
}
