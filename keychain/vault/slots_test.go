package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/keychain"
)

// A vault opens by each of its ways and by nothing else; the last one stays.
func TestSlotsComeAndGo(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "anthropic", "sk-1")
	code := NewRecoveryCode()
	added, err := v.AddSlot(t.Context(), RecoveryCode(code.Reveal()))
	if err != nil || added.Kind != SlotRecovery {
		t.Fatal(added, err)
	}
	if _, err := v.AddSlot(t.Context(), Passphrase([]byte("another battery"))); err != nil {
		t.Fatal(err)
	}
	untidy := []byte(" " + strings.ToLower(strings.ReplaceAll(string(code.Reveal()), "-", " ")) + "\n")
	for _, unlock := range []Unlock{Passphrase([]byte(words)), Passphrase([]byte("another battery")), RecoveryCode(code.Reveal()), RecoveryCode(untidy)} {
		again, err := Open(t.Context(), path, unlock, cheap())
		if err != nil {
			t.Fatal(err)
		}
		want(t, again, "anthropic", "sk-1")
		again.Close()
	}
	slots, err := v.Slots(t.Context())
	if err != nil || len(slots) != 3 {
		t.Fatal(slots, err)
	}
	if err := v.RemoveSlot(t.Context(), slots[0].ID); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, Passphrase([]byte(words)), cheap())
	wantKind(t, err, keychain.KindWrongKey)
	wantKind(t, v.RemoveSlot(t.Context(), slots[0].ID), keychain.KindFailed)
	if err := v.RemoveSlot(t.Context(), slots[1].ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, v.RemoveSlot(t.Context(), slots[2].ID), keychain.KindFailed)
	for range maxPassSlots - 1 {
		if _, err := v.AddSlot(t.Context(), Passphrase([]byte(words))); err != nil {
			t.Fatal(err)
		}
	}
	_, err = v.AddSlot(t.Context(), Passphrase([]byte(words)))
	wantKind(t, err, keychain.KindFailed)
	_, err = v.AddSlot(t.Context(), Passphrase([]byte("short")))
	wantKind(t, err, keychain.KindFailed)
	want(t, reopen(t, path), "anthropic", "sk-1")
}

// A way that was taken away opens no file that the vault leaves beside itself: by
// it, one would get at the root key.
func TestARemovedSlotOpensNothingThatIsLeft(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "anthropic", "sk-1")
	leaked, err := v.AddSlot(t.Context(), Passphrase([]byte("a leaked passphrase")))
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "anthropic", "sk-2")
	if err := v.RemoveSlot(t.Context(), leaked.ID); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) == 0 {
		t.Fatal(left, err)
	}
	for _, name := range left {
		if again, err := Open(t.Context(), name, Passphrase([]byte("a leaked passphrase")), cheap()); err == nil {
			again.Close()
			t.Errorf("%s opens by the passphrase that was taken away", filepath.Base(name))
		}
	}
	want(t, reopen(t, path), "anthropic", "sk-2")
	set(t, v, "anthropic", "sk-3") // and the next change keeps one again
	if _, err := os.Lstat(path + previousSuffix); err != nil {
		t.Error(err)
	}
}

// A slip of the pen is told from a wrong code, wherever it is.
func TestRecoveryCodeTellsASlip(t *testing.T) {
	v, path := newVault(t)
	code := NewRecoveryCode().Reveal()
	if _, err := v.AddSlot(t.Context(), RecoveryCode(code)); err != nil {
		t.Fatal(err)
	}
	for i := range code {
		if code[i] == '-' {
			continue
		}
		slip := append([]byte(nil), code...)
		if slip[i]++; code[i] == 'Z' || code[i] == '7' {
			slip[i] = 'A'
		}
		_, err := Open(t.Context(), path, RecoveryCode(slip), cheap())
		if !errors.Is(err, errCode) && !errors.Is(err, errWrongKey) {
			t.Fatalf("letter %d: %v", i, err)
		}
	}
	_, err := Open(t.Context(), path, RecoveryCode(code[:len(code)-1]), cheap())
	if !errors.Is(err, errCode) {
		t.Error(err)
	}
	_, err = Open(t.Context(), path, RecoveryCode(NewRecoveryCode().Reveal()), cheap())
	wantKind(t, err, keychain.KindWrongKey)
}

// After a new root key nothing opens by the old ways: not the vault, not a file
// beside it, not a process that had it open.
func TestRekeyEndsEveryOtherWay(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "anthropic", "sk-1")
	set(t, v, "openai", "sk-2")
	other := reopen(t, path)
	code := NewRecoveryCode()
	if err := v.Rekey(t.Context(), false, Passphrase([]byte("a new battery")), RecoveryCode(code.Reveal())); err != nil {
		t.Fatal(err)
	}
	want(t, v, "anthropic", "sk-1")
	set(t, v, "third", "sk-3")
	_, err := other.Get(t.Context(), "anthropic")
	wantKind(t, err, keychain.KindLocked)
	for _, unlock := range []Unlock{Passphrase([]byte("a new battery")), RecoveryCode(code.Reveal())} {
		again, err := Open(t.Context(), path, unlock, cheap())
		if err != nil {
			t.Fatal(err)
		}
		want(t, again, "openai", "sk-2")
		again.Close()
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if _, err := Open(t.Context(), name, Passphrase([]byte(words)), cheap()); err == nil {
			t.Errorf("%s opens by the old passphrase", name)
		}
	}
	wantKind(t, v.Rekey(t.Context(), false), keychain.KindFailed)
	wantKind(t, v.Rekey(t.Context(), false, Passphrase([]byte("short"))), keychain.KindFailed)
	wantKind(t, v.Rekey(t.Context(), false, KeyFile(filepath.Join(t.TempDir(), "no", "key"))), keychain.KindNoService)
	want(t, v, "third", "sk-3")
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
