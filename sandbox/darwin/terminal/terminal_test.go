//go:build darwin || linux

package terminal

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// run starts a shell on a terminal of its own in place of outer, and returns
// what the person saw.
func run(t *testing.T, script, typed string, outOnly bool) (string, *Terminal) {
	t.Helper()
	person, outer, err := pty.Open()
	if err != nil {
		t.Skip("no terminals here: " + err.Error())
	}
	defer person.Close()
	defer outer.Close()
	if err := pty.Setsize(outer, &pty.Winsize{Rows: 33, Cols: 77}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(outer.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	stdin := outer
	if outOnly {
		if stdin, err = os.Open(os.DevNull); err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
	}
	inner, err := New(stdin, outer, outer)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/bin/sh", "-c", script)
	in, out, errs := inner.Files()
	command.Stdin, command.Stdout, command.Stderr = in, out, errs
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	inner.Started()
	ran := make(chan error, 1)
	go func() { ran <- inner.Run() }()
	seen := make(chan string, 1)
	go func() {
		var all strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := person.Read(buffer)
			all.Write(buffer[:n])
			if typed != "" && strings.Contains(all.String(), "ready") { // not before: the mode is the person's until then
				_, _ = io.WriteString(person, typed)
				typed = ""
			}
			if err != nil {
				seen <- all.String()
				return
			}
		}
	}()
	_ = command.Wait()
	inner.Finish()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	inner.Close()
	after, err := term.GetState(int(outer.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if *before != *after {
		t.Error("the person's terminal was left in another mode")
	}
	name := outer.Name()
	outer.Close()
	if strings.HasSuffix(inner.Name(), "/"+name) {
		t.Error("the command has the person's terminal")
	}
	return strings.ReplaceAll(<-seen, "\r\n", "\n"), inner
}

func TestACommandHasATerminalOfItsOwn(t *testing.T) {
	seen, inner := run(t, `stty size; tty; tty </dev/tty; echo ready; read x; echo "read $x"`, "hello\n", false)
	for _, want := range []string{"33 77", inner.Name(), "read hello"} {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in %q", want, seen)
		}
	}
}

func TestAllThatWasWrittenIsShown(t *testing.T) {
	seen, _ := run(t, `i=0; while [ $i -lt 2000 ]; do echo "line $i of some length to fill what the terminal holds"; i=$((i+1)); done; echo the end`, "", false)
	if strings.Count(seen, "\n") != 2001 || !strings.HasSuffix(seen, "the end\n") {
		t.Errorf("%d lines, ending in %q", strings.Count(seen, "\n"), seen[max(0, len(seen)-40):])
	}
}

func TestInterruptKey(t *testing.T) {
	seen, _ := run(t, `trap 'echo interrupted; exit' INT; echo ready; read x; read y`, "\x03", false)
	if !strings.Contains(seen, "interrupted") {
		t.Errorf("saw %q", seen)
	}
}

func TestACommandThatClosesItsTerminal(t *testing.T) {
	seen, _ := run(t, `echo before; exec </dev/null >/dev/null 2>&1; sleep 0.1`, "", false)
	if !strings.Contains(seen, "before") {
		t.Errorf("saw %q", seen)
	}
}

func TestOnlyTheOutputIsATerminal(t *testing.T) {
	seen, _ := run(t, `read x || echo "no input"; test -t 1 && echo "a terminal"`, "", true)
	if seen != "no input\na terminal\n" {
		t.Errorf("saw %q", seen)
	}
}

func TestNoTerminalNoPair(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if inner, err := New(r, w, nil); err != nil || inner != nil {
		t.Errorf("%v, %v", inner, err)
	}
}
