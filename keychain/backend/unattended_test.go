package backend

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

// A service opens the vault by its credential, whatever it is called, and by what comes
// after where that is not right; a file that somebody else could have put there is not read.
func TestAVaultOpensByItsCredential(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	key := bytes.Repeat([]byte{7}, 32)
	wantKind(t, b.AddSlot(t.Context(), []byte(words), keychain.NewVaultSlot{Kind: vault.SlotCredential, Name: "../x", Key: key}), keychain.KindFailed)
	wantKind(t, b.AddSlot(t.Context(), []byte(words), keychain.NewVaultSlot{Kind: vault.SlotPassphrase, Key: key}), keychain.KindFailed)
	wantKind(t, b.AddSlot(t.Context(), []byte(words), keychain.NewVaultSlot{Kind: vault.SlotKeychain}), keychain.KindNoService)
	if err := b.AddSlot(t.Context(), []byte(words), keychain.NewVaultSlot{Kind: vault.SlotCredential, Name: "my.vault", Key: key}); err != nil {
		t.Fatal(err)
	}
	o.CredentialsDir = t.TempDir()
	credential := filepath.Join(o.CredentialsDir, "my.vault")
	give := func(path string, text []byte, mode os.FileMode) {
		t.Helper()
		_ = os.Remove(path)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	wantStatus(t, open(t, o), Vault, Locked)
	give(credential, key, 0o400)
	service := open(t, o)
	want(t, service, "a", "1")
	service.Lock()
	wantKind(t, service.UnlockUnattended(t.Context(), vault.SlotKeychain), keychain.KindLocked)
	if err := service.UnlockUnattended(t.Context(), vault.SlotCredential); err != nil {
		t.Fatal(err)
	}
	want(t, service, "a", "1")

	give(credential, key, 0o444)
	_, err := open(t, o).Get(t.Context(), "a")
	wantKind(t, err, keychain.KindUnsafeFile)
	give(credential, bytes.Repeat([]byte{8}, 32), 0o400)
	_, err = open(t, o).Get(t.Context(), "a")
	wantKind(t, err, keychain.KindWrongKey)
	give(filepath.Join(o.CredentialsDir, credentialName), []byte(words+"\n"), 0o400) // the next in the order
	want(t, open(t, o), "a", "1")
	give(credential, key, 0o400)
	give(filepath.Join(o.CredentialsDir, credentialName), []byte("wrong horse"), 0o400)
	want(t, open(t, o), "a", "1")
	if err := os.Chmod(o.CredentialsDir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, o).Get(t.Context(), "a")
	wantKind(t, err, keychain.KindUnsafeFile)
}

// The key of an age slot opens the vault; in the gateway nothing of age is done.
func TestAVaultOpensByTheKeyOfAnAgeSlot(t *testing.T) {
	o := folders(t)
	b := open(t, o)
	if err := b.CreateVault(t.Context(), []byte(words)); err != nil {
		t.Fatal(err)
	}
	set(t, b, "a", "1")
	key := bytes.Repeat([]byte{7}, 32)
	slot := keychain.NewVaultSlot{Kind: vault.SlotAge, Recipients: []string{"age1"}, Sealed: []byte("sealed"), Key: key}
	if err := b.AddSlot(t.Context(), []byte(words), slot); err != nil {
		t.Fatal(err)
	}
	slots, err := b.Slots(t.Context())
	if err != nil || len(slots) != 2 || len(slots[1].Recipients) != 1 {
		t.Fatal(slots, err)
	}
	b = open(t, o)
	wantKind(t, b.UnlockByAge(t.Context(), bytes.Repeat([]byte{8}, 32)), keychain.KindWrongKey)
	wantKind(t, b.UnlockByAge(t.Context(), key[:31]), keychain.KindFailed)
	if err := b.UnlockByAge(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	want(t, b, "a", "1")
	if err := b.RemoveSlot(t.Context(), slots[0].ID, []byte(words)); err != nil { // a person has the other
		t.Fatal(err)
	}
	wantKind(t, b.RemoveSlot(t.Context(), slots[1].ID, nil), keychain.KindFailed)
}
