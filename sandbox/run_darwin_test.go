package sandbox

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"openclaw/sandbox/policy"
)

// These tests are for a Mac. The profile's text is tested on every system, in
// sandbox/darwin.

type macWorld struct {
	t                    *testing.T
	home, project, state string
	own                  policy.Permissions
	mu                   sync.Mutex
	denied               []Denial
	lookup               func(context.Context, string) ([]netip.Addr, error)
	environment          []string
	report               Report
}

func newMacWorld(t *testing.T) *macWorld {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &macWorld{t: t, home: home, project: home + "/project", state: home + "/.openclaw", environment: []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}}
	for _, file := range []string{"project/in", "project/.env", "project/deep/.env", ".ssh/id", "outside", ".openclaw/keys/k"} {
		name := filepath.Join(home, file)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("content of "+file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.own = policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: w.project}}, DeniedPaths: []string{w.project + "/**/.env"}}
	return w
}

// run runs a shell line in a cage.
func (w *macWorld) run(line string) (output string, status ExitStatus) {
	w.t.Helper()
	p, problems := policy.Compile(policy.Input{Agent: "coder", Home: w.home, StateDir: w.state, OwnKey: "agents.coder", Own: w.own})
	if p == nil {
		w.t.Fatal(problems)
	}
	cage, err := New(context.Background())
	if err != nil {
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			w.t.Fatal(err)
		}
		w.t.Skip(err)
	}
	cage.lookup = w.lookup
	read, write, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	defer read.Close()
	process, err := cage.Start(context.Background(), Spec{
		Agent: "coder", Run: "run-1", Policy: p, Command: []string{"sh", "-c", line}, Dir: w.project, Env: w.environment, Stdout: write, Stderr: write,
		Denied: func(d Denial) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.denied = append(w.denied, d)
		},
	})
	write.Close()
	if err != nil {
		w.t.Fatalf("%v: %v", err, hintOf(err))
	}
	w.report = process.Report()
	data, err := io.ReadAll(read)
	if err != nil {
		w.t.Fatal(err)
	}
	status, err = process.Wait()
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data), status
}

func hintOf(err error) string {
	if typed, ok := errors.AsType[*Error](err); ok {
		return typed.Hint
	}
	return ""
}

func TestMacAllowed(t *testing.T) {
	w := newMacWorld(t)
	out, status := w.run(`cat in && echo x > new && cat new && pwd && git --version >/dev/null; echo "$TMPDIR" > t && echo y > "$TMPDIR/f" && cat "$TMPDIR/f"; exit 7`)
	if !strings.HasPrefix(out, "content of project/inx\n"+w.project+"\n") || !strings.HasSuffix(out, "y\n") || status.Code != 7 {
		t.Errorf("%q, %+v", out, status)
	}
	for _, m := range w.report.Mechanisms {
		if strings.HasPrefix(m.Name, "profile: ") && !m.Enforced {
			t.Errorf("%+v", m)
		}
	}
	temp, err := os.ReadFile(w.project + "/t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(strings.TrimSpace(string(temp))); err == nil {
		t.Error("the run's folder is still there")
	}
}

func TestMacDenied(t *testing.T) {
	for _, line := range []string{
		"cat ../.ssh/id", "cat .env", "cat .ENV", "cat deep/.env", "mv deep other && cat other/.env", "ln .env e && cat e", "cp -c .env e && cat e",
		"ln -s ../outside l && cat l", "cat ../outside", "echo x > ../outside", "mv ../project ../p", "cat ../.openclaw/keys/k", "ls ..",
		"cat /private/etc/master.passwd", "echo x > /tmp/openclaw-test-escape", "security find-generic-password -s x", "launchctl list",
		"osascript -e 'tell application \"Finder\" to get name of home'", "curl -sS --noproxy '*' http://1.1.1.1/", "dscacheutil -q host -a name example.com | grep ip_address",
		"sudo -n true", "kill -0 1",
	} {
		w := newMacWorld(t)
		out, status := w.run(line)
		if status.Code == 0 || strings.Contains(out, "content of ") {
			t.Errorf("%s: exit %d, %q", line, status.Code, out)
		}
	}
}

func TestMacDenialIsTold(t *testing.T) {
	w := newMacWorld(t)
	w.run("cat ../.ssh/id; cat .env; true")
	for _, m := range w.report.Mechanisms {
		if m.Name == mechanismLog && m.Enforced {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, want := range []string{"built-in: SSH keys", "denied_paths: "} {
				found := false
				for _, d := range w.denied {
					found = found || strings.HasPrefix(d.Rule, want) && d.PID > 0 && d.Program == "cat"
				}
				if !found {
					t.Errorf("no denial by %s in %+v", want, w.denied)
				}
			}
			return
		}
	}
	t.Skip("the system's log cannot be read by this account")
}

func TestMacNoPrograms(t *testing.T) {
	no := false
	w := newMacWorld(t)
	w.own.ExecuteCommands = &no
	if out, _ := w.run("/bin/ls; echo done"); !strings.Contains(out, "done") || strings.Contains(out, "in\n") {
		t.Errorf("%q", out)
	}
}

func TestMacNetwork(t *testing.T) {
	yes := true
	w := newMacWorld(t)
	w.own.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"good.test"}}
	w.lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}
	out, _ := w.run(`curl -sS -o /dev/null -w '%{http_code} ' http://evil.test/; curl -sS -o /dev/null -w '%{http_code}' http://good.test/`)
	if out != "403 502" { // the one by its name, the other by the address that it leads to
		t.Errorf("%q", out)
	}
}
