package sandbox

import (
	"context"
	"errors"
	"net/netip"
	"path"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

func (p *Process) serveCalls(serving context.Context, message control.Message) error {
	if len(message.Files) != 1 {
		message.CloseFiles()
		return &Error{Op: "serve calls", Err: errors.New("no descriptor came")}
	}
	listener := seccomp.NewListener(message.Files[0], false, p.judge.atCall)
	listener.LeaveToHandler(append(seccomp.NamespaceCalls(), "connect", seccomp.PairCall, seccomp.AllocateCall, seccomp.TruncateCall)...)
	listener.ProcessOnDemand()
	listener.TellUnread(p.judge.unread)
	listener.TellBarred(p.judge.barred)
	p.services.Go(func() {
		// An error here ends the reports: every call that would be reported
		// fails from then on, so the cage is closed, not open.
		_ = listener.Run(serving)
	})
	return nil
}

// atCall judges a system call that the filter handed over. It reports what the
// cage refuses and nothing else would see, and refuses in addition what no
// mount can. Letting a call go on never opens anything: mounts, the gate and
// the network are the walls.
func (j *judge) atCall(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	if call.Path != "" && call.Path == j.probe.path {
		j.probe.seen.Store(true)
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if call.Operation == "unshare" {
		return j.atNamespace(call)
	}
	if call.Operation == seccomp.PairCall {
		return j.atPair(ctx, call)
	}
	switch call.Name {
	case seccomp.AllocateCall:
		return j.atAllocate(call)
	case seccomp.TruncateCall:
		return j.atTruncate(call)
	}
	if call.Class != policy.ClassNet && j.elsewhere(call.TID) {
		return j.atCallElsewhere(call)
	}
	switch call.Class {
	case policy.ClassExec:
		verdict := j.atExec(ctx, call)
		if verdict.Errno == 0 {
			j.executes(call)
		}
		return verdict
	case policy.ClassNet:
		return j.atConnection(ctx, call)
	case policy.ClassPathRead, policy.ClassPathWrite, policy.ClassLimit:
	}
	verdict := j.atWrite(call, call.Written, false)
	if verdict.Errno == 0 && call.Written2 != "" {
		verdict = j.atWrite(call, call.Written2, true)
	}
	if verdict.Errno == 0 {
		verdict = j.writes(call)
	}
	if verdict.Errno != 0 {
		return verdict
	}
	return j.across(call)
}

// refuse reports and answers.
func (j *judge) refuse(call seccomp.Call, class policy.Class, target string, decision policy.Decision, errno unix.Errno) seccomp.Verdict {
	j.report(call, class, target, "notify", decision)
	return seccomp.Verdict{Errno: errno}
}

func (j *judge) report(call seccomp.Call, class policy.Class, target, mechanism string, decision policy.Decision) {
	if pid, waits := call.Process(); waits {
		j.process.reporter.add(j.denial(pid, class, call.Operation, target, mechanism, decision))
	}
}

// unread reports a call that is refused because the program's memory cannot be read:
// nothing is known of what it named.
func (j *judge) unread(call seccomp.Call) {
	j.refuse(call, call.Class, "a name that cannot be read", policy.Decision{
		Effect: policy.Deny, Rule: "a program that keeps its memory to itself (PR_SET_DUMPABLE, or a file that may be run and not read) cannot be judged",
		Origin: policy.Origin{BuiltIn: "what a program names must be readable"},
	}, unix.EACCES)
}

// region finds the real name of a path and what it is in the cage.
func (j *judge) region(call seccomp.Call, written string, follow bool) (real string, exists bool, region mounts.Region) {
	real, exists, _ = j.lookup(call.TID, written, follow)
	return real, exists, j.process.plan.Regions.Of(real)
}

// atExec judges a program. The first one is the command itself.
func (j *judge) atExec(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	first := j.executed.Add(1) == 1
	if first && j.process.bounds.take(call.PID, j.process.first.pid()) != nil {
		return seccomp.Verdict{Errno: unix.EPERM} // the run fails with the reason
	}
	current := j.policy.Load()
	if first && !current.Exec.Commands {
		return seccomp.Verdict{}
	}
	real, exists, region := j.region(call, call.Written, true)
	if !exists && region != mounts.Private && current.Exec.Commands {
		return seccomp.Verdict{} // the kernel says so itself
	}
	decision := current.Decide(policy.Request{Class: policy.ClassExec, Path: real})
	if decision.Effect == policy.Allow {
		// A link may have the name that the rule is about.
		named := current.Decide(policy.Request{Class: policy.ClassExec, Path: path.Join("/usr/bin", path.Base(call.Path))})
		if named.Effect == policy.Deny && named.Origin == current.Exec.SystemFrom && !current.Exec.System {
			decision = named
		}
	}
	switch decision.Effect {
	case policy.Allow:
		return seccomp.Verdict{}
	case policy.Ask:
		if j.ask(ctx, call, policy.ClassExec, real, &decision) {
			return seccomp.Verdict{}
		}
	case policy.Deny:
	}
	return j.refuse(call, policy.ClassExec, real, decision, unix.EACCES)
}

// ask holds a call until the person answers. A yes to what the policy denies by then
// counts for nothing, and decision is that of the policy then.
func (j *judge) ask(ctx context.Context, call seccomp.Call, class policy.Class, target string, decision *policy.Decision) bool {
	asker := j.process.spec.Asker
	if asker == nil {
		return false
	}
	pid, waits := call.Process()
	if !waits {
		return false
	}
	limited, cancel := j.askContext(ctx.Done())
	defer cancel()
	allow, err := asker.Ask(limited, j.question(refused{pid: pid, operation: call.Operation, target: target}, class, "notify", *decision))
	yes := inTime(limited, allow, err)
	if class == policy.ClassNet {
		return yes // judged again where the connection is made
	}
	if now := j.policy.Load().Decide(policy.Request{Class: class, Path: target}); now.Effect == policy.Deny {
		*decision = now
		return false
	}
	return yes
}

// atWrite judges an operation that changes a path. Paths behind the gate are
// the gate's to refuse and to report.
func (j *judge) atWrite(call seccomp.Call, name string, second bool) seccomp.Verdict {
	if name == "" {
		return seccomp.Verdict{}
	}
	real, exists, readOnly := j.lookup(call.TID, name, follows(call))
	region := j.process.plan.Regions.Of(real)
	switch {
	case region == mounts.Gate && exists && (readOnly || call.Descriptor):
		// A file of the host that was given to the command: the gate is not on
		// the way to it.
		decision := j.policy.Load().Decide(policy.Request{Class: policy.ClassPathWrite, Path: real})
		if decision.Effect == policy.Deny {
			return j.refuse(call, policy.ClassPathWrite, real, decision, unix.EACCES)
		}
		return seccomp.Verdict{}
	case region == mounts.Gate && exists && makesAnew(call, second) && !j.process.gate.Shown(callerProcess(call), real):
		// The kernel would say that it is there already, which a look at it denies.
		decision := j.policy.Load().Decide(policy.Request{Class: policy.ClassPathWrite, Path: real})
		if decision.Effect == policy.Deny {
			return j.refuse(call, policy.ClassPathWrite, real, decision, unix.EACCES)
		}
		return seccomp.Verdict{}
	case region == mounts.Private || region == mounts.Gate:
		return seccomp.Verdict{}
	}
	if call.Operation == "open" || call.Operation == "create" {
		makes := call.Operation == "create"
		if exists && call.Flags&(unix.O_ACCMODE|unix.O_TRUNC) == unix.O_RDONLY && call.Name != "creat" || !exists && !makes {
			return seccomp.Verdict{} // only a read after all, or not there
		}
		call.Operation = "create"
		if exists {
			call.Operation = "open"
		}
	} else if exists == makesName(call, second) && (call.Operation != "rename" || !second) {
		return seccomp.Verdict{} // not there, or there already: the kernel says so itself
	}
	decision := j.policy.Load().Decide(policy.Request{Class: policy.ClassPathWrite, Path: real})
	if decision.Effect == policy.Allow && region == mounts.Write {
		return seccomp.Verdict{}
	}
	if decision.Effect == policy.Allow {
		decision.Rule += " (writable from the next run on)"
	}
	return j.refuse(call, policy.ClassPathWrite, real, decision, unix.EACCES)
}

// makesName reports whether an operation gives a new name rather than using
// one that exists.
func makesName(call seccomp.Call, second bool) bool {
	switch call.Operation {
	case "mkdir", "mknod", "symlink":
		return true
	case "link":
		return second
	}
	return false
}

// makesAnew reports whether an operation fails where there is something already.
func makesAnew(call seccomp.Call, second bool) bool {
	const anew = unix.O_CREAT | unix.O_EXCL
	return makesName(call, second) || call.Operation == "create" && call.Flags&anew == anew
}

// follows reports whether the kernel follows a link in the last name.
func follows(call seccomp.Call) bool {
	switch call.Operation {
	case "unlink", "rmdir", "rename", "link", "symlink", "mkdir", "mknod":
		return false
	case "open", "create":
		return call.Flags&unix.O_NOFOLLOW == 0
	}
	return call.Flags&unix.AT_SYMLINK_NOFOLLOW == 0
}

// synthetic are the addresses that stand for names; what is behind them is
// judged where they are given out.
func synthetic() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/15") }

// atConnect judges a connection to an address that a program named itself. It
// fails at once; the network would only reset it.
func (j *judge) atConnect(call seccomp.Call) seccomp.Verdict {
	addr := call.Address.Addr().Unmap()
	if !addr.IsValid() || addr.IsLoopback() || addr.IsUnspecified() || call.Address.Port() == 53 || call.Address.Port() == 0 {
		return seccomp.Verdict{} // the cage's own, or its resolver
	}
	current := j.policy.Load()
	if synthetic().Contains(addr) && current.Network.Outbound {
		return seccomp.Verdict{}
	}
	decision := current.DecideAddress("", addr, call.Address.Port())
	if decision.Effect != policy.Deny {
		return seccomp.Verdict{}
	}
	errno := unix.EACCES
	if !current.Network.Outbound {
		errno = unix.ENETUNREACH
	}
	return j.refuse(call, policy.ClassNet, netip.AddrPortFrom(addr, call.Address.Port()).String(), decision, errno)
}
