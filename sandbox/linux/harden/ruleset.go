//go:build linux

package harden

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LANDLOCK_ACCESS_FS_* of include/uapi/linux/landlock.h, by their bit.
const (
	fileExecute     = 1 << 0
	fileRead        = 1 << 2
	folderRead      = 1 << 3
	makeDevices     = 1<<6 | 1<<11
	upToRefer       = 1<<14 - 1 // version 2
	fileTruncate    = 1 << 14   // version 3
	deviceControl   = 1 << 15   // version 5
	resolveUnix     = 1 << 16   // version 9
	onlyFiles       = fileExecute | fileWrite | fileRead | fileTruncate | deviceControl
	everyConnection = 1<<0 | 1<<1 // LANDLOCK_ACCESS_NET_BIND_TCP and CONNECT_TCP, version 4
)

// Access is what a Ruleset opens at a place.
type Access int

// Read: read, list and execute. Write: change, make, remove and rename as well.
// Device: read, write and control one device. Reread and Rewrite: open one file
// once more for reading or writing, without emptying it.
const (
	Read Access = iota
	Write
	Device
	Reread
	Rewrite
)

func (a Access) rights() uint64 {
	switch a {
	case Read:
		return fileExecute | fileRead | folderRead
	case Write:
		return upToRefer&^makeDevices | fileTruncate
	case Device:
		return fileRead | fileWrite | deviceControl
	case Reread:
		return fileRead | deviceControl
	case Rewrite:
		return fileWrite | deviceControl
	}
	return 0
}

// Ruleset is a Landlock ruleset that refuses everything that this kernel's
// Landlock can refuse: files, TCP, abstract sockets and signals of processes
// outside. What it shall not refuse is opened by Allow. It may be made by one
// process and put in force by another that gets its descriptor.
type Ruleset struct {
	fd      int
	version int
	handled uint64
}

// NewRuleset makes one. Below version 6 (Linux 6.12) it is an *Error of
// KindMissing: signals and abstract sockets would stay open.
func NewRuleset() (*Ruleset, error) {
	const op = "make Landlock ruleset"
	version, err := LandlockVersion()
	if err != nil {
		return nil, err
	}
	if version < landlockVersionWithScopes {
		return nil, &Error{
			Op: op, Kind: KindMissing, Err: fmt.Errorf("version %d leaves signals and abstract sockets open", version),
			Hint: "a Linux of 6.12 or newer has version 6",
		}
	}
	attributes := rulesetAttributes{
		handledFiles: upToRefer | fileTruncate | deviceControl, handledNetwork: everyConnection,
		scoped: scopeAbstractUnixSockets | scopeSignals,
	}
	if version >= 9 {
		attributes.handledFiles |= resolveUnix
	}
	//nolint:gosec // the kernel reads the structure during the call only
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	if errno != 0 {
		return nil, &Error{Op: op, Err: errno}
	}
	return &Ruleset{fd: int(fd), version: version, handled: attributes.handledFiles}, nil
}

// Version is the Landlock version that the ruleset was made for.
func (r *Ruleset) Version() int { return r.version }

// Descriptor is the ruleset's; it stays the Ruleset's.
func (r *Ruleset) Descriptor() int { return r.fd }

// Close lets go of the ruleset; where it is in force, it stays so.
func (r *Ruleset) Close() { _ = unix.Close(r.fd) }

// Allow opens what a descriptor (O_PATH will do) is of, and all below it. What
// is of no tree, such as a pipe, needs no rule and gets none.
func (r *Ruleset) Allow(fd int, access Access) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return &Error{Op: "add Landlock rule", Err: err}
	}
	rights := access.rights() & r.handled
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= onlyFiles
	}
	err := addRule(r.fd, allowBelow(rights, fd))
	if err != nil && !errors.Is(err, unix.EBADFD) {
		return &Error{Op: "add Landlock rule", Err: err}
	}
	return nil
}

// Restrict puts a ruleset in force on the calling thread and all that it
// starts. It needs no_new_privs.
func Restrict(ruleset int) error {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0)
	switch {
	case errno == 0:
		return nil
	case errors.Is(errno, unix.EPERM):
		return &Error{Op: "restrict by Landlock", Err: errno, Hint: "set no_new_privs first"}
	case errors.Is(errno, unix.E2BIG):
		return &Error{Op: "restrict by Landlock", Err: errno, Hint: "the process already stands under 16 Landlock rulesets"}
	}
	return &Error{Op: "restrict by Landlock", Err: errno}
}
