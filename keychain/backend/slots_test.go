package backend

import (
	"os"
	"testing"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

const others = "another horse battery"

// From a passphrase to a key file and back; after each only the new way opens,
// and whoever does not know the passphrase changes nothing.
func TestRekeyFromOneWayToAnother(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	_, err := b.Rekey(t.Context(), nil, []byte(words), false, false)
	wantKind(t, err, keychain.KindFailed)
	if err := b.CreateVault(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	for _, wrong := range [][]byte{nil, []byte("wrong horse")} {
		_, err := b.Rekey(t.Context(), wrong, []byte(others), false, false)
		wantKind(t, err, keychain.KindWrongKey)
		_, err = b.AddRecoveryCode(t.Context(), wrong)
		wantKind(t, err, keychain.KindWrongKey)
		wantKind(t, b.RemoveSlot(t.Context(), "x", wrong), keychain.KindWrongKey)
	}
	code, err := b.Rekey(t.Context(), []byte(words), nil, true, false)
	if err != nil || code.Empty() {
		t.Fatal(err)
	}
	want(t, b, "a", "1")
	want(t, open(t, o), "a", "1") // by the key file, with nobody there
	wantKind(t, b.Unlock(t.Context(), []byte(words)), keychain.KindWrongKey)
	b.Lock() // and after that only when it is asked for
	_, err = b.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	if err := b.UnlockUnattended(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	want(t, b, "a", "1")
	if slots, err := b.Slots(t.Context()); err != nil || len(slots) != 2 || slots[0].Kind != vault.SlotKeyFile || slots[1].Kind != vault.SlotRecovery {
		t.Fatal(slots, err)
	}
	if err := os.Remove(b.keyPath()); err != nil {
		t.Fatal(err)
	}
	b = open(t, o)
	_, err = b.Get(t.Context(), "a")
	if err == nil {
		t.Fatal("it opens without its key file")
	}
	if err := b.UnlockByCode(t.Context(), code.Reveal()); err != nil {
		t.Fatal(err)
	}
	if code, err := b.Rekey(t.Context(), nil, []byte(others), false, false); err != nil || !code.Empty() {
		t.Fatal(err)
	}
	b = open(t, o)
	wantStatus(t, b, Vault, Locked)
	wantKind(t, b.UnlockByCode(t.Context(), code.Reveal()), keychain.KindWrongKey)
	wantKind(t, b.UnlockUnattended(t.Context(), ""), keychain.KindLocked)
	if err := b.Unlock(t.Context(), []byte(others)); err != nil {
		t.Fatal(err)
	}
	want(t, b, "a", "1")
	if code, err = b.AddRecoveryCode(t.Context(), []byte(others)); err != nil {
		t.Fatal(err)
	}
	b.Lock()
	_, err = b.Slots(t.Context())
	wantKind(t, err, keychain.KindLocked)
	if err := b.UnlockByCode(t.Context(), code.Reveal()); err != nil {
		t.Fatal(err)
	}
}

// A rekey that was killed when the vault had its new key and the key file had not
// is finished by the next start; one that was killed before leaves the old way.
func TestRekeyOfAKeyFileIsFinished(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	oldKey, oldVault := read(b.keyPath()), read(b.vaultPath)
	if _, err := b.Rekey(t.Context(), nil, nil, false, false); err != nil {
		t.Fatal(err)
	}
	newKey, newVault := read(b.keyPath()), read(b.vaultPath)

	write(b.keyPath(), oldKey) // killed after the vault
	write(b.keyPath()+nextSuffix, newKey)
	again := open(t, o)
	want(t, again, "a", "1")
	if string(read(b.keyPath())) != string(newKey) {
		t.Error("the key file is still the old one")
	}
	if _, err := os.Lstat(b.keyPath() + nextSuffix); err == nil {
		t.Error("the other key file is still there")
	}

	write(b.vaultPath, oldVault) // killed before it
	write(b.keyPath(), oldKey)
	write(b.keyPath()+nextSuffix, newKey)
	again = open(t, o)
	want(t, again, "a", "1")
	if _, err := again.Rekey(t.Context(), nil, nil, false, false); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, o), "a", "1")
	if string(read(b.vaultPath)) == string(newVault) {
		t.Error("nothing was written")
	}
}
