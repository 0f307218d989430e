package sandbox

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// leftToHandler are the calls of a reduced cage that the handler reads itself.
// Those that open are held by Landlock; of the others nothing is ever let go
// on: each is made here, in the program's place, or fails.
func leftToHandler() []string {
	return []string{
		"open", "openat", "creat",
		"connect", "bind", "listen", seccomp.AllocateCall, seccomp.TruncateCall, "inotify_add_watch",
		"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
		"setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr",
		"setpriority", "ioprio_set", "sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr",
	}
}

func (r *reduced) serve(serving context.Context, message control.Message) error {
	if len(message.Files) != 1 || r.served.Load() {
		message.CloseFiles()
		return &Error{Op: "serve calls", Err: errors.New("no descriptor came")}
	}
	listener := seccomp.NewListener(message.Files[0], true, r.atCall)
	listener.LeaveToHandler(append(leftToHandler(), seccomp.NamespaceCalls()...)...)
	listener.TellUnread(r.unread)
	listener.TellBarred(r.barred)
	r.served.Store(true)
	r.process.services.Go(func() {
		defer close(r.calls)
		// An error here ends the answers: every call that would be judged fails
		// from then on, so the cage is closed, not open.
		_ = listener.Run(serving)
	})
	return nil
}

// atCall judges a call of a reduced cage.
func (r *reduced) atCall(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	if r.ending.Load() {
		endCaller(call)
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	switch call.Name {
	case seccomp.AllocateCall:
		return r.process.judge.atAllocate(call)
	case seccomp.TruncateCall:
		return r.process.judge.atTruncate(call)
	}
	switch call.Operation {
	case "unshare":
		return r.process.judge.atNamespace(call)
	case "open", "create":
		verdict := r.atOpen(ctx, call)
		if verdict.Errno == 0 {
			r.opened(call)
		}
		return verdict
	case "execve":
		verdict := r.atExec(ctx, call)
		if verdict.Errno == 0 {
			r.process.judge.executes(call)
		}
		return verdict
	case "connect":
		return r.atConnect(ctx, call)
	case "bind":
		return r.atBind(call)
	case "listen":
		return r.atListen(call)
	case "watch":
		return r.atWatch(call)
	case "chmod", "chown", "utime":
		return r.atAttribute(call)
	case "setxattr", "removexattr", "setattr":
		return r.atExtended(call)
	case "set priority":
		return r.atPriority(call)
	}
	if call.Path != "" && call.Path == r.process.judge.probe.path {
		r.process.judge.probe.seen.Store(true)
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if verdict, own := r.changeMemory(call); own {
		return verdict
	}
	if verdict := r.atChange(call, call.Written, false); verdict.Errno != 0 || call.Written2 == "" {
		return verdict
	}
	return r.atChange(call, call.Written2, true)
}

// endCaller ends a process that outlived the run.
func endCaller(call seccomp.Call) {
	fd, err := unix.PidfdOpen(call.PID, 0)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if call.Valid() {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// refuse reports and answers. What the self-test was refused is nobody's denial.
func (r *reduced) refuse(call seccomp.Call, class policy.Class, target string, decision policy.Decision, errno unix.Errno) seccomp.Verdict {
	if !r.tested.Load() {
		return seccomp.Verdict{Errno: errno}
	}
	return r.process.judge.refuse(call, class, target, decision, errno)
}

// unread reports a call of a program whose memory cannot be read: what it named is
// not known, so it is refused, and the person should know.
func (r *reduced) unread(call seccomp.Call) {
	if r.tested.Load() {
		r.process.judge.unread(call)
	}
}

// barred reports a call that the filter's rules refuse, but for those of the self-test.
func (r *reduced) barred(call seccomp.Call) {
	if r.tested.Load() {
		r.process.judge.barred(call)
	}
}

// notRead is the answer when something of the program's memory could not be read.
func (r *reduced) notRead(call seccomp.Call, err error) seccomp.Verdict {
	if errors.Is(err, unix.EACCES) && call.Valid() {
		r.unread(call)
	}
	return failed(err)
}

func callerOf(call seccomp.Call) emulate.Caller { return emulate.Caller{PID: call.PID, TID: call.TID} }

// failed is an errno for the program.
func failed(err error) seccomp.Verdict {
	var errno unix.Errno
	if errors.As(err, &errno) && errno != 0 {
		return seccomp.Verdict{Errno: errno}
	}
	return seccomp.Verdict{Errno: unix.EACCES}
}

func did(err error) seccomp.Verdict {
	if err != nil {
		return failed(err)
	}
	return seccomp.Verdict{Done: true}
}

// judgePath is what policy and Landlock say of a path. A place that the policy
// allows and Landlock does not open is a denial that says why.
func (r *reduced) judgePath(class policy.Class, name string) policy.Decision {
	decision := r.process.judge.policy.Load().Decide(policy.Request{Class: class, Path: name})
	needed := accessRead
	if class == policy.ClassPathWrite {
		needed = accessWrite
	}
	if decision.Effect != policy.Allow || r.reach.of(name) >= needed {
		return decision
	}
	return policy.Decision{Effect: policy.Deny, Rule: "reduced mode: " + closedBecause(name), Origin: policy.Origin{BuiltIn: "what only a full cage can open"}}
}

func closedBecause(name string) string {
	switch {
	case within(name, "/tmp"):
		return "/tmp is everybody's here; programs find the run's own folder in TMPDIR"
	case within(name, "/proc"):
		return "of /proc only a program's own process is shown"
	case within(name, "/dev"):
		return "/dev is the machine's own here; only the devices that hold nothing are opened"
	}
	return "it lies beside a denied path, is a folder above one, or was not there at the start"
}

// notToBeAnswered is the decision on a program that policy would ask about and
// Landlock does not open. A file can be opened in the program's place and handed
// over; to execute one the kernel opens it for the caller, whom no answer frees of
// its rules. So nobody is asked for a yes that would do nothing.
func notToBeAnswered() policy.Decision {
	return policy.Decision{
		Effect: policy.Deny, Rule: "reduced mode: no answer can open a program; allow its path before the run",
		Origin: policy.Origin{BuiltIn: "what only a full cage can open"},
	}
}

// ownProcess reports whether a path is of what /proc says about the calling
// process itself, and harmless in its hands. The kernel's general figures are
// shown too. Landlock opens nothing of /proc, where rules do not hold on to
// processes; it is opened here and handed over.
func ownProcess(call seccomp.Call, name string) bool {
	switch name {
	case "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version", "/proc/filesystems", "/proc/vmstat",
		"/proc/sys/kernel/osrelease", "/proc/sys/kernel/ostype", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/ngroups_max",
		"/proc/sys/kernel/random/uuid", "/proc/sys/kernel/threads-max", "/proc/sys/fs/file-max", "/proc/sys/fs/nr_open", "/proc/sys/fs/pipe-max-size",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/vm/mmap_min_addr", "/proc/sys/net/core/somaxconn":
		return true
	}
	own := "/proc/" + strconv.Itoa(call.PID) + "/"
	rest, ok := strings.CutPrefix(name, own)
	if !ok {
		return false
	}
	if below, ok := strings.CutPrefix(rest, "task/"); ok {
		_, tail, _ := strings.Cut(below, "/")
		rest = tail
	}
	switch rest {
	case "", "fd", "task", "auxv", "cgroup", "cmdline", "comm", "environ", "io", "limits", "loginuid", "maps", "mountinfo", "mounts",
		"oom_score", "oom_score_adj", "sched", "schedstat", "sessionid", "smaps", "smaps_rollup", "stat", "statm", "status", "wchan":
		return true
	}
	return false
}

// isStandard reports whether an object is one of the command's standard files,
// opened again as it was opened before.
func (r *reduced) isStandard(object *emulate.Object, class policy.Class) bool {
	if len(r.reach.files) == 0 {
		return false
	}
	var stat unix.Stat_t
	if err := unix.Fstat(object.Descriptor, &stat); err != nil {
		return false
	}
	had := r.reach.files[fileID{uint64(stat.Dev), stat.Ino}] //nolint:unconvert // not the same on every architecture
	return had == accessWrite || had == accessRead && class == policy.ClassPathRead
}

// atExec judges a program. The first one is the command itself.
func (r *reduced) atExec(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	j := r.process.judge
	first := j.executed.Add(1) == 1
	if first && j.process.bounds.take(call.PID, j.process.first.pid()) != nil {
		return seccomp.Verdict{Errno: unix.EPERM} // the run fails with the reason
	}
	current := j.policy.Load()
	if first && !current.Exec.Commands {
		return seccomp.Verdict{}
	}
	object, err := callerOf(call).Resolve(unix.AT_FDCWD, call.Written, true)
	if err != nil {
		if current.Exec.Commands {
			return seccomp.Verdict{} // the kernel says so itself
		}
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	defer object.Close()
	decision := current.Decide(policy.Request{Class: policy.ClassExec, Path: object.Path})
	if decision.Effect == policy.Allow {
		named := current.Decide(policy.Request{Class: policy.ClassExec, Path: path.Join("/usr/bin", path.Base(call.Path))})
		if named.Effect == policy.Deny && named.Origin == current.Exec.SystemFrom && !current.Exec.System {
			decision = named
		}
	}
	switch reached := r.reach.of(object.Path) != accessNone; {
	case reached:
	case decision.Effect == policy.Allow:
		decision = r.judgePath(policy.ClassPathRead, object.Path)
	case decision.Effect == policy.Ask:
		decision = notToBeAnswered()
	}
	switch {
	case decision.Effect == policy.Allow:
		return seccomp.Verdict{}
	case decision.Effect == policy.Ask && j.ask(ctx, call, policy.ClassExec, object.Path, &decision):
		return seccomp.Verdict{}
	}
	return r.refuse(call, policy.ClassExec, object.Path, decision, unix.EACCES)
}

// atWatch puts a watch on a path that may be read.
func (r *reduced) atWatch(call seccomp.Call) seccomp.Verdict {
	a := call.Arguments
	name, err := seccomp.ReadString(call.TID, a[1])
	if err != nil {
		return failed(err)
	}
	mask := uint32(a[2])
	caller := callerOf(call)
	queue, err := caller.Take(int(int32(a[0])))
	if err != nil {
		return failed(err)
	}
	defer func() { _ = unix.Close(queue) }()
	object, err := caller.Resolve(unix.AT_FDCWD, name, mask&unix.IN_DONT_FOLLOW == 0)
	if !call.Valid() {
		object.Close()
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err != nil {
		return failed(err)
	}
	defer object.Close()
	decision := r.judgePath(policy.ClassPathRead, object.Path)
	if decision.Effect != policy.Allow {
		return r.refuse(call, policy.ClassPathRead, object.Path, decision, unix.EACCES)
	}
	wd, err := object.Watch(queue, mask)
	if err != nil {
		return failed(err)
	}
	return seccomp.Verdict{Done: true, Value: int64(wd)}
}

// atPriority lets a program change the priority of the run's own threads.
func (r *reduced) atPriority(call seccomp.Call) seccomp.Verdict {
	a := call.Arguments
	who := int(int32(a[0]))
	switch call.Name {
	case "setpriority":
		if int32(a[0]) != unix.PRIO_PROCESS {
			return seccomp.Verdict{Errno: unix.EPERM}
		}
		who = int(int32(a[1]))
	case "ioprio_set":
		if int32(a[0]) != 1 { // IOPRIO_WHO_PROCESS
			return seccomp.Verdict{Errno: unix.EPERM}
		}
		who = int(int32(a[1]))
	}
	if who == 0 || who == call.TID || who == call.PID || r.process.identity.below(who) {
		return seccomp.Verdict{}
	}
	return seccomp.Verdict{Errno: unix.EPERM}
}
