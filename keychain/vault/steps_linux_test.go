package vault

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"openclaw/keychain"
)

// step is a moment of a change: before the n-th system call of a kind. Only the change itself
// makes calls of these kinds, on one thread, so that the moment is met in every run.
type step struct {
	name  string
	calls string
	n     int
	after bool // the rename is done: the new vault stands there
}

const (
	removing = "unlink,unlinkat"
	renaming = "rename,renameat,renameat2"
	syncing  = "fsync,fdatasync"
)

// killedAt runs the test's child and kills it at a step. A child that comes to its end
// instead fails the test: the step is not there any more.
func killedAt(t *testing.T, role, path string, s step) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		skip(t, "strace is not installed")
	}
	cmd := child(t, role, path)
	cmd.Args = append([]string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + s.calls,
		"-e", "inject=" + s.calls + ":signal=KILL:when=" + strconv.Itoa(s.n)}, cmd.Args...)
	cmd.Path = strace
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL && ended.ExitCode() != 128+int(syscall.SIGKILL) {
		t.Fatalf("it was not killed %s: %v\n%s", s.name, err, out)
	}
}

// A change that is killed before each of its steps, and surely directly after the
// rename, leaves the old vault or the new one, which the record of what was seen before lets
// open; of a root key that was replaced nothing is left that opens; and the next change
// works and clears away what the kill left.
func TestChangesKilledAtEachStep(t *testing.T) {
	change := map[string]func(v *Vault) error{
		"rekey": func(v *Vault) error { return v.Rekey(t.Context(), false, Passphrase([]byte(nextWords))) },
		"add": func(v *Vault) error {
			_, err := v.AddSlot(t.Context(), Passphrase([]byte(nextWords)))
			return err
		},
		"set": func(v *Vault) error { return v.Set(t.Context(), "kept", keychain.NewSecret([]byte("newest"))) },
	}
	if role := os.Getenv(childRole); role != "" {
		runtime.LockOSThread()
		if err := change[role](reopen(t, os.Getenv(childPath))); err != nil {
			t.Fatal(err)
		}
		return
	}
	keeping := []step{ // a change that keeps the file of before
		{name: "before the new file is synced", calls: syncing, n: 1},
		{name: "before the old file has its second name", calls: "link,linkat", n: 1},
		{name: "before the old file becomes the previous one", calls: renaming, n: 1},
		{name: "before the rename", calls: renaming, n: 2},
		{name: "directly after the rename", calls: syncing, n: 2, after: true},
	}
	for role, steps := range map[string][]step{
		"rekey": {
			{name: "before the file of before is removed", calls: removing, n: 1},
			{name: "before the new file is synced", calls: syncing, n: 1},
			{name: "before the rename", calls: renaming, n: 1},
			{name: "directly after the rename", calls: syncing, n: 2, after: true},
		},
		"add": keeping, "set": keeping,
	} {
		for _, s := range steps {
			t.Run(role+" "+s.name, func(t *testing.T) {
				v, path := newVault(t)
				set(t, v, "kept", "value")
				set(t, v, "kept", "newer")
				noted := v.Mark()
				before, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				killedAt(t, role, path, s)

				byOld, errOld := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
				byNew, errNew := Open(t.Context(), path, Passphrase([]byte(nextWords)), cheap())
				if (errOld == nil) != (role != "rekey" || !s.after) || (errNew == nil) != (role != "set" && s.after) {
					t.Fatalf("opens by the old words: %v, by the new words: %v", errOld, errNew)
				}
				opened := byOld
				if opened == nil {
					opened = byNew
				}
				stands := "newer"
				if role == "set" && s.after {
					stands = "newest"
				}
				want(t, opened, "kept", stands)
				if err := Follows(opened.Mark(), noted); err != nil {
					t.Errorf("what was seen before refuses it: %v", err)
				}
				if after := opened.Mark() != noted; after != s.after {
					t.Errorf("another generation stands there: %v", after)
				}
				if s.after {
					if err := Follows(noted, opened.Mark()); err == nil {
						t.Error("once it was seen the vault of before is let in again")
					}
					if now, err := os.ReadFile(path); err != nil || string(now) == string(before) {
						t.Errorf("the file is the old one: %v", err)
					}
				}
				if role == "rekey" && s.after {
					if _, err := Open(t.Context(), path+previousSuffix, Passphrase([]byte(words)), cheap()); !errors.Is(err, os.ErrNotExist) {
						t.Errorf("the file of before: %v", err)
					}
				}
				set(t, opened, "more", "1")
				want(t, opened, "more", "1")
				want(t, opened, "kept", stands)
				leftNothing(t, path)
			})
		}
	}
}
