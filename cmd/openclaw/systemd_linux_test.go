package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realSystemd is Debian's systemd as process 1 of namespaces of its own. It sees no
// units but ours and shares the network, so that a test asks the gateway as any
// client does. The machine's own settings below /proc/sys are read-only to it.
type realSystemd struct {
	p    *person
	init int // its PID outside
}

const systemdScript = `
set -e
[ "$1" = inner ] || {
  # Its control group: the root of what it sees.
  mkdir "$1/cgroup"
  mount --make-rprivate /
  mount -t cgroup2 none "$1/cgroup"
  mkdir "$1/cgroup/$2"
  echo $$ > "$1/cgroup/$2/cgroup.procs"
  exec unshare --cgroup --pid --mount --uts --ipc --fork --kill-child --mount-proc sh "$0" inner "$1" "$3"
}
mount --bind /proc/sys /proc/sys
mount -o remount,ro,bind /proc/sys
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/state /srv/units
touch /srv/openclaw
mount --bind "$3" /srv/openclaw
cp "$2/config.yaml" /srv/state/
chmod 700 /srv/state; chmod 600 /srv/state/config.yaml; chown -R daemon: /srv/state
for target in sysinit basic shutdown sockets default multi-user network; do
  printf '[Unit]\nDefaultDependencies=no\n' > "/srv/units/$target.target"
done
OPENCLAW_HOME=/srv/state /srv/openclaw integrate systemd --system --user daemon --socket --output /srv/units
mkdir /srv/units/openclaw.service.d
# A hanging gateway is to be found within a test's patience, and a slow one is none.
printf '[Service]\nWatchdogSec=10\n' > /srv/units/openclaw.service.d/test.conf
exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH=/srv/units SYSTEMD_LOG_TARGET=console SYSTEMD_PROC_CMDLINE=systemd.unit=default.target \
  /lib/systemd/systemd --system --show-status=0
`

func newRealSystemd(p *person, config string) *realSystemd {
	p.t.Helper()
	if os.Getuid() != 0 {
		p.t.Skip("only root can be process 1 of a control group of its own; run as root it is tested")
	}
	for _, name := range []string{"unshare", "nsenter", "systemctl", "runuser"} {
		program(p.t, name)
	}
	required(p.t, executableFile("/lib/systemd/systemd"), "systemd is not installed")
	s := &realSystemd{p: p}
	script, group := filepath.Join(p.home, "systemd.sh"), "openclaw-test-"+filepath.Base(p.home)
	write(p.t, script, systemdScript)
	write(p.t, filepath.Join(p.home, "config.yaml"), config)
	cmd := exec.Command("unshare", "--mount", "sh", script, p.home, group, p.binary)
	out, err := os.Create(filepath.Join(p.home, "systemd.out"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill() // and with it, by --kill-child, process 1 and all that it started
		_ = cmd.Wait()
		if p.t.Failed() {
			said, _ := os.ReadFile(out.Name()) // what there is of it
			p.t.Logf("systemd said: %s", said)
		}
		remove := `mount -t cgroup2 none "$1/cgroup" && until find "$1/cgroup/$2" -depth -type d -exec rmdir {} +; do [ $((n+=1)) -lt 50 ] || exit 1; sleep 0.2; done`
		if said, err := exec.Command("unshare", "--mount", "sh", "-c", remove, "sh", p.home, group).CombinedOutput(); err != nil {
			p.t.Errorf("the control group stays: %v %s", err, said)
		}
	})
	p.eventually("systemd as process 1", func() bool {
		inner := children(cmd.Process.Pid)
		if len(inner) != 1 {
			return false
		}
		s.init = inner[0]
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", s.init))
		return err == nil && string(name) == "systemd\n" && s.control("is-active", "default.target") == "active"
	})
	return s
}

// inside runs a command where systemd runs.
func (s *realSystemd) inside(args ...string) string {
	out, _ := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(s.init), "-m", "-p", "-C", "-i", "-u"}, args...)...).CombinedOutput() // what it says is judged
	return strings.TrimSpace(string(out))
}

func (s *realSystemd) control(args ...string) string {
	return s.inside(append([]string{"systemctl", "--no-pager"}, args...)...)
}

// property is what systemd knows of the service.
func (s *realSystemd) property(name string) string {
	return s.control("show", "--value", "-p", name, "openclaw.service")
}

// The hardened units under systemd itself: the port is there before the gateway,
// whose word that it is ready is believed; a reload keeps the process, a restart
// refuses nobody, one that hangs is found and replaced, and a config that is
// refused is not tried again and again. The process has what the unit leaves it.
func TestUnderSystemd(t *testing.T) {
	t.Parallel() // it waits
	p := newPerson(t)
	port := freePort(t)
	s := newRealSystemd(p, fmt.Sprintf("gateway: {port: %d}\n", port))
	ask := func() error {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 60 * time.Second}
		response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
		return err
	}

	if said := s.control("start", "openclaw.socket"); said != "" {
		t.Fatal(said)
	}
	if state := s.property("ActiveState"); state != "inactive" {
		t.Fatalf("before anybody asked, the gateway is %s", state)
	}
	if err := ask(); err != nil { // systemd starts it, and it answers
		t.Fatal(err)
	}
	p.eventually("its word that it is ready", func() bool { return s.property("ActiveState") == "active" })
	if text := s.property("StatusText"); !strings.HasPrefix(text, "listens on 127.0.0.1:") {
		t.Errorf("its status is %q", text)
	}
	first := s.property("MainPID")

	for what, want := range map[string]string{
		"grep -E '^(NoNewPrivs|Seccomp):' /proc/" + first + "/status":                                            "NoNewPrivs:\t1\nSeccomp:\t2",
		"grep -E '^Cap(Prm|Eff|Bnd|Amb):' /proc/" + first + "/status":                                            "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000",
		"ps -o user= -p " + first:                                                                                "daemon",
		"nsenter -t " + first + " -m findmnt -no OPTIONS -T /usr | cut -c1-2":                                    "ro",
		"nsenter -t " + first + " -m runuser -u daemon touch /srv/state/x && echo written":                       "written",
		"stat -c '%a %U' /srv/state/run/gateway.sock":                                                            "600 daemon",
		"runuser -u daemon -- env OPENCLAW_HOME=/srv/state /srv/openclaw gateway status >/dev/null && echo runs": "runs",
	} {
		if got := s.inside("sh", "-c", what); got != want {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}

	if said := s.control("reload", "openclaw.service"); said != "" {
		t.Error(said)
	}
	p.eventually("the end of the reload", func() bool { return s.property("ActiveState") == "active" })
	if pid := s.property("MainPID"); pid != first {
		t.Errorf("after a reload it is process %s, not %s", pid, first)
	}

	answered := keepAsking(t, ask)
	for range 2 {
		before := s.property("MainPID")
		if said := s.control("restart", "openclaw.service"); said != "" {
			t.Error(said)
		}
		if pid, result := s.property("MainPID"), s.property("Result"); pid == before || result != "success" {
			t.Errorf("after a restart: process %s, before %s, %s", pid, before, result)
		}
	}
	if answered() == 0 {
		t.Error("nothing was asked")
	}

	hanging := s.property("MainPID")
	s.inside("kill", "-STOP", hanging)
	replaced := func() bool {
		pid := s.property("MainPID")
		return pid != hanging && pid != "0" && s.property("ActiveState") == "active"
	}
	for end := time.Now().Add(2 * time.Minute); !replaced(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the one that hangs is not replaced")
		}
	}
	if n := s.property("NRestarts"); n != "1" {
		t.Errorf("%s restarts by themselves", n)
	}
	if err := ask(); err != nil {
		t.Error(err)
	}

	if said := s.control("stop", "openclaw.socket", "openclaw.service"); said != "" {
		t.Error(said)
	}
	if state, result := s.property("ActiveState"), s.property("Result"); state != "inactive" || result != "success" {
		t.Errorf("stopped it is %s, %s", state, result)
	}

	s.inside("sh", "-c", "printf 'gateway: {host: 0.0.0.0, port: "+strconv.Itoa(port)+"}\\n' > /srv/state/config.yaml")
	s.control("start", "openclaw.service")
	p.eventually("the refusal", func() bool { return s.property("ActiveState") == "failed" })
	if n, status := s.property("NRestarts"), s.property("ExecMainStatus"); n != "0" || status != "3" {
		t.Errorf("with a config that is refused it ended with %s and was started %s times more", status, n)
	}
}
