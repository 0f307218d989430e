package vault

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

const nextWords = "another horse battery"

// A new root key that is killed at any system call that touches a file leaves the
// old or the new vault, whole, and nothing else that opens.
func TestRekeyKilledAtEveryCall(t *testing.T) {
	if os.Getenv(childRole) != "" {
		runtime.LockOSThread()
		v := reopen(t, os.Getenv(childPath))
		if err := v.Rekey(t.Context(), false, Passphrase([]byte(nextWords))); err != nil {
			t.Fatal(err)
		}
		return
	}
	v, path := newVault(t)
	set(t, v, "kept", "value")
	set(t, v, "kept", "newer")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := 0
	calls := killedAtEveryCall(t, "rekey", path, func() {
		for _, name := range []string{path, path + previousSuffix} {
			if err := os.WriteFile(name, before, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}, func(call int) {
		_, errOld := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
		opened, errNew := Open(t.Context(), path, Passphrase([]byte(nextWords)), cheap())
		switch {
		case errOld == nil && errNew != nil:
			old++
			want(t, reopen(t, path), "kept", "newer")
		case errNew == nil && errOld != nil:
			want(t, opened, "kept", "newer")
			if _, err := Open(t.Context(), path+previousSuffix, Passphrase([]byte(words)), cheap()); err == nil {
				t.Fatalf("call %d: the file of before opens by the old passphrase", call)
			}
		default:
			t.Fatalf("call %d: %v, %v", call, errOld, errNew)
		}
		if opened != nil {
			opened.Close()
		}
	})
	t.Logf("killed at each of %d calls; %d left the old vault", calls, old)
	if old < 3 {
		t.Errorf("only %d kills came before the new vault", old)
	}
	entries, err := os.ReadDir(strings.TrimSuffix(path, "/vault.openclaw"))
	if err != nil || len(entries) > 2+old {
		t.Errorf("left behind: %v %v", entries, err)
	}
}
