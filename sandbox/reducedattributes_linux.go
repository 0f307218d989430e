package sandbox

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// attribute is one call that changes a mode, an owner or times. Where a field
// says "argument", -1 is "has none".
type attribute struct {
	folder, path, file int // arguments
	flags              int // argument with AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH
	nofollow           bool
	read               func(call seccomp.Call) (change, error)
}

// change is what an attribute is to be. It reads nothing of the program's: that is
// read before the call is known to wait still, when its memory may be another's.
type change func(o *emulate.Object) error

func attributes() map[string]attribute {
	mode := func(argument int) func(seccomp.Call) (change, error) {
		return func(call seccomp.Call) (change, error) {
			return func(o *emulate.Object) error { return o.Chmod(uint32(call.Arguments[argument]) & 0o7777) }, nil
		}
	}
	owner := func(first int) func(seccomp.Call) (change, error) {
		return func(call seccomp.Call) (change, error) {
			return func(o *emulate.Object) error {
				return o.Chown(int(int32(call.Arguments[first])), int(int32(call.Arguments[first+1])))
			}, nil
		}
	}
	times := func(argument int, read func(tid int, address uint64) (*[2]unix.Timespec, error)) func(seccomp.Call) (change, error) {
		return func(call seccomp.Call) (change, error) {
			var t *[2]unix.Timespec // nil: now
			var err error
			if call.Arguments[argument] != 0 {
				t, err = read(call.TID, call.Arguments[argument])
			}
			return func(o *emulate.Object) error { return o.SetTimes(t) }, err
		}
	}
	return map[string]attribute{
		"chmod":     {-1, 0, -1, -1, false, mode(1)},
		"fchmod":    {-1, -1, 0, -1, false, mode(1)},
		"fchmodat":  {0, 1, -1, -1, false, mode(2)},
		"fchmodat2": {0, 1, -1, 3, false, mode(2)},
		"chown":     {-1, 0, -1, -1, false, owner(1)},
		"lchown":    {-1, 0, -1, -1, true, owner(1)},
		"fchown":    {-1, -1, 0, -1, false, owner(1)},
		"fchownat":  {0, 1, -1, 4, false, owner(2)},
		"utime":     {-1, 0, -1, -1, false, times(1, readUtimbuf)},
		"utimes":    {-1, 0, -1, -1, false, times(1, readTimevals)},
		"futimesat": {0, 1, -1, -1, false, times(2, readTimevals)},
		"utimensat": {0, 1, -1, 3, false, times(2, readTimespecs)},
	}
}

// atAttribute changes an attribute in the program's place: Landlock has no word
// on them, and a path that the program names again could be another by then.
func (r *reduced) atAttribute(call seccomp.Call) seccomp.Verdict {
	what, ok := r.attributes[call.Name]
	if !ok {
		return seccomp.Verdict{Errno: unix.ENOSYS}
	}
	apply, err := what.read(call)
	if err != nil {
		return r.notRead(call, err)
	}
	object, err := what.object(call)
	if !call.Valid() {
		object.Close()
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err != nil {
		return failed(err)
	}
	defer object.Close()
	if object.Path[0] != '/' { // a pipe or a socket: it may be the person's
		return seccomp.Verdict{Errno: unix.EPERM}
	}
	decision := r.judgePath(policy.ClassPathWrite, object.Path)
	if decision.Effect != policy.Allow || object.Type() == unix.S_IFCHR || object.Type() == unix.S_IFBLK {
		return r.refuse(call, policy.ClassPathWrite, object.Path, decision, unix.EACCES)
	}
	return did(apply(object))
}

// extended are the calls that would change what Landlock has no word on either, and that
// are not made in a program's place: a file system may take an attribute for a right.
func extended() map[string]attribute {
	return map[string]attribute{
		"setxattr":      {folder: -1, path: 0, file: -1, flags: -1},
		"lsetxattr":     {folder: -1, path: 0, file: -1, flags: -1, nofollow: true},
		"fsetxattr":     {folder: -1, path: -1, file: 0, flags: -1},
		"setxattrat":    {folder: 0, path: 1, file: -1, flags: 2},
		"removexattr":   {folder: -1, path: 0, file: -1, flags: -1},
		"lremovexattr":  {folder: -1, path: 0, file: -1, flags: -1, nofollow: true},
		"fremovexattr":  {folder: -1, path: -1, file: 0, flags: -1},
		"removexattrat": {folder: 0, path: 1, file: -1, flags: 2},
		"file_setattr":  {folder: 0, path: 1, file: -1, flags: 4},
	}
}

// atExtended refuses an extended attribute, as a file system that has none, and tells.
func (r *reduced) atExtended(call seccomp.Call) seccomp.Verdict {
	const none = unix.EOPNOTSUPP
	what, ok := extended()[call.Name]
	if !ok {
		return seccomp.Verdict{Errno: none}
	}
	object, err := what.object(call)
	if err != nil && call.Valid() {
		return r.notRead(call, err)
	}
	defer object.Close()
	if !call.Valid() || object.Path[0] != '/' { // a pipe or a socket has none
		return seccomp.Verdict{Errno: none}
	}
	decision := r.judgePath(policy.ClassPathWrite, object.Path)
	if decision.Effect == policy.Allow {
		decision = policy.Decision{
			Effect: policy.Deny, Rule: "reduced mode: extended attributes stay as they are",
			Origin: policy.Origin{BuiltIn: "what only a full cage can open"},
		}
	}
	return r.refuse(call, policy.ClassPathWrite, object.Path, decision, none)
}

// object finds what the call is about.
func (a attribute) object(call seccomp.Call) (*emulate.Object, error) {
	caller := callerOf(call)
	if a.file >= 0 {
		return caller.File(int(int32(call.Arguments[a.file])))
	}
	folder, flags := unix.AT_FDCWD, uint64(0)
	if a.folder >= 0 {
		folder = int(int32(call.Arguments[a.folder]))
	}
	if a.flags >= 0 {
		flags = call.Arguments[a.flags]
	}
	address := call.Arguments[a.path]
	if address == 0 && call.Name == "utimensat" { // the descriptor itself
		return caller.File(folder)
	}
	name, err := seccomp.ReadString(call.TID, address)
	if err != nil {
		return nil, err
	}
	if name == "" && flags&unix.AT_EMPTY_PATH != 0 {
		if folder != unix.AT_FDCWD {
			return caller.File(folder)
		}
		name = "."
	}
	return caller.Resolve(folder, name, !a.nofollow && flags&unix.AT_SYMLINK_NOFOLLOW == 0)
}

func readTimespecs(tid int, address uint64) (*[2]unix.Timespec, error) {
	words, err := readWords(tid, address, 4)
	if err != nil {
		return nil, err
	}
	return &[2]unix.Timespec{{Sec: words[0], Nsec: words[1]}, {Sec: words[2], Nsec: words[3]}}, nil
}

func readTimevals(tid int, address uint64) (*[2]unix.Timespec, error) {
	words, err := readWords(tid, address, 4)
	if err != nil {
		return nil, err
	}
	const most = int64(time.Second / time.Microsecond)
	if words[1] < 0 || words[1] >= most || words[3] < 0 || words[3] >= most {
		return nil, unix.EINVAL
	}
	return &[2]unix.Timespec{{Sec: words[0], Nsec: words[1] * 1000}, {Sec: words[2], Nsec: words[3] * 1000}}, nil
}

func readUtimbuf(tid int, address uint64) (*[2]unix.Timespec, error) {
	words, err := readWords(tid, address, 2)
	if err != nil {
		return nil, err
	}
	return &[2]unix.Timespec{{Sec: words[0]}, {Sec: words[1]}}, nil
}

func readWords(tid int, address uint64, count int) ([]int64, error) {
	buffer := make([]byte, 8*count)
	if err := seccomp.ReadMemory(tid, address, buffer); err != nil {
		return nil, err
	}
	words := make([]int64, count)
	for i := range words {
		words[i] = int64(binary.NativeEndian.Uint64(buffer[8*i:]))
	}
	return words, nil
}
