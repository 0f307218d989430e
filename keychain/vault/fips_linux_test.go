package vault

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/keychain"
)

// In FIPS mode a new vault is of approved primitives, one that is not is refused with the
// cure, and one that is works in every way; also where Go refuses everything else.
func TestFIPSMode(t *testing.T) {
	if dir := os.Getenv(childPath); dir != "" {
		fipsChild(t, dir)
		return
	}
	v, path := newVault(t)
	set(t, v, "a", "1")
	text, key, err := SealText([]byte("gateway: {}\n"), Passphrase([]byte(words)), keychain.VaultMark{}, cheap())
	if err != nil {
		t.Fatal(err)
	}
	key.Close()
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "text"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"on", "only"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPSMode$", "-test.v")
		cmd.Env = append(os.Environ(), childPath+"="+filepath.Dir(path), "GODEBUG=fips140="+mode)
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFIPSMode")) {
			t.Fatalf("%s: %v\n%s", mode, err, out)
		}
	}
}

func fipsChild(t *testing.T, dir string) {
	t.Helper()
	if on, module := Mode(); !on || module == "" || !fips140.Enabled() {
		t.Fatal("FIPS mode is not on")
	}
	for name, way := range map[string]Unlock{"a passphrase": Passphrase([]byte(words)), "a key": Key(keyOf(1))} {
		_, err := Open(t.Context(), filepath.Join(dir, "vault.openclaw"), way, cheap())
		wantKind(t, err, keychain.KindUnsupported)
		if e, _ := errors.AsType[*keychain.Error](err); !strings.Contains(e.Hint, "vault rekey --fips") {
			t.Errorf("%s: %s", name, e.Hint)
		}
	}
	if _, err := ReadHeader(filepath.Join("testdata", "format1-passphrase.vault")); err != nil {
		t.Error(err) // what it is can be told
	}
	text, err := os.ReadFile(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenText(text, Passphrase([]byte(words)), cheap())
	wantKind(t, err, keychain.KindUnsupported)

	path := filepath.Join(t.TempDir(), "v")
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), Options{}) // at the cost of production
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	set(t, v, "a", "1")
	if h := v.seen; !h.Approved() || *h.Slots[0].Derivation != (Derivation{Name: "pbkdf2-hmac-sha256", Iterations: 1_000_000}) {
		t.Fatalf("%+v", h)
	}
	code := NewRecoveryCode()
	for _, way := range []Unlock{Key(keyOf(1)), KeychainKey(NewSlotID(), keyOf(2)), Credential("c", keyOf(3)), RecoveryCode(code.Reveal())} {
		addSlot(t, v, way)
		again, err := Open(t.Context(), path, way, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want(t, again, "a", "1")
		again.Close()
	}
	_, err = v.AddSlot(t.Context(), AgeKey(keyOf(4), []byte("sealed"), []string{"age1"}))
	wantKind(t, err, keychain.KindUnsupported)
	if err := v.Rekey(t.Context(), false, Passphrase([]byte(words))); err != nil {
		t.Fatal(err)
	}
	want(t, v, "a", "1")
	sealed, key, err := SealText([]byte("text"), Passphrase([]byte(words)), keychain.VaultMark{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if got, _, err := key.Open(sealed); err != nil || string(got) != "text" {
		t.Fatalf("%q %v", got, err)
	}
	frozen, err := Open(t.Context(), filepath.Join("testdata", "format2-approved.vault"), Passphrase([]byte(words)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	want(t, frozen, "anthropic", "frozen value 1")
}
