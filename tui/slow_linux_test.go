package tui

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"openclaw/tui/pane"
)

// slowLine is a terminal at the end of a line of 9,600 baud.
type slowLine struct {
	terminal *os.File

	mu      sync.Mutex
	arrived []byte // all of it
	screen  *pane.Emulator
	seen    []sight
}

// sight is what a person saw after so many bytes.
type sight struct {
	bytes int
	text  string
}

// run lets 960 bytes a second through until the other end is closed.
func (l *slowLine) run() {
	piece := make([]byte, 96)
	for {
		n, err := l.terminal.Read(piece)
		l.mu.Lock()
		l.arrived = append(l.arrived, piece[:n]...)
		_, _ = l.screen.Write(piece[:n])
		l.seen = append(l.seen, sight{len(l.arrived), pictureText(l.screen)})
		l.mu.Unlock()
		if err != nil {
			return
		}
		time.Sleep(time.Duration(n) * time.Second / 960)
	}
}

func (l *slowLine) bytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.arrived)
}

// until waits until a text is seen and returns after how many bytes since from it was.
func (l *slowLine) until(t *testing.T, from int, text string) int {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		l.mu.Lock()
		at := slices.IndexFunc(l.seen, func(s sight) bool { return s.bytes > from && strings.Contains(s.text, text) })
		n := 0
		if at >= 0 {
			n = l.seen[at].bytes - from
		}
		l.mu.Unlock()
		if at >= 0 {
			return n
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("%q was never seen in\n%s", text, pictureText(l.screen))
	return 0
}

// pictureText is what a terminal shows.
func pictureText(e *pane.Emulator) string {
	var text strings.Builder
	for _, line := range e.Picture().Lines {
		for _, span := range line.Spans {
			text.WriteString(span.Text)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// On a line of 9,600 baud and with 10,000 events a second a held request can be
// answered: no more than what a few frames take is ever under way, so that what a
// key does is seen after it and not after a queue of frames nobody wants.
func TestAnAskIsAnsweredOverASlowLine(t *testing.T) {
	t.Parallel()
	terminal, line, err := pty.Open()
	need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
	defer terminal.Close()
	settings, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	settings.Cflag = settings.Cflag&^unix.CBAUD | unix.B9600 // as a serial line's driver does
	settings.Ispeed, settings.Ospeed = 9600, 9600
	if err := unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS2, settings); err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"=slow", "TERM=xterm", "LANG=C.UTF-8")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line.Close()
	l := &slowLine{terminal: terminal, screen: pane.NewEmulator(80, 24)}
	var running sync.WaitGroup
	running.Go(l.run)
	defer running.Wait()
	defer terminal.Close()
	press := func(key string) int {
		t.Helper()
		from := l.bytes()
		if _, err := terminal.WriteString(key); err != nil {
			t.Fatal(err)
		}
		return from
	}
	const frames = 3 * 80 * 24 // bytes: one under way, one for the key, and one to spare

	l.until(t, 0, "3 asks wait")
	from := press("3")
	n := l.until(t, from, "3 Denials")
	if n > frames {
		t.Errorf("what the key does comes after %d bytes", n)
	}
	from += n
	l.until(t, from, "a allow") // the keys are awake: once, and it may have been by now
	if n := l.until(t, press("a"), "allowed once"); n > frames {
		t.Errorf("the answer is seen after %d bytes", n)
	}
	l.until(t, press("q"), "leave the gateway running")
	press("l")
	l.until(t, from, "ended: stop = false error = <nil>")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
