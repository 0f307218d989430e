package sandbox_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
)

// talk runs a shell in a cage that is given one script at a time.
type talk struct {
	t       *testing.T
	in      *os.File
	answers *bufio.Reader
	process *sandbox.Process
	wait    func() result
}

func newTalk(t *testing.T, w *world) *talk {
	t.Helper()
	in, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	spec := w.spec("sh")
	spec.Stdin, spec.Stdout = in, out
	process, wait := start(t, spec)
	_ = in.Close()
	_ = out.Close()
	return &talk{t: t, in: write, answers: bufio.NewReader(read), process: process, wait: wait}
}

// run returns the last line that a script prints.
func (k *talk) run(script string) string {
	k.t.Helper()
	if _, err := k.in.WriteString("{ " + script + "; } 2>&1 | tr '\\n' ' '; echo\n"); err != nil {
		k.t.Fatal(err)
	}
	line, err := k.answers.ReadString('\n')
	if err != nil {
		k.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// covered waits until the report says that a path was covered again.
func (k *talk) covered(says string) {
	k.t.Helper()
	for range 10_000 {
		if strings.Contains(strings.Join(k.process.Report().Warnings, "\n"), says) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	k.t.Fatalf("never covered again: %q", k.process.Report().Warnings)
}

func (k *talk) end() result {
	k.t.Helper()
	_ = k.in.Close()
	return k.wait()
}

// A denied file that someone outside replaces while the cage runs (as editors
// do) stays denied.
func TestDeniedReplacedOutside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env", "project/secret")
	k := newTalk(t, w)
	if got := k.run(`cat ~/project/.env`); !strings.Contains(got, "Permission denied") {
		t.Fatalf("before: %q", got)
	}
	w.write("project/.env.new", "PASSWORD=new")
	if err := os.Rename(w.path("project/.env.new"), w.path("project/.env")); err != nil {
		t.Fatal(err)
	}
	k.covered(".env is denied and was replaced")
	if got := k.run(`cat ~/project/.env`); !strings.Contains(got, "Permission denied") {
		t.Errorf("after: %q", got)
	}
	if err := os.RemoveAll(w.path("project/secret")); err != nil {
		t.Fatal(err)
	}
	w.write("project/secret/key", "a new key")
	k.covered("secret is denied and was replaced")
	if got := k.run(`cat ~/project/secret/key`); !strings.Contains(got, "Permission denied") {
		t.Errorf("after: %q", got)
	}
	w.write("project/deep/other", "x")
	if res := k.end(); res.status.Code != 0 {
		t.Errorf("%+v", res.status)
	}
}

// The same for a folder above a denied one.
func TestDeniedAncestorReplacedOutside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/deep/er/hidden")
	k := newTalk(t, w)
	if err := os.RemoveAll(w.path("project/deep")); err != nil {
		t.Fatal(err)
	}
	w.write("project/deep/er/hidden/file", "hidden again")
	k.covered("hidden is denied and was replaced")
	if got := k.run(`cat ~/project/deep/er/hidden/file; ls ~/project/deep/er/hidden`); strings.Count(got, "Permission denied") != 2 {
		t.Errorf("after: %q", got)
	}
	k.end()
}

// What cannot be covered again ends the run.
func TestDeniedReplacedByAnotherKind(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	k := newTalk(t, w)
	if err := os.Remove(w.path("project/.env")); err != nil {
		t.Fatal(err)
	}
	w.write("project/.env/inside", "PASSWORD=new")
	status, err := k.process.Wait()
	if err == nil || status.Signal == 0 {
		t.Errorf("%+v %v", status, err)
	}
	_ = k.in.Close()
}
