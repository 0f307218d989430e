package tui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"openclaw/tui/pane"
)

// lineScreen is the program on a line whose bytes a test types.
type lineScreen struct {
	t    *testing.T
	line *os.File

	mu       sync.Mutex
	emulator *pane.Emulator
}

func startOnLine(t *testing.T, mode string, columns, rows int) *lineScreen {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"="+mode, "TERM=xterm", "LANG=C.UTF-8")
	line, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)})
	need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
	s := &lineScreen{t: t, line: line, emulator: pane.NewEmulator(columns, rows)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		var p [4096]byte
		for {
			n, err := line.Read(p[:])
			if err != nil {
				return
			}
			s.mu.Lock()
			_, _ = s.emulator.Write(p[:n])
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = line.Close()
		<-read
	})
	return s
}

func (s *lineScreen) types(text string) {
	s.t.Helper()
	if _, err := s.line.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *lineScreen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	picture := s.emulator.Picture()
	for _, line := range picture.Lines {
		for _, span := range line.Spans {
			b.WriteString(span.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *lineScreen) until(want string) {
	s.t.Helper()
	for range 2400 { // a minute
		if strings.Contains(s.text(), want) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("never saw %q:\n%s", want, s.text())
}

// Arrow keys over a line, one byte at a time: they move the selection, and none of
// their letters does anything, least of all answer the request that is in sight.
func TestArrowKeysInPiecesAnswerNothing(t *testing.T) {
	t.Parallel()
	s := startOnLine(t, "demo", 120, 36)
	s.until("registry.example.test")
	s.types("3")
	s.until("ask 4f2a91")
	// The pause is the line's; what a slower one does is tested under a clock.
	arrow := func(letter string) {
		for _, b := range []string{"\x1b", "[", letter} {
			s.types(b)
			time.Sleep(10 * time.Millisecond)
		}
	}
	check := func() {
		t.Helper()
		if frame := s.text(); !strings.Contains(frame, "[3 Denials") || strings.Contains(frame, "y does it") {
			t.Fatalf("arrow keys in pieces did this:\n%s", frame)
		}
	}
	for range 10 { // allow all alike, deny all alike: A is up, D is left
		arrow("D")
		arrow("A")
		check()
	}
	for end := time.Now().Add(time.Minute); strings.Contains(s.text(), "ask 4f2a91"); check() {
		if arrow("B"); time.Now().After(end) {
			t.Fatalf("the selection never moves:\n%s", s.text())
		}
	}
}

// A terminal that was hung up is an error and no end of typing, which Bubble Tea would wait
// on for ever: the screen ends with its line, whatever signals its shell passes on.
func TestALostTerminalEndsTheScreen(t *testing.T) {
	terminal, line, err := pty.Open()
	need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
	defer line.Close()
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := newKeyboard(line).Read(make([]byte, 2*maxSequence)); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
