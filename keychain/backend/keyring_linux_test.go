package backend

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/keyringtest"
	"openclaw/keychain/vault"
)

// patient is the keychain with the time that a busy machine takes.
func patient() *keychain.OS {
	return keychain.NewOS(keychain.OSOptions{GetTimeout: time.Minute, SetTimeout: time.Minute, ProbeTimeout: time.Minute})
}

func withKeyring(t *testing.T) Options {
	t.Helper()
	o := folders(t)
	o.OS = patient()
	return o
}

func TestKeyringIsChosenAndRemembered(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	o := withKeyring(t)
	b := open(t, o)
	wantStatus(t, b, Keychain, Ready)
	set(t, b, "anthropic", "sk-canary")
	set(t, b, "token/gateway", "t")
	if err := o.OS.Set(t.Context(), "outside", secret("x")); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.CreateVault(t.Context(), nil), keychain.KindFailed)
	infos, err := open(t, o).Info(t.Context())
	if err != nil || len(infos) != 3 || infos[0].Created.IsZero() || infos[1].Name != "outside" || !infos[1].Created.IsZero() {
		t.Fatalf("%+v %v", infos, err)
	}
	for _, name := range []string{"index.json", "secret-store.json"} {
		path := filepath.Join(o.StateDir, name)
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "sk-canary") {
			t.Fatalf("%s: %s %v", name, text, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", name, info.Mode(), err)
		}
	}

	// Locked later: told, names still known, nothing else tried; unlocked again
	// without a restart.
	keyringtest.Lock(t)
	_, err = b.Get(t.Context(), "anthropic")
	wantKind(t, err, keychain.KindLocked)
	wantStatus(t, b, Keychain, Locked)
	wantStatus(t, open(t, o), Keychain, Locked)
	names, err := b.List(t.Context())
	if err != nil || !slices.Equal(names, []string{"anthropic", "token/gateway"}) {
		t.Fatalf("while locked: %v %v", names, err)
	}
	keyringtest.Unlock(t)
	want(t, b, "anthropic", "sk-canary")
	wantStatus(t, b, Keychain, Ready)

	if err := o.OS.Delete(t.Context(), "anthropic"); err != nil { // by another hand
		t.Fatal(err)
	}
	wantKind(t, b.Delete(t.Context(), "anthropic"), keychain.KindNotFound)
	names, err = b.List(t.Context())
	if err != nil || !slices.Equal(names, []string{"outside", "token/gateway"}) {
		t.Fatalf("%v %v", names, err)
	}
	wantStatus(t, b, Keychain, Ready)
}

func TestKeyringUnlockedLaterIsChosenThen(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Locked) {
		return
	}
	b := open(t, withKeyring(t))
	wantStatus(t, b, "", None)
	if hint := b.Status().Hint; !strings.Contains(hint, "unlock") || !strings.Contains(hint, "vault init") {
		t.Fatalf("both ways out: %q", hint)
	}
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	keyringtest.Unlock(t)
	if status := b.Refresh(t.Context()); status.State != Ready || status.Backend != Keychain {
		t.Fatalf("%+v", status)
	}
	set(t, b, "a", "1")
	want(t, b, "a", "1")
}

// With the vault chosen, a keychain that works later changes nothing.
func TestKeyringThatComesLaterIsNotTaken(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	o.OS = patient()
	b = open(t, o)
	wantStatus(t, b, Vault, Ready)
	want(t, b, "a", "1")
	if _, err := o.OS.Get(t.Context(), "a"); keychain.KindOf(err) != keychain.KindNotFound {
		t.Fatalf("the keychain was touched: %v", err)
	}
}

// The keychain alone notices an older file; one that is locked says nothing and
// stops nobody, and is asked again at the next start.
func TestTheKeychainIsAnAnchor(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	o := folders(t)
	b := open(t, o) // without a keychain, so that the vault can be chosen
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	o.OS = patient()
	b = open(t, o)
	set(t, b, "a", "1")
	older := readFile(t, b.vaultPath)
	set(t, b, "a", "2")
	want(t, open(t, o), "a", "2")
	names, err := o.OS.List(t.Context())
	if err != nil || len(names) != 1 || !strings.HasPrefix(names[0], anchorPrefix) {
		t.Fatal(names, err)
	}
	writeFile(t, b.vaultPath, older)
	b = open(t, o)
	_, err = b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindRolledBack)
	rollback, err := b.LookAtRollback(t.Context(), keychain.VaultOpening{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AcceptRollback(t.Context(), keychain.VaultOpening{}, rollback.File.Fingerprint); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, o), "a", "1")

	keyringtest.Lock(t)
	b = open(t, o)
	set(t, b, "a", "3")
	want(t, b, "a", "3")
	keyringtest.Unlock(t)
	want(t, open(t, o), "a", "3") // the keychain knows of less, and learns it now
}

// A key in the keychain opens the vault with nobody there while the keychain is unlocked;
// a start before that waits for it, unless a person locked the vault.
func TestAVaultOpensByTheKeychain(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.Unlocked) {
		return
	}
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	o.OS = patient()
	var mu sync.Mutex
	now := time.Now()
	o.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	later := func() {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Minute)
	}
	b = open(t, o)
	if err := b.AddSlot(t.Context(), nil, keychain.NewVaultSlot{Kind: vault.SlotKeychain}); err != nil {
		t.Fatal(err)
	}
	keyFile := readFile(t, b.keyPath())
	if err := os.Remove(b.keyPath()); err != nil { // which would come first
		t.Fatal(err)
	}
	want(t, open(t, o), "a", "1")

	b.Lock()
	later()
	_, err := b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	wantKind(t, b.UnlockUnattended(t.Context(), vault.SlotCredential), keychain.KindLocked)
	if err := b.UnlockUnattended(t.Context(), vault.SlotKeychain); err != nil {
		t.Fatal(err)
	}
	want(t, b, "a", "1")

	keyringtest.Lock(t)
	b = open(t, o) // the service that starts before its user came
	wantStatus(t, b, Vault, Locked)
	if !strings.Contains(b.Status().Hint, "unlock the keychain") {
		t.Fatalf("%+v", b.Status())
	}
	later()
	_, err = b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	keyringtest.Unlock(t)
	later()
	want(t, b, "a", "1")
	wantStatus(t, b, Vault, Ready)

	slots, err := b.Slots(t.Context())
	if err != nil || len(slots) != 2 {
		t.Fatal(slots, err)
	}
	item := slotPrefix + slots[1].ID
	key, err := o.OS.Get(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.OS.Set(t.Context(), item, secret("not base64!")); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, o).Get(t.Context(), "a")
	if err == nil {
		t.Fatal("it opens by what is no key")
	}
	if err := o.OS.Set(t.Context(), item, key); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveSlot(t.Context(), slots[1].ID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.OS.Get(t.Context(), item); keychain.KindOf(err) != keychain.KindNotFound {
		t.Fatalf("its key is still in the keychain: %v", err)
	}
	if _, err := open(t, o).Get(t.Context(), "a"); err == nil {
		t.Fatal("it opens by a way that was taken away")
	}
	writeFile(t, b.keyPath(), keyFile)
	want(t, open(t, o), "a", "1")
}
