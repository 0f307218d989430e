package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// need skips a test where the machine lacks something, unless everything is
// required to be there.
func need(t *testing.T, ok bool, reason string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// tmuxScreen is a real terminal with the program in it, on a private socket.
type tmuxScreen struct {
	t      *testing.T
	socket string
}

func startTmux(t *testing.T, mode string, width, height int) *tmuxScreen {
	t.Helper()
	_, err := exec.LookPath("tmux")
	need(t, err == nil, "tmux is not installed")
	s := &tmuxScreen{t: t, socket: filepath.Join(t.TempDir(), "s")}
	// The shell that runs the program stays, so that the terminal can be looked
	// at after it has ended.
	line := fmt.Sprintf("env %s=%s TERM=tmux-256color %s; echo status $?; stty -a | grep -o -- '-\\?echo\\b'; read x", childMode, mode, os.Args[0])
	s.run("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), line)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	return s
}

func (s *tmuxScreen) run(args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), "tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (s *tmuxScreen) until(want string) string {
	s.t.Helper()
	var frame string
	for range 2400 { // a minute: the machine may be busy with everything at once
		if frame = s.run("capture-pane", "-p"); strings.Contains(frame, want) {
			return frame
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("never saw %q:\n%s", want, frame)
	return ""
}

func (s *tmuxScreen) keys(keys ...string) { s.run(append([]string{"send-keys"}, keys...)...) }

// restored checks what a person finds after the program ended.
func (s *tmuxScreen) restored(ended string) {
	s.t.Helper()
	frame := s.until("status ")
	if !strings.Contains(frame, ended) {
		s.t.Errorf("want %q:\n%s", ended, frame)
	}
	s.until("\necho")
	if state := s.run("display-message", "-p", "#{alternate_on} #{cursor_flag}"); strings.TrimSpace(state) != "0 1" {
		s.t.Errorf("alternate screen and cursor are %q, want 0 1", state)
	}
}

func TestRealTerminalShowsEveryView(t *testing.T) {
	s := startTmux(t, "demo", 120, 36)
	s.until("registry.example.test")
	for _, step := range [][2]string{
		{"2", "POST /v1/messages"}, {"3", "ask 4f2a91"}, {"j", "ask 9e33a0"}, {"4", "config.yaml:14"}, {"5", "bad token"}, {"6", "anthropic"},
		{"7", "file_access"}, {"8", "REJECTED"}, {"?", "Keys in Config"}, {"Escape", "REJECTED"}, {":", "type to narrow"}, {"Escape", "REJECTED"},
	} {
		s.keys(step[0])
		s.until(step[1])
	}
	s.keys("6")
	s.keys("a")
	s.until("Add secret")
	s.keys("-l", "openai")
	s.keys("Enter")
	s.until("never in YAML")
	s.run("set-buffer", "CANARY-sk-9\n")
	s.run("paste-buffer", "-p")
	if frame := s.until("11 characters"); strings.Contains(frame, "CANARY") {
		t.Errorf("the value is on the screen:\n%s", frame)
	}
	s.keys("Enter")
	s.until("stored openai")
	s.run("resize-window", "-x", "40", "-y", "10")
	s.until("needs 60x16, has 40x10")
	s.run("resize-window", "-x", "80", "-y", "24")
	s.until("[6 Secrets]")
	s.keys("q")
	s.until("leave the gateway running")
	s.keys("s")
	s.restored("ended: stop = true error = <nil>")
}

func TestTerminalIsRestoredOnSignalAndPanic(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		signal     syscall.Signal
		ended      string
	}{
		{"SIGTERM", "demo", syscall.SIGTERM, "ended: stop = false error = the screen was interrupted"},
		{"SIGHUP", "demo", syscall.SIGHUP, "ended: stop = false error = the screen was interrupted"},
		{"panic", "panic", 0, "ended: panic: on purpose"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startTmux(t, c.mode, 80, 24)
			if c.signal != 0 {
				s.until("registry.example.test")
				shell := strings.TrimSpace(s.run("display-message", "-p", "#{pane_pid}"))
				out, err := exec.CommandContext(t.Context(), "pgrep", "-P", shell).Output()
				need(t, err == nil, "pgrep is not installed")
				var pid int
				if _, err := fmt.Sscan(string(out), &pid); err != nil {
					t.Fatal(err)
				}
				process, err := os.FindProcess(pid)
				if err != nil {
					t.Fatal(err)
				}
				if err := process.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
			}
			s.restored(c.ended)
		})
	}
}

// Bubble Tea must not write to the terminal while the program is initialised:
// every command of the program would do so, and wait for the answer.
func TestNoColourQueryAtStart(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CI=") && !strings.HasPrefix(v, "TERM=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, childMode+"=query", "TERM=xterm-256color")
	terminal, err := pty.Start(cmd)
	need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
	defer func() { _ = terminal.Close() }()
	got, _ := io.ReadAll(terminal) // ends with EIO when the child is gone
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 {
		t.Errorf("wrote %q before main", got)
	}
}

// runPlainWith types lines into the plain mode and returns what it wrote.
func runPlainWith(t *testing.T, b Backend, readOnly bool, lines ...string) (string, Outcome) {
	t.Helper()
	return plainTalk(t, Options{Backend: b, ReadOnly: readOnly}, lines...)
}

// runPlainStarting is runPlainWith where agents can be started.
func runPlainStarting(t *testing.T, b Backend, start func(context.Context, string, []string) (string, error), lines ...string) (string, Outcome) {
	t.Helper()
	return plainTalk(t, Options{Backend: b, Start: start}, lines...)
}

func plainTalk(t *testing.T, o Options, lines ...string) (string, Outcome) {
	t.Helper()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(&got, read) }()
	if _, err := io.WriteString(typed, strings.Join(lines, "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
	_ = typed.Close()
	o.In, o.Out, o.Plain, o.Now = in, out, true, func() time.Time { return demoTime(28) }
	outcome, err := Run(t.Context(), o)
	if err != nil {
		t.Error(err)
	}
	_ = out.Close()
	<-done
	return got.String(), outcome
}

func TestPlainModeIsLabelledLines(t *testing.T) {
	got, outcome := runPlainWith(t, hostileBackend{NewDemo(), "a\x1b[2J\u202e\n─│"}, false,
		"help", "overview", "denials", "show d2", "connections", "agents", "agents coder", "logs 3", "secrets", "audit", "config",
		"test anthropic", "delete anthropic", "nonsense", "quit now", "quit stop")
	for _, b := range []byte(got) {
		if b < 0x20 && b != '\n' || b == 0x7f {
			t.Fatalf("byte %#x in %q", b, got)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(got, "\n"), "\n") {
		label, _, ok := strings.Cut(line, ": ")
		if !ok && !strings.HasSuffix(line, ":") || len(label) > 20 {
			t.Errorf("no label: %q", line)
		}
	}
	for _, want := range []string{
		"denied: id d2, agent coder", "rule not in allowed_domains at /home/ada/.openclaw/config.yaml line 23, 61 times",
		"run: r7", "policy: paths, write", "error: no command nonsense", "error: delete NAME yes", "test: anthropic works",
		"not enforced: ", "enforced: ", `\x1b[2J`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
	if !outcome.StopGateway {
		t.Error("quit stop does not stop")
	}
}

func TestPlainModeHasNoBoxes(t *testing.T) {
	got, outcome := runPlainWith(t, NewDemo(), true, "help", "overview", "agents coder", "denials", "config", "store x", "reload")
	for _, r := range got {
		if r >= 0x2500 && r <= 0x28ff {
			t.Errorf("%c is drawn", r)
		}
	}
	if !strings.Contains(got, "error: no command store") || !strings.Contains(got, "error: no command reload") || strings.Contains(got, "help: store,") {
		t.Errorf("a read-only screen offers changes:\n%s", got)
	}
	if outcome.StopGateway {
		t.Error("the end of the input stops the gateway")
	}
}

func TestPlainModeTakesSecretsMaskedAndOnlyFromATerminal(t *testing.T) {
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	if got, _ := runPlainWith(t, b, false, "store anthropic", "sk-on-a-pipe", "quit"); !strings.Contains(got, "typed on a terminal") {
		t.Errorf("a pipe was taken:\n%s", got)
	}
	terminal, line, err := pty.Open()
	need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
	defer func() { _ = terminal.Close() }()
	var screen lockedBuffer
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(&screen, terminal) }()
	ended := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), Options{Backend: b, In: line, Out: line, Plain: true, Now: func() time.Time { return demoTime(28) }})
		ended <- err
	}()
	say := func(wait, text string) {
		t.Helper()
		for range 6000 { // a minute
			if strings.Contains(screen.String(), wait) {
				if _, err := io.WriteString(terminal, text); err != nil {
					t.Fatal(err)
				}
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("never saw %q:\n%s", wait, screen.String())
	}
	say("help lists them", "store anthropic\n")
	say("typed without echo", "CANARY-sk\r")
	say("done: stored anthropic", "quit\n")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = line.Close()
	_ = terminal.Close()
	<-done
	if b.stored["anthropic"] != "CANARY-sk" {
		t.Errorf("stored %q", b.stored["anthropic"])
	}
	if strings.Contains(screen.String(), "CANARY") {
		t.Errorf("it was echoed:\n%s", screen.String())
	}
}
