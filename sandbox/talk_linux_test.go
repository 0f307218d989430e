package sandbox_test

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
)

// talk runs a program in a cage that is told one line at a time and answers each with
// one.
type talk struct {
	t       *testing.T
	in      *os.File
	answers *bufio.Reader
	process *sandbox.Process
	wait    func() result
}

// talkTo starts a program to talk to, by a function such as start.
func talkTo(t *testing.T, spec sandbox.Spec, start func(testing.TB, sandbox.Spec) (*sandbox.Process, func() result)) *talk {
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
	spec.Stdin, spec.Stdout = in, out
	process, wait := start(t, spec)
	_, _ = in.Close(), out.Close()
	return &talk{t: t, in: write, answers: bufio.NewReader(read), process: process, wait: wait}
}

// newTalk talks to a shell.
func newTalk(t *testing.T, w *world) *talk {
	t.Helper()
	return talkTo(t, w.spec("sh"), start)
}

// say tells the program a line, and returns its answer.
func (k *talk) say(line string) string {
	k.t.Helper()
	if _, err := k.in.WriteString(line + "\n"); err != nil {
		k.t.Fatal(err)
	}
	return k.answer()
}

func (k *talk) answer() string {
	k.t.Helper()
	line, err := k.answers.ReadString('\n')
	if err != nil {
		k.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// run returns what a script prints, in one line.
func (k *talk) run(script string) string {
	k.t.Helper()
	return k.say("{ " + script + "; } 2>&1 | tr '\\n' ' '; echo")
}

// works reports whether a script succeeds.
func (k *talk) works(script string) bool {
	k.t.Helper()
	return k.say("("+script+") >/dev/null 2>&1 && echo yes || echo no") == "yes"
}

// warns waits until the report says something.
func (k *talk) warns(text string) {
	k.t.Helper()
	for range 3000 { // a minute
		if strings.Contains(strings.Join(k.process.Report().Warnings, "\n"), text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	k.t.Errorf("no %q in %q", text, k.process.Report().Warnings)
}

// isEnded waits until the run has been ended, for a reason that is said with what to do.
// The program itself waits for a line.
func (k *talk) isEnded(why string) {
	k.t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := k.process.Wait()
		ended <- err
	}()
	var err error
	select {
	case err = <-ended:
	case <-time.After(time.Minute):
		k.t.Error("the run goes on")
		_ = k.in.Close()
		err = <-ended
	}
	typed, ok := errors.AsType[*sandbox.Error](err)
	if !ok || !strings.Contains(err.Error(), why) || typed.Hint == "" {
		k.t.Errorf("the run ended with %v (%s)", err, hintOf(err))
	}
}

func (k *talk) end() result {
	k.t.Helper()
	_ = k.in.Close()
	return k.wait()
}
