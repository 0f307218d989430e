package sandbox_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// number reads a test's parameter from the environment.
func number(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(name, err)
	}
	return n
}

// forest is the tree that random policies and targets are about.
type forest struct {
	*world
	folders, files, absent []string // absent have a folder that exists
	ports                  []int    // of listeners on 127.0.0.1
}

func newForest(t *testing.T) *forest {
	t.Helper()
	f := &forest{world: newWorld(t)}
	f.folders = []string{"", "a", "a/x", "a/x/deep", "a/y", "b", "b/x", ".conf", ".conf/tool", "sp ace"}
	for _, folder := range f.folders {
		for _, name := range []string{"f", ".env", "sudo", "key.pem"} {
			file := filepath.Join(folder, name)
			f.write(file, "#!/bin/sh\nexit 0\n")
			if err := os.Chmod(f.path(file), 0o700); err != nil {
				t.Fatal(err)
			}
			f.files = append(f.files, file)
		}
		f.absent = append(f.absent, filepath.Join(folder, "new"))
	}
	f.files = append(f.files, ".ssh/id_ed25519", ".bashrc", "project/main.go")
	for range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serveEach(t, listener, func(conn net.Conn) { _, _ = conn.Write([]byte("hello\n")) })
		f.ports = append(f.ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return f
}

func anyOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func perhaps(r *rand.Rand) *bool {
	switch r.IntN(6) {
	case 0:
		return new(true)
	case 1:
		return new(false)
	}
	return nil
}

// permissions are random ones about the forest.
func (f *forest) permissions(r *rand.Rand) policy.Permissions {
	p := policy.Permissions{ReadOnly: perhaps(r), FileWrite: perhaps(r), SystemCommands: perhaps(r)}
	if r.IntN(8) == 0 {
		p.ExecuteCommands = new(false)
	}
	somewhere := func() string {
		switch r.IntN(8) {
		case 0:
			return f.path(anyOf(r, f.files...))
		case 1:
			return f.path(anyOf(r, f.absent...))
		}
		return f.path(anyOf(r, f.folders...))
	}
	for range 1 + r.IntN(4) {
		p.AllowedPaths = append(p.AllowedPaths, policy.PathEntry{Path: somewhere(), Access: anyOf(r, "", policy.AccessRead, policy.AccessWrite)})
	}
	for range r.IntN(4) {
		if denied := somewhere(); denied != f.home {
			p.DeniedPaths = append(p.DeniedPaths, denied)
		}
	}
	if r.IntN(3) == 0 {
		p.DeniedPaths = append(p.DeniedPaths, anyOf(r, "**/.env", f.home+"/*/x", f.home+"/a/**/f", f.home+"/**/*.pem", f.home+"/[ab]/f"))
	}
	if r.IntN(4) == 0 {
		p.Ask = []policy.Class{anyOf(r, policy.ClassPathRead, policy.ClassPathWrite, policy.ClassExec, policy.ClassNet)}
	}
	if r.IntN(3) > 0 {
		n := &policy.Network{}
		for range r.IntN(3) {
			n.AllowedIPs = append(n.AllowedIPs, anyOf(r, fmt.Sprint("127.0.0.1:", f.ports[0]), fmt.Sprint("127.0.0.1:", f.ports[1]), "127.0.0.1", "127.0.0.0/8", "::1"))
		}
		for range r.IntN(3) {
			n.AllowedDomains = append(n.AllowedDomains, anyOf(r, "allowed.test", "*.test", fmt.Sprint("allowed.test:", f.ports[0]), "other.test"))
		}
		if r.IntN(5) == 0 {
			n.BlockedIPs = []string{"127.0.0.1"}
		}
		n.AllowOutbound = perhaps(r)
		p.Network = n
	}
	return p
}

// attempt is one thing that is tried in the cage.
type attempt struct {
	request policy.Request
	address netip.Addr // that the name stands for
	script  string     // its status says whether it worked
}

func (f *forest) attempts(r *rand.Rand) (list []attempt) {
	quoted := func(name string) string { return "'" + f.path(name) + "'" }
	path := func(class policy.Class, name, script string) {
		list = append(list, attempt{request: policy.Request{Class: class, Path: f.path(name)}, script: script})
	}
	for range 12 {
		name := anyOf(r, f.files...)
		path(policy.ClassPathRead, name, "exec 3< "+quoted(name))
		path(policy.ClassPathWrite, name, ": >> "+quoted(name))
		if name != ".bashrc" && name != "project/main.go" && name != ".ssh/id_ed25519" { // they have no x bit
			path(policy.ClassExec, name, quoted(name))
		}
	}
	for range 3 {
		name := anyOf(r, f.absent...)
		path(policy.ClassPathWrite, name, ": >> "+quoted(name))
	}
	list = append(list,
		attempt{request: policy.Request{Class: policy.ClassPathRead, Path: "/etc/passwd"}, script: "exec 3< /etc/passwd"},
		attempt{request: policy.Request{Class: policy.ClassPathWrite, Path: "/etc/passwd"}, script: ": >> /etc/passwd"},
		attempt{request: policy.Request{Class: policy.ClassExec, Path: "/usr/bin/true"}, script: "/usr/bin/true"},
	)
	loopback := netip.MustParseAddr("127.0.0.1")
	for _, port := range f.ports {
		list = append(list,
			attempt{request: policy.Request{Class: policy.ClassNet, Address: loopback, Port: uint16(port)}, script: fmt.Sprintf("read -r x < /dev/tcp/127.0.0.1/%d", port)},
			attempt{request: policy.Request{Class: policy.ClassNet, Host: "allowed.test", Port: uint16(port)}, address: loopback, script: fmt.Sprintf("read -r x < /dev/tcp/allowed.test/%d", port)},
		)
	}
	return list
}

// expected is what the policy says of an attempt.
func (a attempt) expected(p *policy.Policy) (allowed bool, why policy.Decision) {
	why = p.Decide(a.request)
	if why.Effect == policy.Allow && a.address.IsValid() { // the name is judged, and then where it leads
		why = p.DecideAddress(a.request.Host, a.address, a.request.Port)
	}
	return why.Effect == policy.Allow, why
}

// unborn reports whether an attempt makes a file that is allowed by its own name
// in a folder that may only be read.
func (f *forest) unborn(a attempt, p *policy.Policy) bool {
	folder := filepath.Dir(a.request.Path)
	return a.request.Class == policy.ClassPathWrite && strings.HasSuffix(a.request.Path, "/new") &&
		p.Decide(policy.Request{Class: policy.ClassPathRead, Path: folder}).Effect == policy.Allow &&
		p.Decide(policy.Request{Class: policy.ClassPathWrite, Path: folder}).Effect != policy.Allow
}

// What the policy says is what the kernel does: random policies, random targets,
// each tried in a real cage. OPENCLAW_TEST_AGREE_ROUNDS and _SEED make it longer
// or repeat a finding.
func TestCageAgreesWithThePolicy(t *testing.T) {
	f := newForest(t)
	first, rounds := number(t, "OPENCLAW_TEST_AGREE_SEED", 1), number(t, "OPENCLAW_TEST_AGREE_ROUNDS", 6)
	tried, allowed := 0, 0
	for seed := first; seed < first+rounds; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		in := policy.Input{
			Agent: "coder", Home: f.home, StateDir: f.path(".openclaw"), Own: f.permissions(r), OwnKey: "agents.coder", Getenv: func(string) string { return "" },
		}
		if r.IntN(3) == 0 {
			in.Role, in.RoleKey = f.permissions(r), "roles.base"
		}
		p, problems := policy.Compile(in)
		if p == nil {
			t.Logf("seed %d: %v", seed, problems)
			continue
		}
		attempts := f.attempts(r)
		var script strings.Builder
		for _, a := range attempts {
			fmt.Fprintf(&script, "( %s ) 2>/dev/null && echo y || echo n\n", a.script)
		}
		spec := f.spec("bash", "--norc", "-c", script.String())
		spec.Policy = p
		_, wait := start(t, spec)
		res := wait()
		answers := strings.Fields(res.out)
		if len(answers) != len(attempts) {
			t.Fatalf("seed %d: %d answers to %d attempts: %s%s", seed, len(answers), len(attempts), res.out, res.err)
		}
		for i, a := range attempts {
			want, why := a.expected(p)
			tried++
			if want {
				allowed++
			}
			got := answers[i] == "y"
			if want && !got && f.unborn(a, p) && strings.Contains(strings.Join(res.report.Warnings, "\n"), a.request.Path+" does not exist") {
				continue // said in the report: a folder that is bound to read takes no new file
			}
			if got != want {
				t.Errorf("seed %d: %s %s%s:%d: the cage lets it through: %v; the policy: %+v\nown %+v\nrole %+v\nscript %s", seed, a.request.Class,
					a.request.Path, a.request.Host, a.request.Port, got, why, in.Own, in.Role, a.script)
			}
		}
		for _, name := range f.absent {
			_ = os.Remove(f.path(name))
		}
	}
	if tried == 0 || allowed == 0 || allowed == tried {
		t.Errorf("of %d attempts %d were allowed", tried, allowed)
	}
	t.Logf("%d attempts, %d allowed", tried, allowed)
}

func TestCageAgreesAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestCageAgreesWithThePolicy$") }
