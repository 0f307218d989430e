package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serviceManager is what systemd is to a service: a socket that is told things, and
// a port that it opened, as sd_notify(3) and sd_listen_fds(3) have it, for what the
// real one hides: each word, and times that a test can wait for. TestUnderSystemd has
// the real one.
type serviceManager struct {
	p      *person
	socket *net.UnixConn
	port   *net.TCPListener

	mu   sync.Mutex
	told []string
}

func newServiceManager(p *person) *serviceManager {
	p.t.Helper()
	path := filepath.Join(p.home, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		p.t.Fatal(err)
	}
	m := &serviceManager{p: p, socket: socket}
	p.t.Cleanup(func() { _ = socket.Close() })
	p.environ = append(p.environ, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=400000")
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.told = append(m.told, string(buffer[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// heard counts what begins with a word.
func (m *serviceManager) heard(word string) (count int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range m.told {
		if strings.HasPrefix(text, word) {
			count++
		}
	}
	return count
}

func (m *serviceManager) last(word string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range slices.Backward(m.told) {
		if strings.HasPrefix(text, word) {
			return text
		}
	}
	return ""
}

// open opens the port.
func (m *serviceManager) open(port int) {
	m.p.t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		m.p.t.Fatal(err)
	}
	m.p.t.Cleanup(func() { _ = listener.Close() })
	m.port = listener
}

// run starts the gateway as systemd does: its variables name the process itself.
func (m *serviceManager) run(listeners int) *exec.Cmd {
	m.p.t.Helper()
	cmd := exec.Command("sh", "-c", `export WATCHDOG_PID=$$; [ "$1" = 0 ] || export LISTEN_PID=$$ LISTEN_FDS=$1; shift; exec "$@"`, "sh", strconv.Itoa(listeners), m.p.binary, "gateway")
	cmd.Env, cmd.Dir = m.p.environ, m.p.home
	for range listeners {
		file, err := m.port.File()
		if err != nil {
			m.p.t.Fatal(err)
		}
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		m.p.t.Fatal(err)
	}
	m.p.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
		if m.p.t.Failed() {
			m.p.t.Logf("the gateway said: %s", errs.String())
		}
	})
	return cmd
}

// ends waits for a gateway to end and returns its exit code.
func (m *serviceManager) ends(cmd *exec.Cmd) int {
	m.p.t.Helper()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its exit code is asked for below
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(60 * time.Second):
		m.p.t.Fatal("the gateway does not end")
	}
	return cmd.ProcessState.ExitCode()
}

// systemd is told when the gateway is ready, that it lives, when it reloads and
// when it stops.
func TestAServiceManagerIsTold(t *testing.T) {
	t.Parallel() // it waits
	p := newPerson(t)
	p.configure("")
	m := newServiceManager(p)
	g := m.run(0)
	p.eventually("READY", func() bool { return m.heard("READY=1") == 1 })
	if text := m.last("READY=1"); !strings.Contains(text, fmt.Sprintf("MAINPID=%d\n", g.Process.Pid)) || !strings.Contains(text, "STATUS=listens on 127.0.0.1:") {
		t.Errorf("%q", text)
	}
	p.eventually("two signs of life", func() bool { return m.heard("WATCHDOG=1") >= 2 })

	if err := syscall.Kill(g.Process.Pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.eventually("the end of a reload", func() bool { return m.heard("READY=1") == 2 })
	if text := m.last("RELOADING=1"); !strings.Contains(text, "\nMONOTONIC_USEC=") {
		t.Errorf("%q", text)
	}
	if m.heard("STOPPING=1") != 0 {
		t.Error("it says that it stops")
	}

	// One that hangs gives no sign of life: the manager would kill it.
	if err := syscall.Kill(g.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.eventually("silence", func() bool {
		before := m.heard("WATCHDOG=1")
		time.Sleep(1500 * time.Millisecond)
		return m.heard("WATCHDOG=1") == before
	})
	if err := syscall.Kill(g.Process.Pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	said := p.openclaw("gateway", "stop")
	if code := m.ends(g); code != 0 || said.code != 0 {
		t.Errorf("it ended with %d: %s", code, said.errors)
	}
	p.eventually("word that it stops", func() bool { return m.heard("STOPPING=1") == 1 })
}

// The port belongs to the manager: a question that is asked before the gateway runs
// is answered when it does, and while it starts again none is refused or dropped.
func TestAPortThatTheManagerOpened(t *testing.T) {
	t.Parallel() // it waits
	p := newPerson(t)
	port := p.configure("")
	m := newServiceManager(p)
	m.open(port)
	ask := func() error {
		transport := &http.Transport{DisableKeepAlives: true}
		response, err := (&http.Client{Transport: transport, Timeout: 60 * time.Second}).Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
		return err
	}
	early := make(chan error, 1)
	go func() { early <- ask() }()
	first := m.run(1)
	if err := <-early; err != nil {
		t.Fatal("a question before the start:", err)
	}
	answered := keepAsking(t, ask)
	for n := range 2 {
		p.eventually("a gateway", func() bool { return m.heard("READY=1") == n+1 })
		if err := syscall.Kill(first.Process.Pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := m.ends(first); code != 0 {
			t.Fatal("it ended with", code, first.ProcessState)
		}
		first = m.run(1)
	}
	p.eventually("the last gateway", func() bool { return m.heard("READY=1") == 3 })
	if answered() == 0 {
		t.Error("nothing was asked")
	}
	// The unix socket and the lock are the gateway's own.
	if said := p.openclaw("gateway", "status"); said.code != 0 || !strings.Contains(said.out, strconv.Itoa(first.Process.Pid)) {
		t.Error(said.out, said.errors)
	}
}

// A port that is not the config's was judged by nobody.
func TestAPortThatIsNotTheConfigs(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("")
	m := newServiceManager(p)
	m.open(freePort(t))
	for count, want := range map[int]string{1: "the socket that was handed over listens on", 2: "hands over 2 sockets"} {
		g := m.run(count)
		errs := g.Stderr.(*bytes.Buffer)
		if code := m.ends(g); code == 0 {
			t.Errorf("%d sockets: it ended with %d", count, code)
		}
		says(t, errs.String(), want, "openclaw integrate systemd --socket")
	}
	if m.heard("READY=1") != 0 {
		t.Error("it said that it was ready")
	}
}

// What openclaw starts is no service, whoever started openclaw.
func TestTheManagersWordsGoNoFurther(t *testing.T) {
	t.Parallel()
	got := withoutManager([]string{"A=1", "NOTIFY_SOCKET=/x", "LISTEN_FDS=1", "LISTEN_FDNAMES=a", "WATCHDOG_USEC=1", "LISTEN_FDSX=kept", hardenedVariable + "=1", "Z"})
	if want := []string{"A=1", "LISTEN_FDSX=kept", "Z"}; !slices.Equal(got, want) {
		t.Fatal(got)
	}
}

// The units are what systemd reads, and leave a service little.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze := program(t, "systemd-analyze")
	p := newPerson(t)
	port := p.configure("audit:\n  log_path: " + filepath.Join(p.home, "elsewhere", "audit.log") + "\n")
	for name, test := range map[string]struct {
		flags    []string
		exposure string // of ten, times ten
		wants    []string
		not      []string
	}{
		"user": {[]string{"--socket"}, "65",
			[]string{"WantedBy=default.target", "NoNewPrivileges=yes", "SystemCallFilter=@system-service", "Requires=openclaw.socket"},
			[]string{"ReadWritePaths", "CapabilityBoundingSet", "User=", "PrivateUsers"}}, // in a user's manager these need a user namespace, in which nobody is the owner
		"system": {[]string{"--system", "--user", "daemon"}, "20",
			[]string{"WantedBy=multi-user.target", "User=daemon", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "ReadWritePaths=" + filepath.Join(p.home, ".openclaw") + " " + filepath.Join(p.home, "elsewhere")},
			[]string{"PrivateUsers", "openclaw.socket"}}, // the peers of the unix socket are in another namespace then
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(p.home, name)
			p.environ = append(p.environ, "OPENCLAW_HOME="+filepath.Join(p.home, ".openclaw"))
			said := p.openclaw(append([]string{"integrate", "systemd", "--output", folder}, test.flags...)...)
			if said.code != 0 {
				t.Fatal(said.errors)
			}
			unit := filepath.Join(folder, "openclaw.service")
			text, err := os.ReadFile(unit)
			if err != nil {
				t.Fatal(err)
			}
			says(t, string(text), append(test.wants, "ExecStart="+p.binary+" gateway\n", "OPENCLAW_HOME="+filepath.Join(p.home, ".openclaw"), "Type=notify\n", "WatchdogSec=", "ExecReload=/bin/kill -HUP $MAINPID")...)
			for _, not := range test.not {
				if strings.Contains(string(text), not) {
					t.Errorf("it has %s", not)
				}
			}
			units := []string{unit}
			if slices.Contains(test.flags, "--socket") {
				units = append(units, filepath.Join(folder, "openclaw.socket"))
				socket, err := os.ReadFile(units[1])
				if err != nil {
					t.Fatal(err)
				}
				says(t, string(socket), fmt.Sprintf("ListenStream=127.0.0.1:%d\n", port))
			}
			verify := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, units...)...)
			if out, err := verify.CombinedOutput(); err != nil || bytes.Contains(out, []byte(unit+":")) {
				t.Errorf("systemd does not read it: %v\n%s", err, out)
			}
			security := exec.CommandContext(t.Context(), analyze, "security", "--no-pager", "--offline=true", "--threshold="+test.exposure, unit)
			if out, err := security.CombinedOutput(); err != nil {
				t.Errorf("it leaves the service too much: %v\n%s", err, out)
			}
		})
	}
	if said := p.openclaw("integrate", "systemd", "--user", "nobody"); said.code != 2 {
		t.Errorf("%+v", said)
	}
	if said := p.openclaw("integrate", "systemd", "--system", "--user", "no body; evil"); said.code != 2 {
		t.Errorf("%+v", said)
	}
}

// launchd's property list is one, by the word of another program's reader.
func TestLaunchdPropertyList(t *testing.T) {
	t.Parallel()
	python := program(t, "python3")
	p := newPerson(t)
	home := filepath.Join(p.home, "Jane & <John>")
	p.environ = append(p.environ, "OPENCLAW_HOME="+home)
	said := p.openclaw("integrate", "launchd", "--output", p.home)
	if said.code != 0 {
		t.Fatal(said.errors)
	}
	says(t, said.out, "launchctl bootstrap gui/$(id -u) ")
	says(t, said.errors, "not yet run on a Mac by us")
	const reader = `
import plistlib, sys, json
d = plistlib.load(open(sys.argv[1], "rb"))
print(json.dumps([d["Label"], d["ProgramArguments"], d["EnvironmentVariables"], d["RunAtLoad"], d["KeepAlive"], d["Umask"], d["HardResourceLimits"], d["StandardErrorPath"]]))`
	out, err := exec.CommandContext(t.Context(), python, "-c", reader, filepath.Join(p.home, "openclaw.gateway.plist")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := fmt.Sprintf(`["openclaw.gateway", [%q, "gateway"], {"OPENCLAW_HOME": %q}, true, {"SuccessfulExit": false}, 63, {"Core": 0}, %q]`, p.binary, home, home+"/logs/gateway.stderr")
	if got := strings.TrimSpace(string(out)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// keepAsking asks again and again, none of which may fail, until answered is called;
// that says how often it was answered.
func keepAsking(t *testing.T, ask func() error) (answered func() int) {
	t.Helper()
	stop, asked := make(chan struct{}), make(chan int, 1)
	go func() {
		count := 0
		defer func() { asked <- count }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := ask(); err != nil {
				t.Error("a question was refused while the gateway started again:", err)
				return
			}
			count++
		}
	}()
	return func() int {
		close(stop)
		return <-asked
	}
}
