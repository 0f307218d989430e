package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// terminals are the windows of one person: a tmux server of their own. It is a child of
// the test and no daemon, so that the test can say what ended it when that was not the
// test.
type terminals struct {
	name  string // of the server, for tmux -L
	begin sync.Once
	child *exec.Cmd
	said  bytes.Buffer
	ended chan struct{} // closed when the server has gone, and fate is known
	fate  error
}

func newTerminals(name string) *terminals {
	return &terminals{name: name, ended: make(chan struct{})}
}

// client is a call of tmux. A client hands its descriptors to the server, and the kernel
// refuses that while more of the same user's are on their way than who sends may have open
// (unix(7), ETOOMANYREFS): then tmux says "server exited unexpectedly". A test of the cage
// that runs beside sends all that it may, which is more than the usual limit and less than
// the highest.
func (s *terminals) client(ctx context.Context, args ...string) *exec.Cmd {
	line := []string{"-c", `ulimit -n "$(ulimit -H -n)" && exec tmux "$@"`, "tmux", "-L", s.name}
	return exec.CommandContext(ctx, "sh", append(line, args...)...)
}

// says is what tmux answers.
func (s *terminals) says(t *testing.T, args ...string) string {
	t.Helper()
	text, err := s.client(t.Context(), args...).Output()
	if err != nil {
		t.Fatalf("tmux %q: %v; %s", args, err, s.state())
	}
	return string(text)
}

// serve starts the server, unless it runs. It stays when its last window ends.
func (s *terminals) serve(t *testing.T, environ []string) {
	t.Helper()
	s.begin.Do(func() {
		s.child = exec.Command("tmux", "-L", s.name, "-f", "/dev/null", "-D")
		s.child.Env, s.child.Stdout, s.child.Stderr = environ, &s.said, &s.said
		if err := s.child.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { s.fate = s.child.Wait(); close(s.ended) }()
	})
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s.client(t.Context(), "show-options", "-s").Run() == nil {
			return
		}
	}
	t.Fatalf("the tmux server does not answer: %s", s.state())
}

// state says whether the server runs, or how it ended: its own failure is none of the
// program's.
func (s *terminals) state() string {
	select {
	case <-s.ended:
		return fmt.Sprintf("the tmux server has ended: %v %s", s.fate, s.said.String())
	case <-time.After(time.Second): // it may be about to end
		return "the tmux server runs"
	}
}

// leave ends every window, and the server.
func (s *terminals) leave() {
	begun := true
	s.begin.Do(func() { begun = false })
	if !begun || s.child == nil || s.child.Process == nil {
		return
	}
	if s.client(context.Background(), "kill-server").Run() != nil {
		_ = s.child.Process.Kill() // it may have ended
	}
	<-s.ended
}
