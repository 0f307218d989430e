//go:build darwin || linux

package terminal

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shows fails the test unless exactly this comes to the person next.
func shows(t *testing.T, person *os.File, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(person, got); err != nil || string(got) != want {
		t.Errorf("the person sees %q, want %q, %v", got, want, err)
	}
}

// changed sets modes of a terminal.
func changed(t *testing.T, file *os.File, change func(*unix.Termios)) {
	t.Helper()
	modes, err := getModes(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	change(modes)
	if err := setModes(int(file.Fd()), modes); err != nil {
		t.Fatal(err)
	}
}

// A line of ours stands between those of the command, on a line of its own.
func TestALineBetweenTheCommands(t *testing.T) {
	for _, attached := range []bool{false, true} {
		person, inner := pair(t)
		end := "\r\r\n" // the person's terminal makes "\r\n" of a line feed, unless it is raw
		if attached {
			if err := inner.Attach(false, nil); err != nil {
				t.Fatal(err)
			}
			end = "\r\n"
		}
		go func() { _ = inner.Run() }()
		for _, c := range []struct{ written, shown, said, before string }{
			{"", "", "first", "\r"},
			{"one\n", "one\r\n", "second", "\r"},
			{"a question? ", "a question? ", "third", end},
			{"", "", "fourth", "\r"}, // the one before has ended its own line
		} {
			if _, err := io.WriteString(inner.Slave(), c.written); err != nil {
				t.Fatal(err)
			}
			shows(t, person, c.shown)
			if !inner.Say(c.said, 20*time.Second) {
				t.Fatalf("attached %v: %q is not said", attached, c.said)
			}
			shows(t, person, c.before+c.said+end)
		}
		finished(t, inner)
		if inner.Say("late", time.Second) {
			t.Error("something is said to a run that has ended")
		}
		if err := inner.Close(true); err != nil {
			t.Error(err)
		}
	}
}

// Nothing is said over what draws, on a terminal that is another program's, or in the
// middle of what is being written.
func TestNothingIsSaidOverWhatDraws(t *testing.T) {
	raw := func(modes *unix.Termios) { *modes = *rawOf(modes, false) }
	keys := func(modes *unix.Termios) { modes.Lflag &^= unix.ICANON }
	for name, c := range map[string]struct {
		attach       bool
		inner, outer func(*unix.Termios) // how their modes change
		writes       bool
	}{
		"the command draws":               {attach: true, inner: raw},
		"it takes keys":                   {attach: true, inner: keys},
		"a pager has it":                  {outer: raw},
		"it is writing, and nobody reads": {attach: true, writes: true},
	} {
		t.Run(name, func(t *testing.T) {
			person, inner := pair(t)
			if c.attach {
				if err := inner.Attach(false, nil); err != nil {
					t.Fatal(err)
				}
			}
			go func() { _ = inner.Run() }()
			if c.inner != nil {
				changed(t, inner.Slave(), c.inner)
			}
			if c.outer != nil {
				changed(t, inner.Outer(), c.outer)
			}
			if c.writes {
				fill(t, inner)
			}
			if inner.Say("a line", 50*time.Millisecond) {
				t.Error("it is said")
			}
			inner.HangUp()
			person.Close()
			inner.Shown(20 * time.Second)
			if err := inner.Close(false); err != nil {
				t.Error(err)
			}
		})
	}
}

// fill writes until the person's terminal takes nothing any more.
func fill(t *testing.T, inner *Terminal) {
	t.Helper()
	go func() { _, _ = io.WriteString(inner.Slave(), strings.Repeat("more and more\n", 100_000)) }() // until it is hung up
	for busy, end := 0, time.Now().Add(time.Minute); busy < 50; time.Sleep(time.Millisecond) {
		if busy++; inner.idle.Load() || inner.shown.Load() == 0 {
			busy = 0
		}
		if time.Now().After(end) {
			t.Fatal("it never fills the person's terminal")
		}
	}
}

// What the command wrote before comes first, however much it was.
func TestALineFollowsWhatWasWritten(t *testing.T) {
	person, inner := pair(t)
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	go func() { _ = inner.Run() }()
	text := strings.Repeat("x", 100_000)
	want := text + "\r\na line\r\n"
	seen := make(chan string, 1)
	go func() {
		got := make([]byte, len(want))
		n, _ := io.ReadFull(person, got)
		seen <- string(got[:n])
	}()
	if _, err := io.WriteString(inner.Slave(), text); err != nil {
		t.Fatal(err)
	}
	if !inner.Say("a line", 20*time.Second) {
		t.Fatal("it is not said")
	}
	if got := <-seen; got != want {
		t.Errorf("the line stands within what was written: at %d of %d", strings.Index(got, "a line"), len(got))
	}
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}
