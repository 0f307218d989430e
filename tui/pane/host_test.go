package pane

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// served is a Host with the program's side of its terminal in the test's hands.
type served struct {
	t       *testing.T
	host    *Host
	program *os.File
	path    string
	ended   chan struct{}
}

func serve(t *testing.T) *served {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skip("no pseudo-terminal: ", err)
	}
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil { // no echo: what is seen is what the program wrote
		t.Fatal(err)
	}
	host, err := NewHost(master, 20, 5)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, host: host, program: slave, path: filepath.Join(t.TempDir(), "s"), ended: make(chan struct{})}
	listener, err := Listen(s.path)
	if err != nil {
		t.Fatal(err)
	}
	go func() { host.Run(); close(s.ended) }()
	go host.Serve(listener)
	t.Cleanup(func() {
		slave.Close()
		<-s.ended
		listener.Close()
	})
	return s
}

func (s *served) write(text string) {
	s.t.Helper()
	if _, err := s.program.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// above is how many lines have left the terminal.
func (s *served) above() uint64 {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	return s.host.emulator.above
}

// seen is a screen that keeps what it is shown.
type seen struct {
	*Client
	t     *testing.T
	rows  map[int]string
	last  Frame
	count int
}

func (s *served) look() *seen {
	s.t.Helper()
	c, err := Dial(s.t.Context(), s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = c.Close()
		for range c.Frames() { // until they end
		}
	})
	return &seen{Client: c, t: s.t, rows: map[int]string{}}
}

// until takes frames until one makes it true.
func (v *seen) until(what string, is func() bool) {
	v.t.Helper()
	for timeout := time.After(30 * time.Second); ; {
		select {
		case f, open := <-v.Frames():
			if !open {
				v.t.Fatalf("the end came before %s; it shows %v", what, v.rows)
			}
			v.count++
			v.last = f
			for _, l := range f.Lines {
				v.rows[l.Row] = ""
				for _, s := range l.Spans {
					v.rows[l.Row] += s.Text
				}
			}
			if is() {
				return
			}
		case <-timeout:
			v.t.Fatalf("%s never came; it shows %v", what, v.rows)
		}
	}
}

func (v *seen) shows(row int, text string) {
	v.t.Helper()
	v.until(fmt.Sprintf("%q", text), func() bool { return v.rows[row] == text })
}

func TestATerminalIsSeenByManyAndTypedTo(t *testing.T) {
	s := serve(t)
	s.write("one\r\ntwo")
	first, second := s.look(), s.look()
	first.shows(1, "two")
	second.shows(1, "two")
	s.write("\r\nthree")
	first.shows(2, "three")
	second.shows(2, "three")
	first.Keys([]byte("typed"))
	got := make([]byte, 5)
	if _, err := s.program.Read(got); err != nil || string(got) != "typed" {
		t.Errorf("the program reads %q, %v", got, err)
	}
	second.Resize(33, 7)
	second.until("the new size", func() bool { return second.last.Columns == 33 && second.last.Rows == 7 })
	if rows, columns, err := pty.Getsize(s.program); err != nil || rows != 7 || columns != 33 {
		t.Errorf("the program's terminal is %dx%d, %v", columns, rows, err)
	}
	s.write("\x1b[6n") // where is the cursor?
	answer := make([]byte, 6)
	if _, err := s.program.Read(answer); err != nil || string(answer) != "\x1b[3;6R" {
		t.Errorf("the program is told %q, %v", answer, err)
	}
	for i := range 30 {
		s.write(fmt.Sprintf("\r\nline %d", i))
	}
	first.until("the last line", func() bool { return first.rows[6] == "line 29" })
	first.Look(4)
	first.until("what stands above", func() bool { return first.last.Up == 4 && first.rows[6] == "line 25" })
	s.write("\r\nmore")
	first.until("the same lines", func() bool { return first.last.Up == 5 && first.rows[6] == "line 25" })
	second.until("the newest", func() bool { return second.rows[6] == "more" })
	s.program.Close()
	<-s.ended
	go s.host.End("exit 4")
	for _, v := range []*seen{first, second} {
		v.until("the end", func() bool { return v.last.Ended && v.last.Exit == "exit 4" })
	}
}

// A program that never reads, one that writes without end and a screen that never
// reads hold up nobody, and take no more memory than the terminal has cells.
func TestNobodyIsHeldUpByAPane(t *testing.T) {
	s := serve(t)
	stopped := s.look() // it takes no frame
	v := s.look()
	for range 400 { // more than the kernel and the queue take
		v.Keys(bytes.Repeat([]byte("k"), 1024))
	}
	enough, writing := make(chan struct{}), make(chan struct{})
	go func() { // as long as anybody looks: on a busy machine the frames come late
		defer close(writing)
		piece := []byte(strings.Repeat("\x1b[31mflood \x1b]0;title\x07漢字\x1b[m\r\n", 100))
		for {
			select {
			case <-enough:
				return
			default:
			}
			if _, err := s.program.Write(piece); err != nil {
				return
			}
		}
	}()
	v.until("a flood in frames", func() bool {
		return v.count > 20 && strings.HasPrefix(v.rows[0], "flood") && s.above() > 2*maxHistory
	})
	v.Resize(1, 1)
	v.until("the smallest terminal", func() bool { return v.last.Columns == 1 })
	v.Resize(1_000_000, 1_000_000)
	v.until("the largest terminal", func() bool { return v.last.Columns == maxColumns && v.last.Rows == MaxRows })
	s.host.mu.Lock()
	history := len(s.host.emulator.history)
	s.host.mu.Unlock()
	s.host.keys.mu.Lock()
	waiting := len(s.host.keys.bytes)
	s.host.keys.mu.Unlock()
	if history > maxHistory || waiting > maxKeys {
		t.Errorf("%d lines and %d bytes of keys are kept", history, waiting)
	}
	close(enough)
	<-writing
	s.program.Close()
	<-s.ended
	_ = stopped.Close()
}

// What is not there is an error, what others could reach is refused to them, and a
// peer that speaks nonsense ends the connection and nothing else.
func TestNoTerminalToSee(t *testing.T) {
	if _, err := Dial(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a terminal that is not there was reached")
	}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may type: %v, %v", info.Mode(), err)
	}
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = conn.Write([]byte("nonsense\n"))
			conn.Close()
		}
	}()
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if f, open := <-c.Frames(); open {
		t.Errorf("%+v", f)
	}
}
