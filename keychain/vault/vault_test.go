package vault

import (
	"bytes"
	"context"
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

const words = "correct horse battery"

// cheap lowers the cost and its floor; only tests of this package can.
func cheap() Options {
	return Options{
		cost:  &Derivation{Name: kdfName, Time: 1, Memory: 64, Threads: 1},
		floor: &bounds{time: 1, memory: 8},
	}
}

func newVault(t *testing.T) (*Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.openclaw")
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), cheap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v, path
}

func reopen(t *testing.T, path string) *Vault {
	t.Helper()
	v, err := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func set(t *testing.T, v *Vault, name, value string) {
	t.Helper()
	if err := v.Set(t.Context(), name, keychain.NewSecret([]byte(value))); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, v *Vault, name, value string) {
	t.Helper()
	got, err := v.Get(t.Context(), name)
	if err != nil || string(got.Reveal()) != value {
		t.Fatalf("%s: got %q, %v", name, got.Reveal(), err)
	}
}

func wantKind(t *testing.T, err error, kind keychain.Kind) {
	t.Helper()
	e, ok := errors.AsType[*keychain.Error](err)
	if !ok || e.Kind != kind || e.Hint == "" {
		t.Fatalf("got %v, want kind %q with a hint", err, kind)
	}
}

func TestVaultKeepsWhatWasSet(t *testing.T) {
	v, path := newVault(t)
	big := strings.Repeat("x", MaxValue)
	for name, value := range map[string]string{"anthropic": "sk-1", "token/gateway": "a\x00\nb", "big": big} {
		set(t, v, name, value)
	}
	set(t, v, "anthropic", "sk-2")
	for _, vault := range []*Vault{v, reopen(t, path)} {
		want(t, vault, "anthropic", "sk-2")
		want(t, vault, "token/gateway", "a\x00\nb")
		want(t, vault, "big", big)
		names, err := vault.List(t.Context())
		if err != nil || !slices.Equal(names, []string{"anthropic", "big", "token/gateway"}) {
			t.Fatalf("%v %v", names, err)
		}
	}
	if err := v.Delete(t.Context(), "big"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, v.Delete(t.Context(), "big"), keychain.KindNotFound)
	_, err := reopen(t, path).Get(t.Context(), "big")
	wantKind(t, err, keychain.KindNotFound)
	wantKind(t, v.Set(t.Context(), "big", keychain.NewSecret(make([]byte, MaxValue+1))), keychain.KindTooBig)
	wantKind(t, v.Set(t.Context(), "none", keychain.Secret{}), keychain.KindFailed)
	wantKind(t, v.Set(t.Context(), "a b", keychain.NewSecret([]byte("v"))), keychain.KindBadName)
}

func TestVaultRemembersTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v")
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	options := cheap()
	options.Now = func() time.Time { return now }
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), options)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	set(t, v, "a", "1")
	created := now.Truncate(time.Second)
	now = now.Add(time.Hour)
	set(t, v, "a", "22")
	entries, err := v.Entries(t.Context())
	if err != nil || len(entries) != 1 || entries[0] != (Entry{"a", created, created.Add(time.Hour), 2}) {
		t.Fatalf("%+v %v", entries, err)
	}
	if generation, written := v.Generation(); generation != 3 || !written.Equal(created.Add(time.Hour)) {
		t.Fatalf("%d %v", generation, written)
	}
}

func TestVaultFilesTellNothing(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "anthropic-name", "sk-ant-canary")
	set(t, v, "another", "x")
	for _, file := range []string{path, path + previousSuffix} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"sk-ant-canary", "anthropic-name", words} {
			if bytes.Contains(data, []byte(text)) {
				t.Fatalf("%s holds %q", file, text)
			}
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", file, info.Mode(), err)
		}
	}
	size := func() int64 { info, _ := os.Stat(path); return info.Size() }
	before := size()
	set(t, v, "another", strings.Repeat("y", 100))
	if size() != before {
		t.Fatal("the file's size tells the length of a short value")
	}
}

func TestVaultUnlock(t *testing.T) {
	dir := t.TempDir()
	path, keyPath := filepath.Join(dir, "v"), filepath.Join(dir, "key")
	v, err := Create(t.Context(), path, KeyFile(keyPath), Options{})
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "a", "1")
	v.Close()
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	wantKind(t, v.Set(t.Context(), "a", keychain.NewSecret([]byte("2"))), keychain.KindLocked)
	v.Close()

	key, err := os.ReadFile(keyPath)
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	for _, way := range []Unlock{KeyFile(keyPath), Key(key)} {
		v, err := Open(t.Context(), path, way, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want(t, v, "a", "1")
		v.Close()
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, key, 0o644); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, key[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		unlock Unlock
		kind   keychain.Kind
	}{
		"another key":         {KeyFile(other), keychain.KindWrongKey},
		"words for a key":     {Passphrase([]byte(words)), keychain.KindWrongKey},
		"readable by others":  {KeyFile(open), keychain.KindUnsafeFile},
		"key file too short":  {KeyFile(short), keychain.KindFailed},
		"key file is missing": {KeyFile(filepath.Join(dir, "none")), keychain.KindNoService},
		"nothing":             {Unlock{}, keychain.KindFailed},
	} {
		_, err := Open(t.Context(), path, test.unlock, Options{})
		t.Run(name, func(t *testing.T) { wantKind(t, err, test.kind) })
	}
	if text := fmt.Sprintf("%v %+v %#v", Key(key), Passphrase([]byte(words)), Key(key)); strings.Contains(text, words) {
		t.Fatal(text)
	}
	_, err = Create(t.Context(), path, KeyFile(keyPath), Options{})
	wantKind(t, err, keychain.KindFailed)
	_, err = Create(t.Context(), path+"2", Passphrase([]byte("short")), Options{})
	wantKind(t, err, keychain.KindFailed)
	_, err = Open(t.Context(), path+"2", KeyFile(keyPath), Options{})
	wantKind(t, err, keychain.KindNoService)
}

// The production options know one cost and one floor.
func TestVaultProductionCost(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "v")
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	header, err := ReadHeader(path)
	if err != nil || *header.Slots[0].Derivation != (Derivation{"argon2id", 4, 128 << 10, 2, 0}) {
		t.Fatalf("%+v %v", header, err)
	}
	_, err = Open(t.Context(), path, Passphrase([]byte("wrong horse")), Options{})
	wantKind(t, err, keychain.KindWrongKey)

	_, weak := newVault(t)
	_, err = Open(t.Context(), weak, Passphrase([]byte(words)), Options{})
	wantKind(t, err, keychain.KindUnsupported)
	_, err = ReadHeader(weak)
	wantKind(t, err, keychain.KindUnsupported)
}

func TestVaultRefusesOlderAndOtherFiles(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "a", "2")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)
	wantKind(t, v.Set(t.Context(), "a", keychain.NewSecret([]byte("3"))), keychain.KindRolledBack)
	other := reopen(t, path) // which writes the same generation anew
	set(t, other, "a", "4")
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)
	if err := other.Advance(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	want(t, v, "a", "4")
	if v.Mark().Generation != 41 {
		t.Fatalf("generation %d", v.Mark().Generation)
	}
	wantKind(t, other.Advance(t.Context(), maxGeneration), keychain.KindCorrupt)

	_, another := newVault(t)
	if err := os.Rename(another, path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindNoService)
	if err := os.Symlink(path+previousSuffix, path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindUnsafeFile)
}

func TestVaultManyGoroutines(t *testing.T) {
	v, path := newVault(t)
	other := reopen(t, path)
	var group sync.WaitGroup
	for i := range 8 {
		vault := []*Vault{v, other}[i%2]
		group.Go(func() {
			name := fmt.Sprintf("n%d", i)
			for j := range 5 {
				if err := vault.Set(context.Background(), name, keychain.NewSecret(fmt.Appendf(nil, "%d", j))); err != nil {
					t.Error(err)
				}
				if _, err := vault.Get(context.Background(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i := range 8 {
		want(t, v, fmt.Sprintf("n%d", i), "4")
	}
	want(t, other, "n0", "4")
	if generation, _ := other.Generation(); generation != 1+8*5 {
		t.Fatalf("generation %d: a change was lost", generation)
	}
}

// A read beside writes of the same process is of a file that was the newest while it
// was read: only a file that is older than one seen before it was put back.
func TestVaultReadsBesideWrites(t *testing.T) {
	v, _ := newVault(t)
	set(t, v, "a", "0")
	ctx, done := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := v.Get(context.Background(), "a"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 300 {
		set(t, v, "a", fmt.Sprint(i))
	}
	done()
	group.Wait()
	want(t, v, "a", "299")
}
