package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/event"
)

// badConfig is one thing that is no config, and what a person must be told of
// it.
type badConfig struct {
	name string
	put  func(t *testing.T, p *person, path string)
	says []string // what is wrong, and what to do
}

func badConfigNamed(t *testing.T, name string) badConfig {
	t.Helper()
	all := badConfigs()
	i := slices.IndexFunc(all, func(b badConfig) bool { return b.name == name })
	if i < 0 {
		t.Fatalf("no bad config is %s", name)
	}
	return all[i]
}

func text(format string, mode os.FileMode) func(*testing.T, *person, string) {
	return func(t *testing.T, _ *person, path string) {
		t.Helper()
		write(t, path, format)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func link(target func(*person) string) func(*testing.T, *person, string) {
	return func(t *testing.T, p *person, path string) {
		t.Helper()
		if err := os.Symlink(target(p), path); err != nil {
			t.Fatal(err)
		}
	}
}

// bomb is a few hundred bytes that stand for 9^10 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 8), i-1)
	}
	return b.String()
}

// agentBomb is a bomb of valid keys: every agent is another thousand values.
func agentBomb() string {
	var b strings.Builder
	b.WriteString("agents:\n  a0: &a {env: [" + strings.Repeat("A,", 999) + "A]}\n")
	for i := range 250 {
		fmt.Fprintf(&b, "  a%d: *a\n", i+1)
	}
	return b.String()
}

func badConfigs() []badConfig {
	return []badConfig{
		{"a directory", func(t *testing.T, _ *person, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"is a folder, not a file", "move it away"}},
		{"2 MiB", text(strings.Repeat("# filler\n", 2<<20/9), 0o600), []string{"at most 1048576", "is this the right file?"}},
		{"not UTF-8", text("agents:\n  caf\xe9: {}\n", 0o600), []string{"config.yaml:2:6", "0xe9 is not UTF-8", "save the file as UTF-8"}},
		{"UTF-16", text("\xff\xfea\x00g\x00e\x00n\x00t\x00s\x00:\x00\n\x00", 0o600), []string{"UTF-8"}},
		{"a YAML bomb", text(agentBomb(), 0o600), []string{"config.yaml:", "grows past", "aliases repeat"}},
		{"a YAML bomb of lists", text(bomb(), 0o600), []string{"config.yaml:1:1: a0: unknown key"}},
		{"half-written", text("agents:\n  coder:\n    permissions:\n      allowed_paths: [~/proj", 0o600), []string{"config.yaml:4:", "not YAML"}},
		{"half a key", text("agents:\n  coder:\n    permis", 0o600), []string{"config.yaml:3:5: agents.coder", "write its keys below it"}},
		{
			"mode 0644 with a literal key", text("providers:\n  anthropic:\n    api_key: "+canary+"\n", 0o644),
			[]string{"holds a secret in the clear and is open to others (mode 0644)", "chmod 600"},
		},
		{
			"a symlink out of the state folder", link(func(p *person) string { return filepath.Join(p.home, "elsewhere.yaml") }),
			[]string{"symbolic link that leads out of the state folder", "put the file itself here"},
		},
		{"a symlink to a device", link(func(*person) string { return "/dev/zero" }), []string{"symbolic link that leads out", "put the file itself here"}},
		{"a symlink to nowhere", link(func(*person) string { return "no-such-file" }), []string{"put the file"}},
		{"a pipe", func(t *testing.T, _ *person, path string) {
			t.Helper()
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"is not a regular file", "put a text file in its place"}},
	}
}

// fingerprint is everything of a file that a refusal must not change.
func fingerprint(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	content := ""
	if info.Mode().IsRegular() {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content = string(raw)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if content, err = os.Readlink(path); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprint(info.Mode(), info.ModTime(), content)
}

// A config that cannot be read starts nothing, whoever starts it; it is told
// what is wrong and what to do, and it lies there as it was.
func TestBadConfigStartsNothing(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("")
	elsewhere, err := os.ReadFile(p.configFile())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, "elsewhere.yaml"), string(elsewhere))
	for _, bad := range badConfigs() {
		t.Run(bad.name, func(t *testing.T) {
			p := *p
			p.t = t
			if err := os.RemoveAll(p.configFile()); err != nil {
				t.Fatal(err)
			}
			bad.put(t, &p, p.configFile())
			before := fingerprint(t, p.configFile())

			refusedStart(t, p.openclaw("gateway"), 1, bad.says...)
			if pid := p.gatewayPID(); pid != 0 {
				t.Errorf("a gateway holds the lock: %d", pid)
			}
			if after := fingerprint(t, p.configFile()); after != before {
				t.Errorf("the file was changed:\n%s\n%s", before, after)
			}
		})
	}
	if err := os.RemoveAll(p.configFile()); err != nil {
		t.Fatal(err)
	}
	// The same words where the gateway is started for somebody.
	bad := badConfigNamed(t, "half-written")
	bad.put(t, p, p.configFile())
	refusedStart(t, p.openclaw("agent", "run", "coder", "--", "true"), 126, bad.says...)
	refusedStart(t, p.openclaw("tui", "--plain"), 1, bad.says...)

	write(t, p.configFile(), string(elsewhere))
	p.gateway()
}

// A bomb costs neither time nor memory. It is not parallel to others: of the memory that
// a child is said to have taken at most, this process's own is a part.
func TestConfigBombIsCheap(t *testing.T) {
	p := newPerson(t)
	for _, config := range []string{bomb(), agentBomb()} {
		p.configure(config)
		cmd := exec.CommandContext(t.Context(), p.binary, "gateway")
		cmd.Env, cmd.Dir = p.environ, p.home
		if text, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("it started: %s", text)
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		const most = 128 << 10 // KiB; the program alone takes about 25 MiB
		if !ok || usage.Maxrss > most {
			t.Errorf("the bomb took %+v", usage)
		}
	}
}

// An empty file is all defaults, and stays the person's empty file. The
// defaults have the standard port, so this runs on a network of its own.
func TestEmptyConfigIsTheDefaults(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("")
	write(t, p.configFile(), "")
	got := p.inNamespaces("--net", `
		ip link set lo up
		"$1" gateway & gateway=$!
		for i in $(seq 200); do "$1" gateway status >/dev/null 2>&1 && break; sleep 0.02; done
		"$1" gateway status; "$1" agent list; "$1" gateway stop; wait $gateway; echo "ended $?"`)
	says(t, got.out+got.errors, "127.0.0.1:18789", "agents      0", "no agents in", "ended 0")
	if raw, err := os.ReadFile(p.configFile()); err != nil || len(raw) != 0 {
		t.Errorf("the file holds %q, %v", raw, err)
	}
}

// inNamespaces runs a shell script, with the program as $1, in a user namespace
// and in another of the given kind.
func (p *person) inNamespaces(kind, script string) result {
	p.t.Helper()
	for _, program := range []string{"unshare", "ip"} {
		_, err := exec.LookPath(program)
		required(p.t, err == nil, program+" is not installed")
	}
	// A signal to the first process ends everything in the namespaces.
	args := []string{"--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", kind, "sh", "-c"}
	probe := p.command("unshare", append(args, "true")...)
	required(p.t, probe.code == 0, "no namespaces: "+probe.errors)
	return p.command("unshare", append(args, script, "sh", p.binary)...)
}

// A bad file that is put under a running gateway changes nothing: the old
// config stays in force, everybody who asks is told why, and mending the file
// is all it takes.
func TestBadConfigUnderARunningGateway(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	good, err := os.ReadFile(p.configFile())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, "elsewhere.yaml"), string(good))
	p.gateway()
	pid := p.gatewayPID()
	empty := badConfig{"empty", text("", 0o600), []string{"is empty; the config in force stays", "all defaults"}}
	gone := badConfig{"gone", func(*testing.T, *person, string) {}, []string{"is gone; the config in force stays", "put the file back"}}
	for _, bad := range append(badConfigs(), empty, gone) {
		t.Run(bad.name, func(t *testing.T) {
			p := *p
			p.t = t
			aside := filepath.Join(filepath.Dir(p.configFile()), "aside")
			bad.put(t, &p, aside)
			if err := os.RemoveAll(p.configFile()); err != nil {
				t.Fatal(err)
			}
			if bad.name != "gone" {
				if err := os.Rename(aside, p.configFile()); err != nil {
					t.Fatal(err)
				}
			}
			var status event.ConfigStatus
			p.eventually("the rejection", func() bool {
				status = p.overview().Config
				return status.Rejected && strings.Contains(problems(status), bad.says[0])
			})
			says(t, problems(status), bad.says...)
			if status.Version != 1 || p.gatewayPID() != pid {
				t.Errorf("version %d is active in process %d", status.Version, p.gatewayPID())
			}
			says(t, p.openclaw("gateway", "status").out, "agents      1", "#1", "rejected", "openclaw config validate")
			reload := p.openclaw("gateway", "reload")
			refusedStart(t, reload, 1, append(bad.says, "#1 stays active")...)
			if strings.Contains(reload.out, ":0:0:") {
				t.Errorf("a place that is none: %s", reload.out)
			}
			if bad.name != "empty" && bad.name != "gone" {
				validated := p.openclaw("config", "validate")
				if validated.code != 1 {
					t.Errorf("config validate ends with %d", validated.code)
				}
				says(t, validated.out+validated.errors, bad.says...)
			}

			// Mended: nothing is left of it.
			if err := os.RemoveAll(p.configFile()); err != nil {
				t.Fatal(err)
			}
			write(t, aside, string(good))
			if err := os.Rename(aside, p.configFile()); err != nil {
				t.Fatal(err)
			}
			p.eventually("the good config", func() bool { return !p.overview().Config.Rejected })
			if status := p.overview(); status.Config.Version != 1 || status.Agents != 1 {
				t.Errorf("after mending: #%d, %d agents", status.Config.Version, status.Agents)
			}
		})
	}
	p.noKeyInLogs()
}

func problems(status event.ConfigStatus) string {
	var b strings.Builder
	for _, one := range status.Problems {
		fmt.Fprintf(&b, "%s:%d:%d: %s: %s\n", one.File, one.Line, one.Column, one.Key, one.Message)
	}
	return b.String()
}
