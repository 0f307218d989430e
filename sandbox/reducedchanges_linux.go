package sandbox

import (
	"os"
	"path"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atChange judges an operation on a name; Landlock is what holds it.
func (r *reduced) atChange(call seccomp.Call, written string, second bool) seccomp.Verdict {
	if written == "" {
		return seccomp.Verdict{}
	}
	caller := callerOf(call)
	var target string
	if makesName(call, second) || call.Operation == "rename" && second {
		folder, name, err := caller.Parent(unix.AT_FDCWD, written)
		if err != nil {
			return seccomp.Verdict{} // the kernel says so itself
		}
		target = path.Join(folder.Path, name)
		folder.Close()
		if _, err := os.Lstat(target); err == nil && makesName(call, second) {
			return seccomp.Verdict{} // it is there already
		}
	} else {
		object, err := caller.Resolve(unix.AT_FDCWD, written, call.Operation == "truncate")
		if err != nil {
			return seccomp.Verdict{}
		}
		target = object.Path
		object.Close()
	}
	if call.Operation == "link" && !second {
		return seccomp.Verdict{} // a second name takes nothing away; Landlock looks at both places
	}
	decision := r.judgePath(policy.ClassPathWrite, target)
	if decision.Effect == policy.Allow && call.Operation != "truncate" && r.reach.of(path.Dir(target)) < accessWrite {
		decision = policy.Decision{
			Effect: policy.Deny, Rule: "reduced mode: what is allowed by its own name can be changed, and not be removed or replaced",
			Origin: policy.Origin{BuiltIn: "what only a full cage can open"},
		}
	}
	if decision.Effect == policy.Allow {
		return r.changes(call, target)
	}
	return r.refuse(call, policy.ClassPathWrite, target, decision, unix.EACCES)
}

// opened remembers a file that a program is let open to write.
func (r *reduced) opened(call seccomp.Call) {
	j := r.process.judge
	if j.grown == nil {
		return
	}
	o, err := r.readOpening(call)
	if err != nil || o.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return
	}
	caller := callerOf(call)
	if object, err := caller.Resolve(o.folder, o.path, o.flags&unix.O_NOFOLLOW == 0); err == nil {
		defer object.Close()
		j.opens(call, object.Path, o.flags)
	} else if folder, name, err := caller.Parent(o.folder, o.path); err == nil {
		defer folder.Close()
		j.opens(call, path.Join(folder.Path, name), o.flags)
	}
}

// changes is told of an operation on a name that is let go on.
func (r *reduced) changes(call seccomp.Call, target string) seccomp.Verdict {
	j := r.process.judge
	if j.grown == nil {
		return seccomp.Verdict{}
	}
	switch call.Operation {
	case "truncate":
		return j.atTruncateByName(call, target)
	case "unlink", "rename":
		j.grown.left(target)
	}
	return seccomp.Verdict{}
}
