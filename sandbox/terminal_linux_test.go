package sandbox_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// The person's terminal is the person's: a command that has it as its standard
// input and output cannot open it to other users, by name or by descriptor.
func TestTerminalKeepsItsMode(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		ours, theirs, err := pty.Open()
		require(t, err == nil, "no pseudo-terminals here")
		defer func() { _ = ours.Close() }()
		defer func() { _ = theirs.Close() }()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		before, err := os.Stat(theirs.Name())
		if err != nil {
			t.Fatal(err)
		}
		spec := w.spec("sh", "-c", `for f in /dev/stdin /dev/stdout /proc/self/fd/0 "$(readlink /proc/self/fd/0)"; do
	chmod 606 $f 2>/dev/null && echo changed >&2; touch $f 2>/dev/null && echo touched >&2; done; test -t 0 && echo terminal >&2`)
		spec.Stdin, spec.Stdout = theirs, theirs
		_, wait := start(t, spec)
		res := wait()
		if strings.Contains(res.err, "changed") || strings.Contains(res.err, "touched") || !strings.Contains(res.err, "terminal") {
			t.Errorf("the command said %q", res.err)
		}
		after, err := os.Stat(theirs.Name())
		if err != nil {
			t.Fatal(err)
		}
		if before.Mode() != after.Mode() {
			t.Errorf("the terminal's mode went from %v to %v", before.Mode(), after.Mode())
		}
	})
}

// A cage of root, too, leaves the machine's devices as they are.
func TestDevicesKeepTheirMode(t *testing.T) {
	w := newWorld(t)
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	before, err := null.Stat()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod("/dev/null", before.Mode()) }) // a cage that fails this must not leave the machine broken
	spec := w.spec("sh", "-c", `chmod 600 /dev/null /dev/stdin /proc/self/fd/0 /dev/zero; touch /dev/null; echo x > /dev/null && echo written`)
	spec.Stdin = null
	_, wait := start(t, spec)
	if res := wait(); !strings.Contains(res.out, "written") {
		t.Errorf("/dev/null cannot be written to: %q %q", res.out, res.err)
	}
	after, err := null.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if before.Mode() != after.Mode() {
		t.Errorf("/dev/null went from %v to %v", before.Mode(), after.Mode())
	}
}
