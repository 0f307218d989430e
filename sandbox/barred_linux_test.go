package sandbox_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// tries makes calls by name of what they are about; each prints its errno, or "done".
func (w *world) tries(calls ...string) result {
	w.t.Helper()
	script := `use Socket; use Fcntl; use Errno; sub says { my ($done) = @_; print $done ? "done" : join("", grep { $!{$_} } qw(EPERM EACCES EAFNOSUPPORT EPROTONOSUPPORT EOPNOTSUPP ENOTTY ENOSYS EINVAL EFAULT)), "\n" }
my ($s, $t); my $c = "x"; open(my $f, "+>", "file"); `
	for _, call := range calls {
		script += "says(" + call + "); "
	}
	w.write("barred.pl", script)
	w.allowRead("barred.pl")
	return w.sh("perl " + w.path("barred.pl"))
}

func told(list []sandbox.Denial, operation, target string) (found []sandbox.Denial) {
	for _, d := range list {
		if d.Operation == operation && d.Target == target {
			found = append(found, d)
		}
	}
	return found
}

// What the call filter refuses by itself is told, with who tried what, and why it is
// refused; programs say no more than "Permission denied", or nothing (logger, syslog(3)).
func TestBarredCallsAreTold(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		file := w.path(".openclaw/agents/coder/file")
		tries := []struct {
			call, errno, operation, target, rule string
			class                                policy.Class
		}{
			{`socket($s, AF_UNIX, SOCK_DGRAM, 0)`, "EACCES", "socket", "a UNIX datagram socket", "syslog", policy.ClassNet},
			{fmt.Sprintf(`syscall(%d, 1 << 32 | AF_UNIX, 1 << 40 | SOCK_RAW | 0x80800, 0) >= 0`, unix.SYS_SOCKET), "EACCES", "socket", "a UNIX datagram socket", "syslog", policy.ClassNet},
			{`socket($s, AF_INET, SOCK_RAW, 1)`, "EPERM", "socket", "a socket for ICMP", "ping", policy.ClassNet},
			{`socket($s, AF_INET, SOCK_RAW, 255)`, "EPERM", "socket", "a raw socket", "ping", policy.ClassNet},
			{`socket($s, AF_INET, SOCK_STREAM, 132)`, "EPROTONOSUPPORT", "socket", "a socket of another protocol than TCP and UDP", "TCP", policy.ClassNet},
			{`socket($s, 16, SOCK_RAW, 4)`, "EPROTONOSUPPORT", "socket", "a netlink socket (sockets of others)", "netlink", policy.ClassNet},
			{`socket($s, 17, SOCK_RAW, 3)`, "EAFNOSUPPORT", "socket", "a packet socket", "UNIX", policy.ClassNet},
			{`socket($s, 38, SOCK_SEQPACKET, 0)`, "EAFNOSUPPORT", "socket", "a socket for the kernel's cryptography (AF_ALG)", "UNIX", policy.ClassNet},
			{`socketpair($s, $t, 30, SOCK_STREAM, 0)`, "EAFNOSUPPORT", "socketpair", "a TIPC socket", "UNIX", policy.ClassNet},
			{`fcntl($f, 1024, 1)`, "EPERM", "fcntl", file, "lease", policy.ClassPathWrite},
			{`ioctl($f, 0x40086602, $c)`, "EOPNOTSUPP", "ioctl", file, "chattr", policy.ClassPathWrite},
			{`ioctl($f, 0x5412, $c)`, "EPERM", "ioctl", "the terminal", "terminal", policy.ClassExec},
			{fmt.Sprintf(`syscall(%d, 0, 0) >= 0`, unix.SYS_UMOUNT2), "EPERM", "umount2", "a mount", "nested: false", policy.ClassExec},
			{fmt.Sprintf(`syscall(%d, 1, 0) >= 0`, unix.SYS_IO_URING_SETUP), "EPERM", "io_uring_setup", "io_uring", "io_uring", policy.ClassExec},
			{fmt.Sprintf(`syscall(%d, 10, 0, 0) >= 0`, unix.SYS_SYSLOG), "EPERM", "syslog", "the kernel's log", "dmesg", policy.ClassExec},
			{fmt.Sprintf(`syscall(%d, 1, 7, 0, 0) >= 0`, unix.SYS_PRLIMIT64), "EPERM", "prlimit64", "the limits of another process", "limits", policy.ClassExec},
		}
		for i := range tries { // each means another thing than in a full cage
			if tries[i].target == "a packet socket" || strings.HasPrefix(tries[i].target, "a netlink") || tries[i].errno == "EPERM" && strings.Contains(tries[i].call, "AF_INET") || strings.Contains(tries[i].target, "another protocol") {
				if w.perms.Enforce == policy.EnforceReduced {
					tries[i].errno = "EACCES"
				}
			}
		}
		var calls, errnos []string
		for _, try := range tries {
			calls, errnos = append(calls, try.call), append(errnos, try.errno)
		}
		res := w.tries(calls...)
		if got := strings.Fields(res.out); !slices.Equal(got, errnos) {
			t.Errorf("the program got %v, want %v\n%s", got, errnos, res.err)
		}
		for _, try := range tries {
			found := told(res.denials, try.operation, try.target)
			if !slices.ContainsFunc(found, func(d sandbox.Denial) bool {
				return d.Class == try.class && strings.Contains(d.Rule, try.rule) && d.PID > 0 && strings.Contains(d.Program, "perl") && strings.Contains(d.CommandLine, "barred.pl") &&
					d.Mechanism == "filter" && d.Agent == "coder" && d.Run == w.run && (d.Origin != policy.Origin{} || d.Rule == "nested: false")
			}) {
				t.Errorf("%s: told %+v", try.call, found)
			}
		}
		if found := told(res.denials, "socket", "a UNIX datagram socket"); len(found) != 2 {
			t.Errorf("two sockets, told %+v", found)
		}
	})
}

// Nobody is told of what ordinary programs ask for in passing and do without, nor of what
// the cage's own test tries.
func TestAskedInPassingIsNotTold(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		res := w.tries(
			`!socket($s, AF_INET, SOCK_STREAM, 262)`, fmt.Sprintf(`syscall(%d, 0, 0) < 0`, unix.SYS_CLONE3), fmt.Sprintf(`syscall(%d, -100, 0, 0, 0) < 0`, unix.SYS_OPENAT2), `!ioctl($f, 0x4b33, $c)`,
			`socket($s, AF_INET6, SOCK_STREAM, 0) || 1`, `socket($s, AF_INET6, SOCK_DGRAM, 0) || 1`,
		)
		if res.out != strings.Repeat("done\n", 6) || len(res.denials) > 0 {
			t.Errorf("%q %s\ntold %+v", res.out, res.err, res.denials)
		}
	})
}

// A program that tries again and again is counted exactly, in few words.
func TestBarredCallsAreCounted(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		const times = 2_000
		res := w.tries(fmt.Sprintf(`do { for my $n (1..%d) { socket($s, AF_UNIX, SOCK_DGRAM, $n) and die; socket($s, 1000 + $n, $n %% 16, $n) and die } 1 }`, times))
		counts := map[string]int{}
		for _, d := range res.denials {
			counts[d.Target] += d.Count
		}
		if res.out != "done\n" || counts["a UNIX datagram socket"] != times || counts["a socket of an unusual family"] != times || len(counts) != 2 {
			t.Errorf("%q %s, told %v", res.out, res.err, counts)
		}
	})
}

// Where a reduced cage lets nothing out, it is the policy that refuses a TCP socket, and
// where it does, UDP is what the mode has not.
func TestReducedSocketsAreTold(t *testing.T) {
	w := newWorld(t).reduced()
	res := w.tries(`socket($s, AF_INET, SOCK_STREAM, 6)`, `socket($s, AF_INET, SOCK_DGRAM, 17)`)
	for _, target := range []string{"a TCP socket", "a UDP socket"} {
		found := told(res.denials, "socket", target)
		if len(found) != 1 || !strings.Contains(found[0].Rule, "network_access") && !strings.Contains(found[0].Rule, "allow_outbound") {
			t.Errorf("%s: told %+v", target, found)
		}
	}
	w = newWorld(t).reduced()
	w.perms.Network = &policy.Network{AllowedDomains: []string{"a.test"}}
	res = w.tries(`socket($s, AF_INET, SOCK_STREAM, 6)`, `socket($t, AF_INET, SOCK_DGRAM, 17)`, `setsockopt($s, 6, 31, "tls")`, `socket($t, 16, SOCK_RAW, 0)`, fmt.Sprintf(`syscall(%d, 0, 10, 0) >= 0`, unix.SYS_SHMGET))
	if found := told(res.denials, "socket", "a UDP socket"); res.out != "done\nEACCES\nEPERM\nEACCES\nENOSYS\n" || len(found) != 1 || !strings.Contains(found[0].Rule, "reduced mode: no UDP") || len(told(res.denials, "setsockopt", "TLS in the kernel for a connection")) != 1 ||
		len(told(res.denials, "socket", "a list of the interfaces and routes")) != 1 {
		t.Errorf("%q, told %+v", res.out, res.denials)
	}
}

// What a nested sandbox would need is refused by the config's own line, which a person
// can change.
func TestNestedIsRefusedByItsLine(t *testing.T) {
	line := policy.Origin{File: "config.yaml", Line: 7}
	for name := range strings.FieldsSeq("mount umount2 pivot_root chroot setns move_mount") {
		_, _, decision := sandbox.BarredAs(&policy.Policy{NestedFrom: line}, &seccomp.Call{Name: name})
		if decision.Effect != policy.Deny || decision.Rule != "nested: false" || decision.Origin != line {
			t.Errorf("%s: %+v", name, decision)
		}
	}
}

// Whatever the filter refuses, a person is told in words of its own, which no config
// lifts: not in those of a mode of a file.
func TestEveryBarredCallHasWords(t *testing.T) {
	files := strings.Fields("open openat creat mknod mknodat chmod fchmod fchmodat fchmodat2")
	for _, reduced := range []bool{false, true} {
		for _, name := range seccomp.BarredCalls(runtime.GOARCH, reduced) {
			class, target, decision := sandbox.BarredAs(&policy.Policy{}, &seccomp.Call{Name: name, Operation: name})
			if about := strings.Contains(decision.Rule, "set-user-ID"); about != slices.Contains(files, name) {
				t.Errorf("%s: %s", name, decision.Rule)
			}
			if class == "" || target == "" || decision.Effect != policy.Deny || decision.Rule == "" {
				t.Errorf("%s: %s %q %+v", name, class, target, decision)
			}
		}
	}
}

// A person is told of no call that the filter refuses while ordinary programs do ordinary
// work: a row that nobody can do anything about hides those that matter.
func TestOrdinaryWorkHasNoBarredCalls(t *testing.T) {
	for _, name := range []string{"git", "node", "curl", "gcc", "ssh"} {
		requireTool(t, name)
	}
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		res := w.sh(`set -e
git init -q g; cd g; git -c user.email=a@b -c user.name=x commit -q --allow-empty -m x; git gc -q; git clone -q . ../h
node -e 'require("fs").promises.readFile("/etc/hosts"); require("child_process").spawnSync("true"); new (require("worker_threads").Worker)("1", {eval: true})'
getent passwd root; curl -sS file:///etc/hosts; echo 'int main(){return 0;}' > a.c; gcc a.c; ./a.out; ssh -V
tar cf a.tar a.c; mkdir u; tar xpf a.tar -C u; cp -a u v; mv v y; ls -la; find . -newer a.c; bash -ic 'echo worked'`)
		if !strings.Contains(res.out, "worked\n") {
			t.Errorf("%q %s", res.out, res.err)
		}
		for _, d := range res.denials {
			if d.Mechanism == "filter" {
				t.Errorf("told of %s %s by %s", d.Operation, d.Target, d.Program)
			}
		}
	})
}

// A sandbox that an agent builds for itself changes nothing of that: the calls of its
// programs are refused, and told, as those of the cage's own.
func TestBarredCallsOfANestedSandbox(t *testing.T) {
	requireTool(t, "bwrap")
	if os.Getuid() == 0 {
		t.Skip("root gets no nested sandboxes; an ordinary user runs this")
	}
	res := nestedWorld(t).sh(`bwrap --unshare-user --unshare-pid --dev-bind / / perl -e 'use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) and print "made"; syscall(425, 1, 0) >= 0 and print "made"; print "ran"'`)
	if res.out != "ran" {
		t.Errorf("%q %s", res.out, res.err)
	}
	for operation, target := range map[string]string{"socket": "a UNIX datagram socket", "io_uring_setup": "io_uring"} {
		if found := told(res.denials, operation, target); len(found) != 1 || !strings.Contains(found[0].Program, "perl") {
			t.Errorf("%s: told %+v", operation, found)
		}
	}
	if found := told(res.denials, "mount", "a mount"); len(found) > 0 {
		t.Errorf("a nested sandbox may mount, told %+v", found)
	}
}
