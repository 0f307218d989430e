package vault

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"openclaw/keychain"
)

// killedAtEveryCall runs the test's child under a tracer that kills it at its first
// system call that changes a file, then at the second, and so on until it comes to its
// end; judge looks at what is left each time. The tracer counts the calls of each thread
// by itself: the child stays on one, so that late calls are reached where the runtime lets
// it, and how many were is logged and not demanded.
func killedAtEveryCall(t *testing.T, role, path string, prepare func(), judge func(call int)) (calls int) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, "strace is not installed")
	}
	const traced = "openat,write,pwrite64,fsync,fdatasync,fchmod,chmod,renameat,renameat2,rename,linkat,link,unlinkat,unlink,flock,ftruncate"
	for n := 1; ; n++ {
		if n > 500 {
			t.Fatal("it does not end")
		}
		prepare()
		cmd := child(t, role, path)
		cmd.Args = append([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + traced,
			"-e", "inject=" + traced + ":signal=KILL:when=" + strconv.Itoa(n)}, cmd.Args...)
		cmd.Path = strace
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL && cmd.ProcessState.ExitCode() != 128+9 {
			t.Fatalf("call %d: %v\n%s", n, err, out)
		}
		judge(n)
		if err == nil {
			return n - 1
		}
	}
}

// A slot of format 2 that is added, and a root key of approved primitives, killed at any
// system call: the vault opens by its passphrase, and by the new way only if its header
// says so.
func TestNewFormatKilledAtEveryCall(t *testing.T) {
	if os.Getenv(childRole) != "" {
		runtime.LockOSThread()
	}
	switch os.Getenv(childRole) {
	case "add":
		addSlot(t, reopen(t, os.Getenv(childPath)), Credential("one", keyOf(1)))
		return
	case "approve":
		if err := reopen(t, os.Getenv(childPath)).Rekey(t.Context(), true, Passphrase([]byte(words)), Credential("one", keyOf(1))); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, role := range []string{"add", "approve"} {
		t.Run(role, func(t *testing.T) {
			v, path := newVault(t)
			set(t, v, "kept", "value")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			old, added := 0, 0
			calls := killedAtEveryCall(t, role, path, func() {
				if err := os.WriteFile(path, before, 0o600); err != nil {
					t.Fatal(err)
				}
			}, func(call int) {
				again := reopen(t, path)
				want(t, again, "kept", "value")
				again.Close()
				by, err := Open(t.Context(), path, Credential("one", keyOf(1)), cheap())
				switch firstLine(t, path) {
				case "openclaw-vault/1":
					old++
					wantKind(t, err, keychain.KindWrongKey)
				case "openclaw-vault/2":
					added++
					if err != nil {
						t.Fatalf("call %d: %v", call, err)
					}
					if approved := by.seen.Approved(); approved != (role == "approve") {
						t.Fatalf("call %d: approved is %v", call, approved)
					}
					by.Close()
				}
			})
			t.Logf("killed at each of %d calls; %d left the old vault, %d the new one", calls, old, added)
			if old < 3 || added == 0 {
				t.Errorf("only %d kills came before the new vault, %d runs to it", old, added)
			}
		})
	}
}
