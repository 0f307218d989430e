package vault

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const nextWords = "another horse battery"

// A new root key that is killed at any system call that touches a file leaves the
// old or the new vault, whole, and nothing else that opens.
func TestRekeyKilledAtEveryCall(t *testing.T) {
	if os.Getenv(childRole) != "" {
		v := reopen(t, os.Getenv(childPath))
		if err := v.Rekey(t.Context(), Passphrase([]byte(nextWords))); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, "strace is not installed")
	}
	// All that changes a file; between two of them a kill changes nothing more.
	const calls = "openat,write,pwrite64,fsync,fdatasync,fchmod,chmod,renameat,renameat2,rename,linkat,link,unlinkat,unlink,flock,ftruncate"
	v, path := newVault(t)
	set(t, v, "kept", "value")
	set(t, v, "kept", "newer")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old, done := 0, false
	for n := 1; !done; n++ {
		if n > 500 {
			t.Fatal("it does not end")
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+previousSuffix, before, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := child(t, "rekey", path)
		cmd.Args = append([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls,
			"-e", "inject=" + calls + ":signal=KILL:when=" + strconv.Itoa(n)}, cmd.Args...)
		cmd.Path = strace
		out, err := cmd.CombinedOutput()
		done = err == nil
		if err != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL && cmd.ProcessState.ExitCode() != 128+9 {
			t.Fatalf("call %d: %v\n%s", n, err, out)
		}
		_, errOld := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
		opened, errNew := Open(t.Context(), path, Passphrase([]byte(nextWords)), cheap())
		switch {
		case errOld == nil && errNew != nil:
			old++
			want(t, reopen(t, path), "kept", "newer")
		case errNew == nil && errOld != nil:
			want(t, opened, "kept", "newer")
			if _, err := Open(t.Context(), path+previousSuffix, Passphrase([]byte(words)), cheap()); err == nil {
				t.Fatalf("call %d: the file of before opens by the old passphrase", n)
			}
		default:
			t.Fatalf("call %d: %v, %v", n, errOld, errNew)
		}
		if opened != nil {
			opened.Close()
		}
		if done {
			t.Logf("killed at each of %d calls; %d left the old vault", n-1, old)
		}
	}
	if old < 3 {
		t.Errorf("only %d kills came before the new vault", old)
	}
	entries, err := os.ReadDir(strings.TrimSuffix(path, "/vault.openclaw"))
	if err != nil || len(entries) > 2+old {
		t.Errorf("left behind: %v %v", entries, err)
	}
}
