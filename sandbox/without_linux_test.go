package sandbox_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// withoutVariable names what the kernel shall lack in a child of the tests.
const withoutVariable = "OPENCLAW_TEST_WITHOUT"

// absence is something that a machine may lack, made by a filter that answers
// as the kernel of such a machine does.
type absence struct {
	filter []unix.SockFilter

	blamed   string // by the probe; empty: the full cage works all the same
	hint     string // in its cure
	reduced  bool   // the reduced mode still works
	instead  string // a mechanism that then takes the place
	whatElse string // a part of why the reduced mode is refused
}

func returns(number uintptr, conditions [][3]uint32, answer uint32) []unix.SockFilter {
	stmt := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	var body []unix.SockFilter
	for i, c := range conditions { // argument, mask, value
		left := uint8(3*(len(conditions)-1-i) + 1)
		body = append(body,
			stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 16+8*c[0]),
			stmt(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, c[1]),
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: c[2], Jf: left},
		)
	}
	body = append(body, stmt(unix.BPF_RET|unix.BPF_K, answer))
	return append([]unix.SockFilter{
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(number), Jf: uint8(len(body))},
	}, body...)
}

func fails(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

func absences() map[string]absence {
	always := [][3]uint32(nil)
	return map[string]absence{
		"user namespaces": {
			filter: slices.Concat(
				returns(unix.SYS_CLONE, [][3]uint32{{0, unix.CLONE_NEWUSER, unix.CLONE_NEWUSER}}, fails(unix.EPERM)),
				returns(unix.SYS_UNSHARE, [][3]uint32{{0, unix.CLONE_NEWUSER, unix.CLONE_NEWUSER}}, fails(unix.EPERM)),
				returns(unix.SYS_CLONE3, always, fails(unix.ENOSYS)),
			),
			blamed: "user namespace", hint: "AppArmor", reduced: true,
		},
		"rights in user namespaces": { // as Ubuntu's AppArmor: made, and then no right in it
			filter: slices.Concat(
				returns(unix.SYS_MOUNT, always, fails(unix.EPERM)),
				returns(unix.SYS_OPEN_TREE, always, fails(unix.EPERM)),
				returns(unix.SYS_SOCKET, [][3]uint32{{0, 0xffff, unix.AF_NETLINK}}, fails(unix.EPERM)),
			),
			blamed: "user namespace", hint: "AppArmor", reduced: true,
		},
		"Landlock": {
			filter: returns(unix.SYS_LANDLOCK_CREATE_RULESET, always, fails(unix.EOPNOTSUPP)),
			blamed: "landlock scopes", hint: "lsm=", whatElse: "find Landlock",
		},
		"Landlock's newer versions": { // the question for the version is answered with 0
			filter: returns(unix.SYS_LANDLOCK_CREATE_RULESET, [][3]uint32{{2, 1, 1}}, fails(0)),
			blamed: "landlock scopes", hint: "5.19", whatElse: "version 0 leaves signals and abstract sockets open",
		},
		"seccomp notification": { // as below another supervisor that uses it
			filter: returns(unix.SYS_SECCOMP, [][3]uint32{{1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER}}, fails(unix.EBUSY)),
			blamed: "call filter", hint: "another seccomp listener", whatElse: "install seccomp filter",
		},
		"WAIT_KILLABLE_RECV": { // before Linux 5.19
			filter:  returns(unix.SYS_SECCOMP, [][3]uint32{{1, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV}}, fails(unix.EINVAL)),
			reduced: true,
		},
		"the FUSE device": { // the only thing that is opened so below a folder
			filter: returns(unix.SYS_OPENAT, [][3]uint32{{0, 1 << 31, 0}, {2, 0xffffffff, unix.O_RDWR | unix.O_CLOEXEC}}, fails(unix.ENODEV)),
			blamed: "gate", hint: "modprobe fuse", reduced: true,
		},
		"openat2": { // these are older than Landlock; what lacks them is a container's filter
			filter: returns(unix.SYS_OPENAT2, always, fails(unix.ENOSYS)),
			blamed: "mount namespace", hint: "call filter", whatElse: "openat2",
		},
		"mount_setattr": {
			filter: returns(unix.SYS_MOUNT_SETATTR, always, fails(unix.ENOSYS)),
			blamed: "mount namespace", hint: "call filter", reduced: true,
		},
		"open_tree": {
			filter: returns(unix.SYS_OPEN_TREE, always, fails(unix.ENOSYS)),
			blamed: "mount namespace", hint: "call filter", reduced: true,
		},
		"close_range": {
			filter: returns(unix.SYS_CLOSE_RANGE, always, fails(unix.ENOSYS)),
			blamed: "user namespace", hint: "call filter", whatElse: "mark descriptors",
		},
		"pidfd_open": { // without which no connection could be made in a program's place
			filter: returns(unix.SYS_PIDFD_OPEN, always, fails(unix.ENOSYS)),
			blamed: "call notification", hint: "pidfd_open", whatElse: "in its place",
		},
		"pidfd_getfd": {
			filter: returns(unix.SYS_PIDFD_GETFD, always, fails(unix.EPERM)),
			blamed: "call notification", hint: "pidfd_getfd", whatElse: "in its place",
		},
		"the memory of others": { // CONFIG_CROSS_MEMORY_ATTACH
			filter: returns(unix.SYS_PROCESS_VM_READV, always, fails(unix.ENOSYS)),
			blamed: "call notification", hint: "process_vm_readv", whatElse: "in its place",
		},
		"PIDFD_THREAD": { // before Linux 6.9
			filter:  returns(unix.SYS_PIDFD_OPEN, [][3]uint32{{1, unix.O_EXCL, unix.O_EXCL}}, fails(unix.EINVAL)),
			reduced: true,
		},
		"PIDFD_GET_INFO": { // before Linux 6.13
			filter:  returns(unix.SYS_IOCTL, [][3]uint32{{1, 0xffffffff, 0xc040ff0b}}, fails(unix.ENOTTY)),
			reduced: true,
		},
		"NS_GET_TGID_FROM_PIDNS": { // before Linux 6.11
			filter:  returns(unix.SYS_IOCTL, [][3]uint32{{1, 0xffffffff, 0x8004b707}}, fails(unix.ENOTTY)),
			reduced: true,
		},
		"SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP": { // before Linux 6.6
			filter:  returns(unix.SYS_IOCTL, [][3]uint32{{1, 0xffffffff, 0x40082104}}, fails(unix.EINVAL)),
			reduced: true,
		},
		groupOfTheUsers: { // who may then write to it
			filter: returns(unix.SYS_FACCESSAT2, [][3]uint32{{2, 0xffffffff, unix.W_OK}}, fails(0)), reduced: true,
		},
		"clone3": { // as in Docker's filter before 20.10.10
			filter:  returns(unix.SYS_CLONE3, always, fails(unix.ENOSYS)),
			reduced: true,
		},
		"nf_tables": {
			filter: returns(unix.SYS_SOCKET, [][3]uint32{{0, 0xffff, unix.AF_NETLINK}, {2, 0xffff, unix.NETLINK_NETFILTER}}, fails(unix.EPROTONOSUPPORT)),
			blamed: "", instead: "tun", reduced: true,
		},
		"nf_tables and TUN": {
			filter: slices.Concat(
				returns(unix.SYS_SOCKET, [][3]uint32{{0, 0xffff, unix.AF_NETLINK}, {2, 0xffff, unix.NETLINK_NETFILTER}}, fails(unix.EPROTONOSUPPORT)),
				returns(unix.SYS_IOCTL, [][3]uint32{{1, 0xffffffff, unix.TUNSETIFF}}, fails(unix.ENODEV)),
			),
			blamed: "redirect", hint: "modprobe", reduced: true,
		},
	}
}

// lack puts a filter on every thread of this process.
func lack(name string) error {
	one, ok := absences()[name]
	if !ok {
		return fmt.Errorf("%q is not known", name)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := append(slices.Clone(one.filter), unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	return nil
}

// Whatever a machine lacks is named, with its cure; a strict policy then starts
// nothing, and one that accepts the reduced mode gets it where it holds.
func TestWithout(t *testing.T) {
	newWorld(t)
	requireReduced(t) // older kernels lack more than the one thing
	for name := range absences() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestWithoutHere$", "-test.v")
			command.Env = append(os.Environ(), withoutVariable+"="+name)
			out, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutHere") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestWithoutAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestWithout$") }

// TestWithoutHere runs in a process that lacks something.
func TestWithoutHere(t *testing.T) {
	name := os.Getenv(withoutVariable)
	one, ok := absences()[name]
	if !ok {
		return // only TestWithout starts it
	}
	t.Run("probe", func(t *testing.T) { probeWithout(t, one) })
	t.Run("strict", func(t *testing.T) { strictWithout(t, one) })
	t.Run("reduced", func(t *testing.T) { reducedWithout(t, one) })
}

func probeWithout(t *testing.T, one absence) {
	t.Helper()
	found := sandbox.Probe(t.Context())
	if found.Kernel == "" {
		t.Error("the kernel has no version")
	}
	blamed, fix := "", ""
	names := []string{}
	for _, m := range found.Mechanisms {
		names = append(names, m.Name)
		if !m.Enforced && m.Fix != "" {
			blamed, fix = blamed+m.Name, m.Fix
		}
	}
	if blamed != one.blamed || !strings.Contains(fix, one.hint) {
		t.Errorf("blamed %q (%s), want %q: %q", blamed, fix, one.blamed, failing(found.Mechanisms))
	}
	if one.instead != "" && !slices.Contains(names, one.instead) {
		t.Errorf("%q is not among %q", one.instead, names)
	}
	if one.blamed == "" && len(failing(found.Mechanisms)) > 0 {
		t.Errorf("it works, and is said not to: %q", failing(found.Mechanisms))
	}
	works := !slices.ContainsFunc(found.Reduced, func(m sandbox.Mechanism) bool { return m.Name == "reduced mode" })
	if works != one.reduced {
		t.Errorf("reduced works: %t; %q", works, failing(found.Reduced))
	}
}

func strictWithout(t *testing.T, one absence) {
	t.Helper()
	w := newWorld(t)
	yes := true
	w.perms.NetworkAccess = &yes // so that the policy needs all that there is
	w.write(".ssh/config", "Host *")
	spec := w.spec("python3", "-c", refusedInTwoThreads)
	var denials []sandbox.Denial
	spec.Denied = func(d sandbox.Denial) { denials = append(denials, d) }
	process, err := startHere(t, spec)
	var typed *sandbox.Error
	switch {
	case one.blamed == "" && err == nil:
		if status, err := process.Wait(); err != nil || status.Code != 0 {
			t.Errorf("%+v %v", status, err)
		}
		if len(denials) != 4 {
			t.Errorf("told: %q", w.brief(denials))
		}
		for _, d := range denials { // a thread's are its process's
			if d.PID == 0 || d.PID != denials[0].PID || !strings.Contains(d.Program, "python") {
				t.Errorf("%s is said of process %d, %q, not of %d", d.Target, d.PID, d.Program, denials[0].PID)
			}
		}
	case one.blamed == "", !errors.As(err, &typed), typed.Kind != sandbox.KindMissing, !strings.Contains(typed.Hint, one.hint):
		t.Errorf("%v (%s)", err, hintOf(err))
	default:
		t.Logf("%v (%s)", err, hintOf(err))
		if parts := strings.Split(err.Error(), ": "); len(slices.Compact(slices.Clone(parts))) != len(parts) {
			t.Errorf("it says something twice: %v", err)
		}
	}
}

func reducedWithout(t *testing.T, one absence) {
	t.Helper()
	w := newWorld(t)
	w.perms.Enforce = policy.EnforceReduced
	process, err := startHere(t, w.spec("true"))
	if !one.reduced {
		var typed *sandbox.Error
		if !errors.As(err, &typed) || typed.Kind != sandbox.KindMissing || !strings.Contains(err.Error(), one.whatElse) || typed.Hint == "" {
			t.Errorf("%v (%s)", err, hintOf(err))
		}
		return
	}
	if err != nil {
		t.Fatalf("%v (%s)", err, hintOf(err))
	}
	if status, err := process.Wait(); err != nil || status.Code != 0 {
		t.Errorf("%+v %v", status, err)
	}
	full := process.Report().Mechanisms[0].Name != "full cage"
	if full != (one.blamed == "") {
		t.Errorf("full %t: %+v", full, process.Report().Mechanisms[0])
	}
	t.Logf("%s", process.Report().Mechanisms[0].Detail)
}

const refusedInTwoThreads = `import os, threading
def refused(n):
    for name, mode in ("~/.ssh/" + n, "r"), ("/etc/openclaw-" + n, "w"):
        try: open(os.path.expanduser(name), mode)
        except OSError: pass
refused("id_ed25519")
other = threading.Thread(target=refused, args=("config",))
other.start()
other.join()`

// startHere starts a command in whichever mode its policy and this machine give.
func startHere(t *testing.T, spec sandbox.Spec) (*sandbox.Process, error) {
	t.Helper()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cage.Start(t.Context(), spec)
}

// failing lists what a probe did not find enforced.
func failing(list []sandbox.Mechanism) []string {
	var out []string
	for _, m := range list {
		if !m.Enforced {
			out = append(out, m.Name+": "+m.Detail)
		}
	}
	return out
}
