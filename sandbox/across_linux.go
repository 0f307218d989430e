package sandbox

import (
	"errors"
	"path"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
)

// across makes a tree of native folders in served ones look like one file system
// to a program that changes names in it. A folder that is a mount could not be
// removed or renamed, so it is given back to the gate first; and Linux moves and
// links nothing from one mount to another, so that is done here, on the host,
// beneath held descriptors and as the policy judges the names that were read:
// what the program writes into its memory meanwhile does not matter.
func (j *judge) across(call seccomp.Call) seccomp.Verdict {
	binder, regions := j.process.binder, j.process.plan.Regions
	switch call.Operation {
	case "rmdir", "rename", "link":
	default:
		return seccomp.Verdict{}
	}
	from, _, _ := j.lookup(call.TID, call.Written, false)
	if regions.Level(from) == "" {
		return seccomp.Verdict{}
	}
	if call.Operation == "rmdir" {
		return leaveBound(binder, from)
	}
	to, _, _ := j.lookup(call.TID, call.Written2, false)
	if regions.Level(to) != regions.Level(from) || regions.Of(from) != mounts.Write || regions.Of(to) != mounts.Write {
		return seccomp.Verdict{}
	}
	if call.Operation == "rename" {
		for _, name := range []string{from, to} {
			if _, err := placeOf(name); err == nil && j.splits(name) {
				return seccomp.Verdict{Errno: unix.EBUSY} // as the gate says, which a program in a folder that is kept goes past
			}
			if verdict := leaveBound(binder, name); verdict.Errno != 0 {
				return verdict
			}
		}
	}
	if binder.mountOf(path.Dir(from)) == binder.mountOf(path.Dir(to)) || !call.Valid() {
		return seccomp.Verdict{}
	}
	var err error
	switch {
	case call.Operation == "rename" && call.Name != "renameat2": // which alone has flags
		err = j.process.gate.Move(from, to, 0)
	case call.Operation == "rename":
		err = j.process.gate.Move(from, to, uint(call.Flags))
	case call.Name == "linkat" && call.Flags != 0:
		return seccomp.Verdict{} // by a descriptor or through a link: only within one mount
	default:
		err = j.process.gate.Join(from, to)
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return seccomp.Verdict{Errno: errno}
	}
	return seccomp.Verdict{Done: true}
}

func leaveBound(b *binder, name string) seccomp.Verdict {
	if _, err := b.leave(name); err != nil {
		return seccomp.Verdict{Errno: unix.EBUSY}
	}
	return seccomp.Verdict{}
}
