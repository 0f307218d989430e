package sandbox

import (
	"context"
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// opening is what an open asks for.
type opening struct {
	folder  int
	path    string
	flags   int
	mode    uint32
	creates bool
}

func (r *reduced) readOpening(call seccomp.Call) (opening, error) {
	a := call.Arguments
	o := opening{folder: unix.AT_FDCWD}
	var address uint64
	switch call.Name {
	case "open":
		address, o.flags, o.mode = a[0], int(uint32(a[1])), uint32(a[2])
	case "creat":
		address, o.flags, o.mode = a[0], unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, uint32(a[1])
	default:
		o.folder, address, o.flags, o.mode = int(int32(a[0])), a[1], int(uint32(a[2])), uint32(a[3])
	}
	o.creates = o.flags&unix.O_CREAT != 0
	var err error
	o.path, err = seccomp.ReadString(call.TID, address)
	return o, err
}

// atOpen judges an open. Letting it go on opens nothing that Landlock does not.
func (r *reduced) atOpen(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	o, err := r.readOpening(call)
	if err != nil {
		if o.flags&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) == 0 {
			call.Class = policy.ClassPathRead
		}
		return r.notRead(call, err)
	}
	if o.flags&unix.O_PATH != 0 {
		return seccomp.Verdict{} // a name to go on from; it can be neither read nor written
	}
	if memory := r.memory(o.path); memory != "" {
		return r.openMemory(call, o, memory)
	}
	caller := callerOf(call)
	follow := o.flags&unix.O_NOFOLLOW == 0 && (!o.creates || o.flags&unix.O_EXCL == 0)
	object, err := caller.Resolve(o.folder, o.path, follow)
	if !call.Valid() {
		object.Close()
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err != nil {
		if errors.Is(err, unix.ENOENT) && o.creates {
			return r.atCreate(ctx, call, caller, o)
		}
		return seccomp.Verdict{} // the kernel finds nothing there either
	}
	defer object.Close()
	if object.Path[0] != '/' || strings.HasPrefix(object.Path, "/memfd:") || o.creates && o.flags&unix.O_EXCL != 0 {
		return seccomp.Verdict{} // a pipe of its own; or it is there already
	}
	class := policy.ClassPathRead
	if o.flags&(unix.O_WRONLY|unix.O_RDWR|unix.O_TRUNC) != 0 || o.flags&unix.O_TMPFILE == unix.O_TMPFILE {
		class = policy.ClassPathWrite
	}
	if class == policy.ClassPathRead && ownProcess(call, object.Path) {
		return give(object.Open(o.flags))(o.flags)
	}
	if r.isStandard(object, class) {
		return seccomp.Verdict{}
	}
	if r.makesTerminals(object) {
		return give(r.terminals.open(o.flags))(o.flags)
	}
	if r.terminals.has(object) {
		return give(object.Open(o.flags))(o.flags)
	}
	call.Operation = "open"
	if class == policy.ClassPathRead && object.Type() == unix.S_IFDIR {
		call.Operation = "opendir" // as the gate calls it: an answer may be to the folder with all below it
	}
	decision := r.judgePath(class, object.Path)
	if object.Gone && decision.Effect == policy.Ask {
		decision = notToBeAsked()
	}
	if decision.Effect != policy.Allow && within(object.Path, "/sys") && decision.Origin == r.process.judge.policy.Load().Default {
		return seccomp.Verdict{Errno: unix.ENOENT} // as in a full cage, where it is not there: programs look in vain and go on
	}
	switch {
	case decision.Effect == policy.Allow:
		return seccomp.Verdict{}
	case decision.Effect == policy.Ask && r.process.judge.ask(ctx, call, class, object.Path, &decision):
		return give(object.Open(o.flags))(o.flags)
	}
	return r.refuse(call, class, object.Path, decision, unix.EACCES)
}

// notToBeAsked is the decision on a file that a program still has hold of and that is
// not under its name any more: a yes would be to what a person finds there.
func notToBeAsked() policy.Decision {
	return policy.Decision{
		Effect: policy.Deny, Rule: "reduced mode: it was removed or replaced since the program came upon it",
		Origin: policy.Origin{BuiltIn: "what a person is asked about is what has the name"},
	}
}

// give hands a file to the program.
func give(fd int, err error) func(flags int) seccomp.Verdict {
	return func(flags int) seccomp.Verdict {
		if err != nil {
			return failed(err)
		}
		return seccomp.Verdict{Done: true, Give: &seccomp.Given{Descriptor: fd, CloseOnExec: flags&unix.O_CLOEXEC != 0}}
	}
}

// atCreate judges the making of a file by open.
func (r *reduced) atCreate(ctx context.Context, call seccomp.Call, caller emulate.Caller, o opening) seccomp.Verdict {
	folder, name, err := caller.Parent(o.folder, o.path)
	if !call.Valid() {
		folder.Close()
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err != nil {
		return seccomp.Verdict{} // there is no place for it
	}
	defer folder.Close()
	call.Operation = "create"
	full := path.Join(folder.Path, name)
	decision := r.judgePath(policy.ClassPathWrite, full)
	switch {
	case decision.Effect == policy.Allow:
		return seccomp.Verdict{}
	case decision.Effect == policy.Ask && r.process.judge.ask(ctx, call, policy.ClassPathWrite, full, &decision):
		return give(folder.Make(name, o.flags, o.mode&^caller.Umask()))(o.flags)
	}
	return r.refuse(call, policy.ClassPathWrite, full, decision, unix.EACCES)
}
