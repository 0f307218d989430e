package escape_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// mode is one way in which a cage can be built. Every attempt is made in each.
type mode struct {
	name string

	// without, if there is one, is what the machine lacks in this mode: a filter
	// of system calls on this program, and so on the cages that it builds. The
	// mode then runs in a program of its own.
	without []unix.SockFilter

	// set changes a world before the attempt's own preparation.
	set func(*world)

	// plain: the mode has no mounts, so it refuses a policy that denies a path
	// inside an allowed one.
	plain bool

	// landlock, if not 0, is the newest version that is used. Such a mode runs only
	// when it is asked for by name: it takes as long as the full one.
	landlock int

	// nested: the agent may build sandboxes of its own. No root may have such a
	// cage, so it runs as an ordinary user only, and when it is asked for.
	nested bool

	// network: only the network is another one; nothing else is tried again.
	network bool

	// proof is a mechanism that a cage of this mode reports, by a part of its
	// name and detail.
	proof string
}

// endsItself is what an agent gains by a signal to its cage's first process.
const endsItself = "it reaches the cage's own first process, and may so end its own run"

// building is what `nested: true` is for.
const building = "a sandbox of one's own begins with a user namespace"

const modeVariable = "OPENCLAW_ESCAPE_MODE"

// everyMode is the table.
func everyMode() []mode {
	return []mode{
		{name: "full", proof: "mount namespace"},
		{name: "older", landlock: 2, proof: "held by the cage's namespaces alone"},
		{name: "nested", nested: true, proof: "for nested sandboxes", set: func(w *world) { w.perms.Nested = yes() }},
		{name: "tunnel", network: true, without: refusing(unix.SYS_SOCKET, 2, unix.NETLINK_NETFILTER, 0, unix.AF_NETLINK, unix.EPROTONOSUPPORT), proof: "TUN"},
		{name: "reduced", plain: true, without: refusing(unix.SYS_CLONE, 0, unix.CLONE_NEWUSER, -1, 0, unix.EPERM), proof: "REDUCED", set: func(w *world) {
			w.perms.Enforce, w.reduced = policy.EnforceReduced, true
		}},
	}
}

// refusing is a filter that fails one call: if an argument has the value, or one
// of its bits where second is negative, and the second argument its own.
func refusing(call uint32, first int, value uint32, second int, other uint32, errno unix.Errno) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	jump := func(op uint16, k uint32, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | op, K: k, Jf: no}
	}
	out := []unix.SockFilter{load(0)}
	if second < 0 {
		out = append(out, jump(unix.BPF_JEQ, call, 3), load(uint32(16+8*first)), jump(unix.BPF_JSET, value, 1))
	} else {
		out = append(out, jump(unix.BPF_JEQ, call, 5), load(uint32(16+8*first)), jump(unix.BPF_JEQ, value, 3), load(uint32(16+8*second)), jump(unix.BPF_JEQ, other, 1))
	}
	return append(out,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

// modes are those that this program runs.
func modes(tb testing.TB) []mode {
	tb.Helper()
	wanted := os.Getenv(modeVariable)
	var list []mode
	for _, m := range everyMode() {
		if wanted == "" && m.without == nil && m.landlock == 0 && !m.nested || wanted == m.name {
			list = append(list, m)
		}
	}
	return list
}

// lack puts the filter of this program's mode on all of its threads.
func lack() {
	wanted := os.Getenv(modeVariable)
	for _, m := range everyMode() {
		if m.name != wanted || m.without == nil {
			continue
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		program := unix.SockFprog{Len: uint16(len(m.without)), Filter: &m.without[0]}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			panic(err)
		}
		if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); errno != 0 {
			panic(errno)
		}
	}
}

// inMode runs the attempts in a program that lacks what the mode lacks. That they
// are real is proven where nothing is lacking.
func inMode(t *testing.T, name string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestEscapes$", "-test.v")
	command.Env = append(os.Environ(), modeVariable+"="+name)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case !strings.Contains(string(out), "--- PASS"):
		t.Errorf("nothing was tested:\n%s", out)
	default:
		t.Logf("%s", out)
	}
}

func TestEscapesByTunnel(t *testing.T) { inMode(t, "tunnel") }
func TestEscapesReduced(t *testing.T)  { inMode(t, "reduced") }

// No root may have a nested cage: root does it as an ordinary user.
func TestEscapesNestedAsOrdinaryUser(t *testing.T) {
	if os.Getuid() == 0 {
		ordinary(t, "^TestEscapesNestedAsOrdinaryUser$")
		return
	}
	inMode(t, "nested")
}

func yes() *bool {
	on := true
	return &on
}

// proven fails a test whose cage was not built in the mode after all.
func (m mode) proven(t *testing.T, report sandbox.Report) {
	t.Helper()
	for _, mechanism := range report.Mechanisms {
		if strings.Contains(mechanism.Name+" "+mechanism.Detail, m.proof) {
			return
		}
	}
	t.Errorf("not in the mode: %+v", report.Mechanisms)
}
