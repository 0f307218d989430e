package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/porttest"
)

// person is somebody with a home folder of their own, in front of a terminal.
type person struct {
	t       *testing.T
	home    string
	binary  string
	environ []string
	windows *terminals
}

// newPerson makes a home folder.
func newPerson(t *testing.T) *person {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp(homesFolder, "openclaw-person-") //nolint:usetesting // see homesFolder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	runtimeDir := filepath.Join(home, "runtime")
	for _, dir := range []string{runtimeDir, filepath.Join(home, ".ssh"), filepath.Join(home, "projects", "demo")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(home, ".ssh", "id_ed25519"), "THE PRIVATE KEY\n")
	write(t, filepath.Join(home, "projects", "demo", "read.me"), "a demo\n")
	p := &person{t: t, home: home, binary: binary, windows: newTerminals("openclaw-" + filepath.Base(home))}
	p.environ = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "USER=person", "LANG=C.UTF-8", "TERM=xterm-256color",
		"XDG_RUNTIME_DIR=" + runtimeDir,
		// A secret of the person's shell that no cage may see.
		"CANARY_OF_THE_SHELL=canary-must-not-enter-a-cage",
	}
	t.Cleanup(p.leave)
	return p
}

// leave ends everything that this person started.
func (p *person) leave() {
	p.windows.leave()
	endGateway(filepath.Join(p.home, ".openclaw"))
}

// write fills a file. No program is started meanwhile: until it executes, its process
// would hold the file open for writing, and what another test wrote to run it could
// not be run.
func write(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keyring gives the person a real gnome-keyring on a private D-Bus, unlocked.
func (p *person) keyring() {
	p.t.Helper()
	for _, program := range []string{"gnome-keyring-daemon", "secret-tool"} {
		_, err := exec.LookPath(program)
		required(p.t, err == nil, program+" is not installed")
	}
	p.bus()
	p.start(strings.NewReader("correct horse"), "gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets")
	p.eventually("the keyring", func() bool {
		_, err := os.Stat(filepath.Join(p.home, ".local", "share", "keyrings", "login.keyring"))
		return err == nil
	})
}

// bus gives the person a session bus of their own.
func (p *person) bus() {
	p.t.Helper()
	_, err := exec.LookPath("dbus-daemon")
	required(p.t, err == nil, "dbus-daemon is not installed")
	socket := "unix:path=" + filepath.Join(p.home, "runtime", "bus")
	p.start(nil, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+socket)
	p.environ = append(p.environ, "DBUS_SESSION_BUS_ADDRESS="+socket)
	p.eventually("the bus", func() bool { // its socket is there before it listens
		conn, err := net.Dial("unix", filepath.Join(p.home, "runtime", "bus"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// start runs a program until the test ends.
func (p *person) start(stdin *strings.Reader, name string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = p.environ
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
}

// patience is how long a test waits for what happens by itself: far more than it takes,
// since the machine may be busy with everything at once.
const patience = time.Minute

// result is how a command ended.
type result struct {
	code        int
	out, errors string
}

// openclaw runs a command line to its end.
func (p *person) openclaw(args ...string) result { return p.command(p.binary, args...) }

func (p *person) command(name string, args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = p.environ, p.home
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%s %q: %v", name, args, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// eventually waits for something that happens by itself.
func (p *person) eventually(what string, happened func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if happened() {
			return
		}
	}
	p.t.Fatalf("%s never happened", what)
}

// open starts a command in a terminal of the given size.
func (p *person) open(window string, columns, rows int, args ...string) *screen {
	p.t.Helper()
	return p.openIn(window, columns, rows, p.home, append([]string{p.binary}, args...)...)
}

// openIn starts any program in a terminal, in a folder.
func (p *person) openIn(window string, columns, rows int, dir string, program ...string) *screen {
	p.t.Helper()
	_, err := exec.LookPath("tmux")
	required(p.t, err == nil, "tmux is not installed")
	p.windows.serve(p.t, p.environ)
	line := []string{
		"new-session", "-d", "-s", window, "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "-c", dir, "env", "-i",
	}
	line = append(append(line, p.environ...), program...)
	cmd := p.windows.client(p.t.Context(), line...)
	cmd.Env, cmd.Dir = p.environ, dir
	if text, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("tmux: %v: %s; %s", err, text, p.windows.state())
	}
	return &screen{p, window}
}

// screen is one terminal.
type screen struct {
	p      *person
	window string
}

// text is what the terminal shows.
func (s *screen) text() string {
	cmd := s.p.windows.client(context.Background(), "capture-pane", "-p", "-t", s.window)
	cmd.Env = s.p.environ
	out, _ := cmd.Output() // a terminal that is gone shows nothing
	return string(out)
}

// open reports whether the command still runs.
func (s *screen) open() bool {
	return s.p.windows.client(context.Background(), "has-session", "-t", s.window).Run() == nil
}

// keys presses keys, by tmux's names.
func (s *screen) keys(keys ...string) {
	s.p.t.Helper()
	args := append([]string{"send-keys", "-t", s.window}, keys...)
	if text, err := s.p.windows.client(s.p.t.Context(), args...).CombinedOutput(); err != nil {
		s.p.t.Fatalf("press %q: %v: %s; %s", keys, err, text, s.p.windows.state())
	}
}

// types writes literal text.
func (s *screen) types(text string) { s.keys("-l", text) }

// shows waits until every text is on the screen at once.
func (s *screen) shows(texts ...string) {
	s.p.t.Helper()
	s.showsWithin(patience, texts...)
}

func (s *screen) showsWithin(limit time.Duration, texts ...string) {
	s.p.t.Helper()
	var seen string
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		seen = s.text()
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(seen, text)
		}
		if !missing {
			return
		}
	}
	s.p.t.Fatalf("the screen never showed %q; it shows:\n%s\n%s", texts, seen, s.p.windows.state())
}

// lacks waits until a text is no longer on the screen: what is waited for next is then
// not what stood there before.
func (s *screen) lacks(text string) {
	s.p.t.Helper()
	s.p.eventually("a screen without "+text, func() bool { return !strings.Contains(s.text(), text) })
}

// gatewayPID is the process that holds this person's gateway lock.
func (p *person) gatewayPID() int {
	text, err := os.ReadFile(filepath.Join(p.home, ".openclaw", "run", "gateway.lock"))
	if err != nil {
		return 0
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		return 0
	}
	return pid
}

// needDefaultPort skips a test of the config as it is when the port of the
// default config is another program's. Of the tests that need it only one may be
// parallel to others.
func needDefaultPort(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:18789")
	required(t, err == nil, "another program listens on 127.0.0.1:18789")
	listener.Close()
}

// ownPort gives the person a config with a port that no other test's gateway has.
func (p *person) ownPort() {
	p.t.Helper()
	if err := os.Mkdir(filepath.Join(p.home, ".openclaw"), 0o700); err != nil {
		p.t.Fatal(err)
	}
	write(p.t, filepath.Join(p.home, ".openclaw", "config.yaml"), fmt.Sprintf("gateway: {port: %d}\n", freePort(p.t)))
}

// freePort is a port that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	return porttest.Free(t)
}
