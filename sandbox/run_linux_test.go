package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// The command's environment is exactly what was given; init's is nothing.
func TestEnvironment(t *testing.T) {
	t.Setenv("OPENCLAW_TEST_CANARY", "canary")
	w := newWorld(t)
	spec := w.spec("env")
	spec.Env = []string{"PATH=/usr/bin:/bin", "A=1", "B=two words"}
	_, wait := start(t, spec)
	res := wait()
	if got := strings.Split(strings.TrimSpace(res.out), "\n"); !slices.Equal(got, spec.Env) {
		t.Errorf("environment %q", got)
	}
	res = w.sh(`cat /proc/1/environ; tr '\0' ' ' < /proc/1/cmdline; ls /proc/self/fd | tr '\n' ' '; cat /proc/*/environ | tr '\0' '\n' | grep -c CANARY; grep -E "Cap|NoNew|Seccomp:" /proc/self/status`)
	if strings.Contains(res.out, "canary") || strings.Contains(res.out, "CANARY") {
		t.Errorf("the user's environment shows: %q", res.out)
	}
	if !strings.Contains(res.out, "0 1 2 3 ") || strings.Contains(res.out, "0 1 2 3 4") {
		t.Errorf("more descriptors than the standard ones: %q", res.out)
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		script string
		want   sandbox.ExitStatus
	}{
		{"exit 0", sandbox.ExitStatus{}},
		{"exit 7", sandbox.ExitStatus{Code: 7}},
		{"exit 255", sandbox.ExitStatus{Code: 255}},
		{"kill -TERM $$", sandbox.ExitStatus{Code: 143, Signal: 15}},
		{"kill -KILL $$", sandbox.ExitStatus{Code: 137, Signal: 9}},
		{"kill -SEGV $$", sandbox.ExitStatus{Code: 139, Signal: 11}},
		{"(sleep 1000 &) ; exit 3", sandbox.ExitStatus{Code: 3}},
	} {
		if res := w.sh(c.script); res.status != c.want {
			t.Errorf("%s: %+v, want %+v", c.script, res.status, c.want)
		}
	}
}

// Signals reach the command and have their usual meaning.
func TestSignal(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		script string
		signal syscall.Signal
		want   sandbox.ExitStatus
	}{
		{`trap 'exit 5' TERM; echo ready; while :; do read x < /dev/zero & wait; done`, syscall.SIGTERM, sandbox.ExitStatus{Code: 5}},
		{`echo ready; exec sleep 1000`, syscall.SIGTERM, sandbox.ExitStatus{Code: 143, Signal: 15}},
		{`echo ready; exec sleep 1000`, syscall.SIGHUP, sandbox.ExitStatus{Code: 129, Signal: 1}},
		{`trap '' TERM; echo ready; exec sleep 1000`, syscall.SIGKILL, sandbox.ExitStatus{Code: 137, Signal: 9}},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		spec := w.spec("sh", "-c", c.script)
		spec.Stdout = write
		process, wait := start(t, spec)
		_ = write.Close()
		line, err := bufio.NewReader(read).ReadString('\n')
		if err != nil || line != "ready\n" {
			t.Fatalf("%q %v", line, err)
		}
		if err := process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		if res := wait(); res.status != c.want {
			t.Errorf("%s: %+v, want %+v", c.script, res.status, c.want)
		}
		_ = read.Close()
		if err := process.Signal(c.signal); !errors.Is(err, os.ErrProcessDone) && c.signal != syscall.SIGKILL {
			t.Errorf("signal after the end: %v", err)
		}
	}
}

// Every mechanism has been proven inside the cage.
func TestSelfTest(t *testing.T) {
	w := newWorld(t)
	res := w.sh("true")
	names := mechanisms(t, res.report.Mechanisms)
	for _, want := range []string{
		"user namespace", "process namespace", "network namespace", "redirect", "mount namespace", "gate", "own processes",
		"read-only binds", "capabilities", "no new privileges", "landlock scopes", "call filter", "call notification",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("%q is not proven: %q", want, names)
		}
	}
}

func mechanisms(t *testing.T, list []sandbox.Mechanism) []string {
	t.Helper()
	var names []string
	for _, m := range list {
		if !m.Enforced || m.Detail == "" || m.Purpose == "" {
			t.Errorf("mechanism %+v", m)
		}
		names = append(names, m.Name)
	}
	return names
}

func TestProbe(t *testing.T) {
	newWorld(t)
	capabilities := sandbox.Probe(t.Context())
	if capabilities.Kernel == "" || len(mechanisms(t, capabilities.Mechanisms)) < 13 {
		t.Errorf("%+v", capabilities)
	}
}

func TestRefusesToStart(t *testing.T) {
	w := newWorld(t)
	w.write("file", "not a folder")
	for _, c := range []struct {
		name string
		kind sandbox.Kind
		spec func() sandbox.Spec
	}{
		{"command not there", sandbox.KindNotFound, func() sandbox.Spec { return w.spec("no-such-command") }},
		{"path not there", sandbox.KindNotFound, func() sandbox.Spec { return w.spec("/usr/bin/no-such-command") }},
		{"folder as command", sandbox.KindFailed, func() sandbox.Spec { return w.spec("/usr/bin") }},
		{"no command", sandbox.KindNotFound, func() sandbox.Spec { return w.spec() }},
		{"NUL in an argument", sandbox.KindNotFound, func() sandbox.Spec { return w.spec("true", "a\x00b") }},
		{"no policy", sandbox.KindPolicy, func() sandbox.Spec { s := w.spec("true"); s.Policy = nil; return s }},
		{"workspace is a file", sandbox.KindPolicy, func() sandbox.Spec {
			s := w.spec("true")
			p := *s.Policy
			p.Workspace = w.path("file")
			s.Policy = &p
			return s
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := tryStart(t, c.spec())
			var typed *sandbox.Error
			if !errors.As(err, &typed) || typed.Kind != c.kind || typed.Hint == "" {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// A person who stands in a project by way of a link has the agent start there,
// though it may not read the link; who stands where the agent may not be has it start
// in its workspace. The report says where.
func TestStartsInAFolderBehindALink(t *testing.T) {
	w := newWorld(t).allow("project")
	if err := os.Symlink(w.path("project"), w.path("link")); err != nil {
		t.Fatal(err)
	}
	for stands, begins := range map[string]string{
		w.path("link"): w.path("project"), w.path("project/deep"): w.path("project/deep"), w.path("other"): w.spec("pwd").Policy.Workspace, "": w.spec("pwd").Policy.Workspace,
	} {
		spec := w.spec("pwd")
		spec.Dir = stands
		process, wait := start(t, spec)
		if got := wait(); got.status.Code != 0 || strings.TrimSpace(got.out) != begins || process.Report().Dir != begins {
			t.Errorf("who stands in %q: %+v, and the report says %q", stands, got, process.Report().Dir)
		}
	}
}

// What the kernel will not execute is told apart from what the policy refuses.
func TestRefusesToStartSaysWhy(t *testing.T) {
	w := newWorld(t).allow("project")
	script := w.path("project/script")
	w.write("project/script", "echo no interpreter is named\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		command []string
		hint    string
	}{
		{"no interpreter", []string{script}, "#!/bin/sh"},
		{"an argument that no kernel takes", []string{"true", strings.Repeat("a", 1<<18)}, "in a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := tryStart(t, w.spec(c.command...))
			var typed *sandbox.Error
			if !errors.As(err, &typed) || typed.Kind != sandbox.KindFailed || !strings.Contains(typed.Hint, c.hint) {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// A widened policy is served at once; a narrowed one closes what the gate
// serves at once, and says what only the next run closes.
func TestUpdate(t *testing.T) {
	w := newWorld(t).allow("project")
	process, try, end := shellIn(t, w)
	expect := func(script, want string) {
		t.Helper()
		if got := map[bool]string{true: "yes", false: "no"}[try(script)]; got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
	expect("grep -q notes ~/other/notes.txt", "no")
	expect("echo x > ~/other/new", "no")

	w.allow("other")
	change, err := process.Update(w.policy())
	if err != nil || len(change.Applied) != 1 || len(change.NeedsRun) != 0 {
		t.Fatalf("%+v %v", change, err)
	}
	expect("grep -q notes ~/other/notes.txt", "yes")
	expect("ls ~/other | grep -q notes", "yes")
	expect("echo x > ~/other/new && test $(cat ~/other/new) = x", "yes")
	expect("mkdir ~/other/d && mv ~/other/new ~/other/d/moved && ln ~/other/d/moved ~/other/l && rm ~/other/l && cp ~/other/d/moved ~/other/c && chmod 600 ~/other/c && touch ~/other/c && truncate -s 0 ~/other/c", "yes")
	expect("cat ~/.bashrc", "no")
	if w.read("other/d/moved") != "x\n" || w.read("other/c") != "" || w.exists("other/new") || w.exists("other/l") {
		t.Error("what was written through the gate is not on the host")
	}

	w.perms.AllowedPaths = nil
	change, err = process.Update(w.policy())
	if err != nil || len(change.Applied) != 1 || len(change.NeedsRun) != 1 || len(change.StillOpen) != 1 {
		t.Fatalf("%+v %v", change, err)
	}
	expect("cat ~/other/notes.txt", "no")
	expect("ls ~/other", "no")
	if process.Report().Policy != w.policy().Version {
		t.Error("the report names the old policy")
	}
	w.keepsSayingWhatIsOpen(process)
	end()
}

// keepsSayingWhatIsOpen: what a run can still do is said at every change, until
// the policy allows it again, and what narrows is told from what widens.
func (w *world) keepsSayingWhatIsOpen(process *sandbox.Process) {
	w.t.Helper()
	project := w.path("project")
	for _, step := range []struct {
		name   string
		change func()
		open   string // what StillOpen holds
		waits  string // what NeedsRun holds beside it
	}{
		{"something else", func() { w.perms.MaxFileSize = nil }, project, ""},
		{"less of it", func() { w.allowRead("project") }, project, ""},
		{"as it was built", func() { w.perms.AllowedPaths = nil; w.allow("project") }, "", ""},
		{"a denied path in it", func() { w.deny("project/secret") }, project + "/secret", ""},
		{"a pattern", func() { w.perms.DeniedPaths = []string{w.home + "/**/*.key"} }, "*.key", ""},
		{"a pattern elsewhere", func() { w.perms.DeniedPaths = []string{"/srv/**/*.key"} }, "", ""},
		{"smaller files", func() { w.perms.DeniedPaths = nil; w.perms.MaxFileSize = new(int64(10)) }, "max_file_size", ""},
		{"no programs", func() { w.perms.MaxFileSize = nil; w.perms.ExecuteCommands = new(false) }, "programs", ""},
		{"sandboxes inside", func() { w.perms.ExecuteCommands = nil; w.perms.Nested = new(true) }, "", "nested"},
		{"a network", func() { w.perms.Nested = nil; w.perms.NetworkAccess = new(true) }, "", "network"},
	} {
		step.change()
		change, err := process.Update(w.policy())
		open, waits := strings.Join(change.StillOpen, "\n"), strings.Join(change.NeedsRun, "\n")
		if err != nil || (step.open == "") != (open == "") || !strings.Contains(open, step.open) || !strings.Contains(waits, open) || !strings.Contains(waits, step.waits) {
			w.t.Errorf("%s: %+v %v", step.name, change, err)
		}
		if step.open == "" && step.waits == "" && waits != "" {
			w.t.Errorf("%s: it waits for a new run: %s", step.name, waits)
		}
	}
}

type asker func(sandbox.Denial) bool

func (a asker) Ask(_ context.Context, d sandbox.Denial) (bool, error) { return a(d), nil }

// What the policy asks about is held and goes on at the answer.
func TestAsk(t *testing.T) {
	w := newWorld(t)
	w.perms.Ask = []policy.Class{policy.ClassPathRead}
	spec := w.spec("sh", "-c", `cat ~/other/notes.txt; cat ~/other/notes.txt; cat ~/.bashrc; cat ~/.ssh/id_ed25519`)
	var mu sync.Mutex
	var asked []string
	spec.Asker = asker(func(d sandbox.Denial) bool {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, d.Target)
		return strings.HasSuffix(d.Target, "notes.txt")
	})
	_, wait := start(t, spec)
	res := wait()
	if res.out != "notesnotes" || !slices.Equal(asked, []string{w.path("other/notes.txt"), w.path("other/notes.txt"), w.path(".bashrc")}) {
		t.Errorf("out %q, asked %q", res.out, asked)
	}
	if got := w.brief(res.denials); !slices.Equal(got, []string{"path.read open ~/.bashrc", "path.read open ~/.ssh/id_ed25519"}) {
		t.Errorf("denials %q", got)
	}
}

// max_file_size holds and is reported.
func TestLimit(t *testing.T) {
	w := newWorld(t)
	limit := int64(4096)
	w.perms.MaxFileSize = &limit
	_, wait := start(t, w.spec("dd", "if=/dev/zero", "of=big", "bs=8192", "count=2"))
	res := wait()
	info, err := os.Stat(w.path(".openclaw/agents/coder/big"))
	if err != nil || info.Size() > limit || res.status.Signal != int(syscall.SIGXFSZ) {
		t.Errorf("%v %v %+v", info, err, res.status)
	}
	if len(res.denials) != 1 || res.denials[0].Operation != "write" || res.denials[0].Mechanism != "limit" {
		t.Errorf("denials %+v", res.denials)
	}
}

// Two cages of two agents do not see each other.
func TestTwoCages(t *testing.T) {
	one, two := newWorld(t), newWorld(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	spec := one.spec("sh", "-c", "echo mine > /tmp/x; echo ready; exec sleep 1000")
	spec.Stdout = write
	first, waitFirst := start(t, spec)
	_ = write.Close()
	if line, err := bufio.NewReader(read).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	res := two.sh(`cat /tmp/x; ls -d /proc/[0-9]* | wc -l; cat ` + one.path(".openclaw/agents/coder/made"))
	if strings.Contains(res.out, "mine") || strings.TrimSpace(res.out) == "" {
		t.Errorf("out %q", res.out)
	}
	if err := first.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFirst()
	_ = read.Close()
}

// Ending the context ends the cage.
func TestContext(t *testing.T) {
	w := newWorld(t)
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	process, err := cage.Start(ctx, w.spec("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if status, err := process.Wait(); err != nil || status.Signal != int(syscall.SIGKILL) {
		t.Errorf("%+v %v", status, err)
	}
}
