package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A process is told by when it began, whatever it calls itself: its number comes again.
func TestProcessIsToldByItsBeginning(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	begin := func(name string) (int, func()) {
		t.Helper()
		link := filepath.Join(t.TempDir(), name)
		if err := os.Symlink(cat, link); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(link)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid, func() { _ = in.Close(); _ = cmd.Wait() }
	}
	own := processOf(os.Getpid())
	pid, first := 0, own
	for tries := 0; first.Began <= own.Began && tries < 100; tries++ { // the clock ticks each 10 ms
		var end func()
		pid, end = begin(") R 1 1 1 1") // of 15 bytes the kernel keeps
		first = processOf(pid)
		end()
	}
	if first.PID != pid || own.Began == 0 || first.Began <= own.Began || first.Began > own.Began+360_000 {
		t.Errorf("this process %+v, and one that it started %+v", own, first)
	}
	if gone := processOf(pid); gone == first {
		t.Errorf("it has ended, and is %+v", gone)
	}
	if nobody := processOf(0); nobody.PID != 0 || nobody.Began != 0 {
		t.Errorf("nobody is %+v", nobody)
	}
}
