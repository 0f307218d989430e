package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"openclaw/sandbox/policy"
)

// Programs that share memory and semaphores by a name find them in a reduced cage, too:
// /dev/shm is the run's own there.
func TestReducedSharesMemoryByName(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`python3 -c '
import multiprocessing as m, multiprocessing.shared_memory as s, os, stat
print(m.Pool(2).map(abs, [-1, 2]))
memory = s.SharedMemory(name="openclaw-test-memory", create=True, size=100); memory.buf[0] = 7
again = s.SharedMemory(name="openclaw-test-memory"); print(again.buf[0])
try: s.SharedMemory(name="openclaw-test-memory", create=True, size=100)
except FileExistsError: print("there")
os.rename("/dev/shm/openclaw-test-memory", "/dev/shm/openclaw-test-other")
try: s.SharedMemory(name="openclaw-test-memory")
except FileNotFoundError: print("gone")
os.umask(0o027); fd = os.open("/dev/shm/openclaw-test-mode", os.O_RDWR | os.O_CREAT, 0o666)
print(oct(stat.S_IMODE(os.fstat(fd).st_mode)), os.get_inheritable(fd)); os.fchmod(fd, 0o640); os.unlink("/dev/shm/openclaw-test-mode")
os.unlink("/dev/shm/openclaw-test-other")
'; ls -A "$TMPDIR/../shm" | wc -l`)
	if res.out != "[1, 2]\n7\nthere\ngone\n0o640 False\n0\n" || len(res.denials) > 0 {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
	for _, name := range []string{"memory", "other", "mode"} {
		if _, err := os.Lstat("/dev/shm/openclaw-test-" + name); err == nil {
			t.Errorf("%s is in the machine's", name)
			_ = os.Remove("/dev/shm/openclaw-test-" + name)
		}
	}
}

// Who asks for what is shared by a name, old or new, has it, though it comes and goes
// meanwhile: sem_open(3) and shm_open(3) are called so by programs that start at once.
func TestReducedMemoryComesAndGoes(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	run := newTalk(t, w)
	name := filepath.Join(run.run("realpath $TMPDIR/../shm"), "openclaw-test-race")
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-over:
				return
			default:
			}
			_ = os.WriteFile(name, nil, 0o600) // its folder is there until the run ends
			_ = os.Remove(name)
		}
	}()
	said := run.run(`python3 -c '
import os
for turn in range(3000): os.close(os.open("/dev/shm/openclaw-test-race", os.O_RDWR | os.O_CREAT, 0o600))
print("opened")' 2>&1 | tail -1`)
	close(over)
	<-ended
	if said != "opened" {
		t.Errorf("it says %q", said)
	}
}

// What is the run's own is gone with it, and no other run's.
func TestReducedMemoryIsTheRunsOwn(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	first := newTalk(t, w)
	if said := first.run("echo one > /dev/shm/openclaw-test-own; cat /dev/shm/openclaw-test-own"); said != "one" {
		t.Errorf("it says %q", said)
	}
	folder := first.run("realpath $TMPDIR/../shm")
	if _, err := os.Stat(folder + "/openclaw-test-own"); err != nil {
		t.Error(err)
	}
	if res := w.sh("cat /dev/shm/openclaw-test-own"); res.status.Code == 0 {
		t.Errorf("another run has it: %q", res.out)
	}
	_ = first.in.Close()
	_ = first.wait()
	if _, err := os.Stat(folder); err == nil {
		t.Error("it is still there after the run")
	}
}

// A config that denies /dev/shm has no other in its place.
func TestReducedMemoryDenied(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "/dev/shm")
	res := w.sh("echo one > /dev/shm/openclaw-test-denied")
	if res.status.Code == 0 || !slices.Contains(w.brief(res.denials), "path.write create /dev/shm/openclaw-test-denied") {
		t.Errorf("status %+v, denials %q", res.status, w.brief(res.denials))
	}
}

// A config that opens /dev/shm opens the machine's.
func TestReducedMemoryOfTheMachine(t *testing.T) {
	name := memoryOutside(t.TempDir())
	t.Cleanup(func() { _ = os.Remove(name) })
	w := newWorld(t).reduced().allow("project")
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: "/dev/shm"})
	if res := w.sh("echo one > " + name + " && cat " + name); res.out != "one\n" {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
	if text, err := os.ReadFile(name); string(text) != "one\n" {
		t.Errorf("outside it is %q, %v", text, err)
	}
}
