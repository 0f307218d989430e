package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/keychain"
)

// startHidden starts such a process and waits for what it says.
func startHidden(t *testing.T, command string, environment ...string) (c *exec.Cmd, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c = exec.CommandContext(ctx, program)
	c.Env = append([]string{hiddenVariable + "=" + command, "GOTRACEBACK=crash", "SECRET=x"}, environment...)
	c.Dir = t.TempDir()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.TrimSpace(line)
}

// What every process that is given a secret does before it has one: nobody else of
// the same user reads its memory or its environment, or traces it. Root may, so
// root looks at what the kernel says of it.
func TestProcessesWithSecretsHideTheirMemory(t *testing.T) {
	for _, command := range []string{"gateway", "gateway generate-token", "vault get", "vault rekey", "secrets set", "tui", "config decrypt", "redact"} {
		c, said := startHidden(t, command)
		if said != "hidden: true" {
			t.Errorf("%s: %s", command, said)
			continue
		}
		if os.Geteuid() == 0 {
			continue
		}
		for _, name := range []string{"mem", "environ", "maps"} {
			if f, err := os.Open(fmt.Sprintf("/proc/%d/%s", c.Process.Pid, name)); err == nil {
				f.Close()
				t.Errorf("%s: %s of the process can be opened", command, name)
			}
		}
		if err := unix.PtraceSeize(c.Process.Pid); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: tracing it gives %v", command, err)
		}
		remote := []unix.RemoteIovec{{Base: 0x1000, Len: 1}}
		local := make([]byte, 1)
		iov := unix.Iovec{Base: &local[0]}
		iov.SetLen(1)
		if _, err := unix.ProcessVMReadv(c.Process.Pid, []unix.Iovec{iov}, remote, 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: reading its memory gives %v", command, err)
		}
	}
}

// Who debugs openclaw says so, and commands that hold nothing stay as they are: a
// process that starts a cage must.
func TestWhatIsNotHidden(t *testing.T) {
	for command, environment := range map[string]string{"gateway": keychain.TraceableVariable + "=1", "doctor": "A=1", "agent run": "A=1", "version": "A=1"} {
		if _, said := startHidden(t, command, environment); said != "hidden: false" {
			t.Errorf("%s with %s: %s", command, environment, said)
		}
	}
}

// The supervisor of a run has the run's token in its memory, which nobody else of the
// same user reads while the command runs.
func TestARunHidesItsToken(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads every memory")
	}
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	p.gateway()
	c := p.spawn(nil, nil, "agent", "run", "coder", "--", "sh", "-c", "cd ~/.openclaw/agents/coder; touch ready; while [ ! -e stop ]; do sleep 0.1; done")
	workspace := filepath.Join(p.home, ".openclaw", "agents", "coder")
	p.eventually("the command", func() bool { _, err := os.Stat(filepath.Join(workspace, "ready")); return err == nil })
	p.eventually("its memory to be hidden", func() bool {
		for _, name := range []string{"mem", "environ", "maps"} {
			if f, err := os.Open(fmt.Sprintf("/proc/%d/%s", c.pid(), name)); err == nil {
				f.Close()
				return false
			}
		}
		return true
	})
	write(t, filepath.Join(workspace, "stop"), "")
	if code := c.wait(); code != 0 {
		t.Errorf("it ended with %d: %s", code, c.errors())
	}
}

// A crash leaves no core, though the person allows cores of any size.
func TestCrashesLeaveNoCore(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.TrimSpace(string(pattern)); strings.HasPrefix(text, "|") || strings.Contains(text, "/") {
		t.Logf("cores go to %q: only the signal is looked at", text)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	raised := unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &raised); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &limit) })
	for _, signal := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGQUIT} {
		c, said := startHidden(t, "gateway")
		if said != "hidden: true" {
			t.Fatal(said)
		}
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := c.Wait()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatalf("%v: %v", signal, err)
		}
		if status := exit.Sys().(syscall.WaitStatus); status.CoreDump() {
			t.Errorf("%v: a core was dumped", signal)
		}
		if files, _ := filepath.Glob(filepath.Join(c.Dir, "core*")); len(files) > 0 {
			t.Errorf("%v: %v", signal, files)
		}
	}
}
