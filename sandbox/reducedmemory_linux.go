package sandbox

import (
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// sharedMemory is where the C library has the memory and the semaphores that programs share
// by a name: shm_overview(7), sem_overview(7). A full cage has one of its own.
const sharedMemory = "/dev/shm"

// memory is the path of the run's own that takes the place of one in /dev/shm, or "". What
// a config opens there itself is the machine's.
func (r *reduced) memory(written string) string {
	name, is := strings.CutPrefix(path.Clean(written), sharedMemory+"/")
	if !is || strings.Contains(name, "/") || r.reach.of(sharedMemory) != accessNone {
		return ""
	}
	whole := policy.Request{Class: policy.ClassPathWrite, Path: path.Join(sharedMemory, name)}
	if r.process.judge.policy.Load().Decide(whole).Effect != policy.Allow {
		return ""
	}
	return path.Join(r.folder.memory, name)
}

// openMemory opens, in the program's place, what it shares by a name. Who asks for a file
// that is there and for a new one at once is served though another makes it meanwhile.
func (r *reduced) openMemory(call seccomp.Call, o opening, name string) seccomp.Verdict {
	for range maxOpenings {
		verdict := r.openMemoryOnce(call, o, name)
		if verdict.Errno != unix.EEXIST || o.flags&unix.O_EXCL != 0 {
			return verdict
		}
	}
	return seccomp.Verdict{Errno: unix.EEXIST}
}

// maxOpenings bounds the tries of an open that others race with.
const maxOpenings = 100

func (r *reduced) openMemoryOnce(call seccomp.Call, o opening, name string) seccomp.Verdict {
	caller := callerOf(call)
	object, err := caller.Resolve(unix.AT_FDCWD, name, false)
	if err == nil {
		defer object.Close()
	}
	switch {
	case !call.Valid():
		return seccomp.Verdict{Errno: unix.EACCES}
	case err == nil && o.creates && o.flags&unix.O_EXCL != 0:
		return seccomp.Verdict{Errno: unix.EEXIST}
	case err == nil:
		return give(object.Open(o.flags))(o.flags)
	case !o.creates || !errors.Is(err, unix.ENOENT):
		return failed(err)
	}
	folder, last, err := caller.Parent(unix.AT_FDCWD, name)
	if err != nil {
		return failed(err)
	}
	defer folder.Close()
	return give(folder.Make(last, o.flags, o.mode&^caller.Umask()))(o.flags)
}

// changeMemory removes, links and renames what programs share by a name. own is false where
// the call is about something else.
func (r *reduced) changeMemory(call seccomp.Call) (verdict seccomp.Verdict, own bool) {
	name := r.memory(call.Written)
	if name == "" {
		return seccomp.Verdict{}, false
	}
	switch call.Operation {
	case "unlink":
		return did(unix.Unlink(name)), true
	case "link", "rename":
	default:
		return seccomp.Verdict{}, false
	}
	second := r.memory(call.Written2)
	switch {
	case second == "":
		return seccomp.Verdict{Errno: unix.EXDEV}, true
	case call.Operation == "link":
		return did(unix.Link(name, second)), true
	case call.Name == "renameat2":
		return did(unix.Renameat2(unix.AT_FDCWD, name, unix.AT_FDCWD, second, uint(call.Flags))), true
	}
	return did(unix.Rename(name, second)), true
}
