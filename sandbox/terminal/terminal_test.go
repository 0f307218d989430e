//go:build darwin || linux

package terminal

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
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
	if inner.Whole() {
		if err := inner.Attach(false, nil); err != nil {
			t.Fatal(err)
		}
	}
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
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
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
	inner, err := New(r, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	tty, missing := os.Open("/dev/tty") // the one of whoever runs this test
	if missing == nil {
		tty.Close()
	}
	if (inner == nil) != (missing != nil) {
		t.Errorf("%v, although /dev/tty: %v", inner, missing)
	}
	if inner != nil {
		_ = inner.Close(true)
	}
}

// typedTime is how long what was typed may take to be read on a busy machine.
const typedTime = 30 * time.Second

// readTyped reads once what was typed for the command. One that is passed nothing, and
// no end either, fails the test.
func readTyped(t *testing.T, from *os.File) (string, error) {
	t.Helper()
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text := make([]byte, 100)
		n, err := from.Read(text)
		read <- result{string(text[:n]), err}
	}()
	select {
	case one := <-read:
		return one.text, one.err
	case <-time.After(typedTime):
		t.Fatalf("nothing was passed on in %v, and no end", typedTime)
		return "", nil
	}
}

// pair is a person's terminal, and a run's in its place.
func pair(t *testing.T) (person *os.File, inner *Terminal) {
	t.Helper()
	person, outer, err := pty.Open()
	if err != nil {
		t.Skip("no terminals here: " + err.Error())
	}
	t.Cleanup(func() { person.Close(); outer.Close() })
	if inner, err = New(outer, outer, outer); err != nil {
		t.Fatal(err)
	}
	return person, inner
}

// finished ends a run that has written all, and shows it.
func finished(t *testing.T, inner *Terminal) {
	t.Helper()
	inner.Finish()
	if !inner.Shown(20 * time.Second) {
		t.Error("it is not all shown")
	}
}

// What is typed is the run's only while it is attached; and the person's modes are
// given back, also after who had the terminal meanwhile gave back ours.
func TestTypedOnlyWhileAttached(t *testing.T) {
	person, inner := pair(t)
	outer := inner.Outer()
	cooked, err := getModes(int(outer.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if modes, err := getModes(int(inner.Slave().Fd())); err != nil || *modes != *cooked {
		t.Errorf("the command's terminal begins with the modes %+v (%v), the person's has %+v", modes, err, cooked)
	}
	typed := func(text string, reader *os.File) {
		t.Helper()
		if _, err := io.WriteString(person, text); err != nil {
			t.Fatal(err)
		}
		if got, err := readTyped(t, reader); err != nil || got != text {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	typed("before\n", outer)
	for range 3 {
		if err := inner.Attach(false, nil); err != nil {
			t.Fatal(err)
		}
		typed("attached\n", inner.Slave())
		ours, err := getModes(int(outer.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if err := inner.Detach(false); err != nil { // in the background
			t.Fatal(err)
		}
		if err := setModes(int(outer.Fd()), ours); err != nil { // a shell that found it so
			t.Fatal(err)
		}
		if err := inner.Attach(false, nil); err != nil {
			t.Fatal(err)
		}
		if err := inner.Detach(true); err != nil {
			t.Fatal(err)
		}
		if modes, err := getModes(int(outer.Fd())); err != nil || *modes != *cooked {
			t.Errorf("the modes are %+v, %v", modes, err)
		}
		typed("detached\n", outer)
	}
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// Modes that somebody else has set meanwhile are not taken from them.
func TestModesOfOthersStay(t *testing.T) {
	_, inner := pair(t)
	if err := inner.Attach(true, nil); err != nil {
		t.Fatal(err)
	}
	theirs, err := getModes(int(inner.Outer().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	theirs.Lflag |= unix.ICANON
	if err := setModes(int(inner.Outer().Fd()), theirs); err != nil {
		t.Fatal(err)
	}
	if err := inner.Detach(true); err != nil {
		t.Fatal(err)
	}
	if modes, err := getModes(int(inner.Outer().Fd())); err != nil || *modes != *theirs {
		t.Errorf("the modes are %+v, %v", modes, err)
	}
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// What was typed before is passed on as it was, the end of a file too.
func TestTypedBeforeIsPassedOn(t *testing.T) {
	person, inner := pair(t)
	if _, err := io.WriteString(person, "ab\n\x04"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); inner.Typed() < 3 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	if text, err := readTyped(t, inner.Slave()); err != nil || text != "ab\n" {
		t.Errorf("read %q, %v", text, err)
	}
	if text, err := readTyped(t, inner.Slave()); text != "" || !errors.Is(err, io.EOF) {
		t.Errorf("read %q, %v", text, err)
	}
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// Another program may have the person's terminal make lines: an end of a file that is
// typed then is one, and what is typed after it is passed on.
func TestEndTypedInOthersModes(t *testing.T) {
	person, inner := pair(t)
	cooked, err := getModes(int(inner.Outer().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	if err := setModes(int(inner.Outer().Fd()), cooked); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		typed, text string
		err         error
	}{{"\x04", "", io.EOF}, {"on\n", "on\n", nil}} {
		if _, err := io.WriteString(person, one.typed); err != nil {
			t.Fatal(err)
		}
		if text, err := readTyped(t, inner.Slave()); text != one.text || !errors.Is(err, one.err) {
			t.Errorf("typed %q, read %q, %v", one.typed, text, err)
		}
	}
	if err := inner.Close(false); err != nil {
		t.Error(err)
	}
}

// A person's terminal that has gone takes the command's with it, whether what is typed
// there was passed on or not: an end is read, nothing can be written, and the rest of
// what may be asked of it does no harm.
func TestPersonsTerminalHasGone(t *testing.T) {
	for name, attached := range map[string]bool{"attached": true, "detached": false} {
		t.Run(name, func(t *testing.T) {
			person, inner := pair(t)
			if inner.Gone() {
				t.Fatal("the person's terminal has gone already")
			}
			go func() { _ = inner.Run() }()
			if attached {
				if err := inner.Attach(false, nil); err != nil {
					t.Fatal(err)
				}
			}
			person.Close()
			if !inner.Gone() {
				t.Error("the person's terminal is there still")
			}
			if !attached {
				inner.HangUp()
			}
			if text, err := readTyped(t, inner.Slave()); text != "" || !errors.Is(err, io.EOF) && !errors.Is(err, unix.EIO) { // the latter while it goes
				t.Errorf("read %q, %v", text, err)
			}
			if _, err := io.WriteString(inner.Slave(), "x"); !errors.Is(err, unix.EIO) {
				t.Errorf("wrote: %v", err)
			}
			if _, err := os.OpenFile(inner.Name(), os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
				t.Errorf("%s could be opened", inner.Name())
			}
			inner.HangUp()
			inner.Resize()
			inner.Settle(time.Millisecond)
			if inner.Attached() {
				t.Error("what is typed is passed on")
			}
			finished(t, inner)
			if err := inner.Close(false); err != nil {
				t.Error(err)
			}
		})
	}
}

// In a pipeline the person's terminal goes on to send the signals of its keys.
func TestSignalsStayThePersons(t *testing.T) {
	_, inner := pair(t)
	for signals, want := range map[bool]bool{false: false, true: true} {
		if err := inner.Attach(signals, nil); err != nil {
			t.Fatal(err)
		}
		modes, err := getModes(int(inner.Outer().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		shown := modes.Oflag&unix.OPOST != 0 // as before: another program of the pipeline writes there, too
		if got := modes.Lflag&unix.ISIG != 0; got != want || shown != want || modes.Lflag&(unix.ICANON|unix.ECHO) != 0 {
			t.Errorf("with signals %v the modes are %+v", signals, modes)
		}
	}
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// The key that stops a job is noticed where the command's terminal heeds it, and is
// what that says it is.
func TestSuspendKeyIsNoticed(t *testing.T) {
	person, inner := pair(t)
	noticed := make(chan struct{}, 10)
	inner.OnSuspend(func() { noticed <- struct{}{} })
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	go func() { _ = inner.Run() }()
	type of struct {
		keys  string
		heeds bool
		want  int
	}
	want := 0
	for _, one := range []of{{"a\x1ab\n", true, 1}, {"plain\n", true, 0}, {"\x1a\n", false, 0}, {"\x1a\n", true, 1}} {
		modes, err := getModes(int(inner.Slave().Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if modes.Lflag &^= unix.ISIG; one.heeds {
			modes.Lflag |= unix.ISIG
		}
		if err := setModes(int(inner.Slave().Fd()), modes); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(person, one.keys); err != nil {
			t.Fatal(err)
		}
		if _, err := readTyped(t, inner.Slave()); err != nil { // it has been passed on
			t.Fatal(err)
		}
		for want += one.want; one.want > 0; one.want-- {
			select {
			case <-noticed:
				want--
			case <-time.After(20 * time.Second):
				t.Fatalf("%q was not noticed", one.keys)
			}
		}
	}
	if len(noticed) > 0 || want != 0 {
		t.Errorf("%d were noticed that were none", len(noticed))
	}
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// While nothing is attached both terminals make a new line of a line feed, and the
// person's sees one; what the command wrote itself stays.
func TestNewLinesAreMadeOnce(t *testing.T) {
	person, inner := pair(t)
	go func() { _ = inner.Run() }()
	for written, want := range map[string]string{
		"one\ntwo\n": "one\r\ntwo\r\n", "50%\r": "50%\r", "own\r\n": "own\r\r\n", "\r\r": "\r\r", "end": "end",
	} {
		if _, err := io.WriteString(inner.Slave(), written); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(person, got); err != nil || string(got) != want {
			t.Errorf("%q is shown as %q, %v", written, got, err)
		}
	}
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// A carriage return at the end of what is read at once is held until its line feed
// can come.
func TestHeldCarriageReturn(t *testing.T) {
	for text, want := range map[string]struct {
		plain string
		held  int
	}{"a\r\nb": {"a\nb", 0}, "a\r": {"a", 1}, "\r\r\n": {"\r\n", 0}, "\r": {"", 1}, "": {"", 0}, "\ra\r": {"\ra", 1}} {
		if plain, held := once([]byte(text)); string(plain) != want.plain || held != want.held {
			t.Errorf("%q: %q, %d", text, plain, held)
		}
	}
	person, inner := pair(t)
	go func() { _ = inner.Run() }()
	line := strings.Repeat("x", 30) + "\n"
	go func() {
		for range 2000 {
			_, _ = io.WriteString(inner.Slave(), line)
		}
	}()
	got := make([]byte, 2000*(len(line)+1))
	if _, err := io.ReadFull(person, got); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat(strings.TrimSuffix(line, "\n")+"\r\n", 2000); string(got) != want {
		t.Error("it is shown otherwise than it was written")
	}
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// What was written is on the person's terminal once it is settled, however much it was.
func TestSettledIsShown(t *testing.T) {
	person, inner := pair(t)
	go func() { _ = inner.Run() }()
	go func() { _, _ = io.Copy(io.Discard, person) }()
	text := strings.Repeat("x", 100_000) + "\r"
	for round := range 5 {
		if _, err := io.WriteString(inner.Slave(), text); err != nil {
			t.Fatal(err)
		}
		if !inner.Settle(20 * time.Second) {
			t.Fatal("it does not settle")
		}
		want := int64((round + 1) * len(text))
		if shown := inner.shown.Load(); shown != want {
			t.Errorf("%d bytes are shown, %d were written", shown, want)
		}
	}
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// A person's terminal that takes nothing keeps nobody waiting for ever, and one that
// has gone keeps no command.
func TestPersonsTerminalTakesNothing(t *testing.T) {
	_, stopped := pair(t)
	go func() { _ = stopped.Run() }()
	go func() { _, _ = io.WriteString(stopped.Slave(), strings.Repeat("x", 1<<20)) }() // until it is closed
	var last int64
	for stuck, deadline := 0, time.Now().Add(time.Minute); stuck < 300 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		now := stopped.shown.Load()
		if stuck++; now != last || now == 0 || stopped.idle.Load() {
			stuck = 0
		}
		last = now
	}
	stopped.Finish()
	if stopped.Shown(200 * time.Millisecond) {
		t.Error("all is shown to nobody")
	}
	person, inner := pair(t)
	person.Close()
	go func() { _ = inner.Run() }()
	if _, err := io.WriteString(inner.Slave(), strings.Repeat("x", 1<<20)); err != nil {
		t.Error(err)
	}
	finished(t, inner)
	_ = inner.Close(true)
}

// A run that was begun in the background, while a shell edited a line, has the modes of the
// foreground once it is there, and those that it has set itself otherwise.
func TestModesOfTheForeground(t *testing.T) {
	for _, own := range []bool{false, true} {
		_, outer, err := pty.Open()
		if err != nil {
			t.Skip("no terminals here: " + err.Error())
		}
		defer outer.Close()
		cooked, err := getModes(int(outer.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		editing := *cooked
		editing.Iflag &^= unix.ICRNL
		editing.Lflag &^= unix.ICANON | unix.ECHO
		if err := setModes(int(outer.Fd()), &editing); err != nil {
			t.Fatal(err)
		}
		inner, err := New(outer, outer, outer)
		if err != nil {
			t.Fatal(err)
		}
		want := *cooked
		if own {
			want.Lflag &^= unix.ECHO
			if err := setModes(int(inner.Slave().Fd()), &want); err != nil {
				t.Fatal(err)
			}
		}
		if err := setModes(int(outer.Fd()), cooked); err != nil {
			t.Fatal(err)
		}
		if err := inner.Attach(false, nil); err != nil {
			t.Fatal(err)
		}
		if modes, err := getModes(int(inner.Slave().Fd())); err != nil || *modes != want {
			t.Errorf("it has set its own: %v; it has %+v (%v), want %+v", own, modes, err, want)
		}
		if err := inner.Close(true); err != nil {
			t.Error(err)
		}
		if modes, err := getModes(int(outer.Fd())); err != nil || *modes != *cooked {
			t.Errorf("the person's terminal has %+v (%v) in the end", modes, err)
		}
	}
}
