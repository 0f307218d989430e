//go:build linux

package harden

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From the kernel's include/uapi/linux/landlock.h.
const (
	landlockQueryVersion      = 1      // LANDLOCK_CREATE_RULESET_VERSION
	scopeAbstractUnixSockets  = 1 << 0 // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	scopeSignals              = 1 << 1 // LANDLOCK_SCOPE_SIGNAL
	landlockVersionWithScopes = 6      // Linux 6.12
	landlockVersionWithRefer  = 2      // Linux 5.19: renames between folders can be allowed
	ruleBelowPath             = 1      // LANDLOCK_RULE_PATH_BENEATH
)

// LANDLOCK_ACCESS_FS_*, as of version 2, all of which 6 has.
const (
	fileWrite  = 1 << 1
	makeSocket = 1 << 9
	fileRefer  = 1 << 13 // to move and link from one folder to another

	// everyChange is all but to execute, read and list: where one of those is
	// handled, or to truncate, which is looked at whenever something is opened,
	// Landlock walks up the path of every file that is opened, which takes half
	// as long again as to open it.
	everyChange = 1<<14 - 1 - (1<<0 | 1<<2 | 1<<3)
)

// rulesetAttributes is struct landlock_ruleset_attr as of version 6.
type rulesetAttributes struct {
	handledFiles   uint64
	handledNetwork uint64
	scoped         uint64
}

// belowPath is struct landlock_path_beneath_attr, which is packed.
type belowPath [12]byte

func allowBelow(access uint64, fd int) *belowPath {
	var rule belowPath
	binary.NativeEndian.PutUint64(rule[:], access)
	binary.NativeEndian.PutUint32(rule[8:], uint32(fd))
	return &rule
}

// LandlockVersion is the ABI version of the running kernel's Landlock.
func LandlockVersion() (int, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockQueryVersion)
	switch {
	case errno == 0:
		return int(version), nil
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EOPNOTSUPP):
		return 0, &Error{
			Op: "find Landlock", Kind: KindMissing, Err: errno,
			Hint: `the kernel was built or started without it; add "landlock" to the lsm= list of the kernel's command line`,
		}
	}
	return 0, &Error{Op: "find Landlock", Err: errno}
}

// Restricted is what RestrictToTree did.
type Restricted struct {
	Version int  // of Landlock, as far as it was used
	Scopes  bool // abstract sockets and signals are cut off by it as well
}

// RestrictToTree keeps the calling thread from changing anything that does not
// lie below its root folder: a descriptor that it holds of something else can be
// written to only if it was opened for that, however it is opened again. The
// descriptors named may be reopened in that mode; they must be of files,
// devices, pipes or sockets. Where there is version 6 it does what
// RestrictScopes does as well; before that, abstract sockets and signals are
// left to namespaces, which must hold them. Of Landlock it uses what newest has;
// 0 is all of it. Below version 2 it is an *Error of KindMissing.
func RestrictToTree(newest int, descriptors ...int) (Restricted, error) {
	attributes := rulesetAttributes{handledFiles: everyChange}
	version, err := LandlockVersion()
	if err != nil {
		return Restricted{}, err
	}
	if newest > 0 {
		version = min(version, newest)
	}
	if version >= landlockVersionWithScopes {
		attributes.scoped = scopeAbstractUnixSockets | scopeSignals
	}
	done := Restricted{Version: version, Scopes: attributes.scoped != 0}
	return done, restrict(version, landlockVersionWithRefer, attributes, func(ruleset int) error {
		if err := allowBelowRoot(ruleset, everyChange); err != nil {
			return err
		}
		for _, fd := range descriptors {
			access, err := accessOf(fd)
			if err != nil {
				return fmt.Errorf("descriptor %d: %w", fd, err)
			}
			if access == 0 {
				continue
			}
			err = addRule(ruleset, allowBelow(access, fd))
			if err != nil && !errors.Is(err, unix.EBADFD) { // a pipe, a socket, memory: of no tree, and Landlock has no word on them
				return fmt.Errorf("allow descriptor %d: %w", fd, err)
			}
		}
		return nil
	})
}

func allowBelowRoot(ruleset int, access uint64) error {
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open root: %w", err)
	}
	defer func() { _ = unix.Close(root) }()
	if err := addRule(ruleset, allowBelow(access, root)); err != nil {
		return fmt.Errorf("allow root: %w", err)
	}
	return nil
}

// accessOf is what a descriptor was opened for; 0 if it needs no rule.
func accessOf(fd int) (uint64, error) {
	var stat unix.Stat_t
	err := unix.Fstat(fd, &stat)
	if errors.Is(err, unix.EBADF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	switch {
	case stat.Mode&unix.S_IFMT == unix.S_IFDIR:
		return 0, unix.EISDIR
	case flags&unix.O_PATH != 0:
		return 0, nil
	}
	if flags&unix.O_ACCMODE == unix.O_RDONLY {
		return 0, nil
	}
	return fileWrite, nil
}

func addRule(ruleset int, rule *belowPath) error {
	//nolint:gosec // the kernel reads the structure during the call only
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), ruleBelowPath, uintptr(unsafe.Pointer(rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// RestrictScopes cuts the calling thread, and all that it starts, off from
// abstract UNIX sockets and signals of processes outside. It needs
// no_new_privs or CAP_SYS_ADMIN. It returns the Landlock version; below 6 it
// restricts nothing and returns an *Error of KindMissing.
func RestrictScopes() (int, error) {
	version, err := LandlockVersion()
	if err != nil {
		return 0, err
	}
	return version, restrict(version, landlockVersionWithScopes, rulesetAttributes{scoped: scopeAbstractUnixSockets | scopeSignals}, nil)
}

// RestrictScopesFirst is RestrictScopes for a thread that a Ruleset is put in force on
// later. Once any layer handles files, every layer refuses to move and link from one
// folder to another (EXDEV) unless a rule of its own allows it: this one has a rule for
// all folders, so that the Ruleset alone decides. A thread under it may not mount.
func RestrictScopesFirst() error {
	version, err := LandlockVersion()
	if err != nil {
		return err
	}
	attributes := rulesetAttributes{handledFiles: fileRefer, scoped: scopeAbstractUnixSockets | scopeSignals}
	return restrict(version, landlockVersionWithScopes, attributes, func(ruleset int) error {
		return allowBelowRoot(ruleset, fileRefer)
	})
}

// RestrictSockets keeps the calling thread from giving a socket a path anywhere but below
// the folder. It sets no_new_privs, and needs no privilege.
func RestrictSockets(folder int) error {
	version, err := LandlockVersion()
	if err != nil {
		return err
	}
	if err := NoNewPrivileges(); err != nil {
		return err
	}
	return restrict(version, landlockVersionWithRefer, rulesetAttributes{handledFiles: makeSocket}, func(ruleset int) error {
		return addRule(ruleset, allowBelow(makeSocket, folder))
	})
}

// HasScopes reports whether a version of Landlock can do what RestrictScopes does.
func HasScopes(version int) bool { return version >= landlockVersionWithScopes }

func restrict(version, needed int, attributes rulesetAttributes, allow func(ruleset int) error) error {
	const op = "restrict by Landlock"
	if version < needed {
		since := map[int]string{landlockVersionWithRefer: "5.19", landlockVersionWithScopes: "6.12"}[needed]
		return &Error{
			Op: op, Kind: KindMissing, Err: fmt.Errorf("version %d", version),
			Hint: fmt.Sprintf("a Linux of %s or newer has version %d", since, needed),
		}
	}
	// A kernel refuses a structure that is longer than the one it knows.
	size := unsafe.Sizeof(attributes)
	if attributes.scoped == 0 {
		size = unsafe.Sizeof(attributes.handledFiles)
	}
	//nolint:gosec // the kernel reads the structure during the call only
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), size, 0)
	if errno != 0 {
		return &Error{Op: op, Err: fmt.Errorf("create ruleset: %w", errno)}
	}
	if allow != nil {
		if err := allow(int(ruleset)); err != nil {
			_ = unix.Close(int(ruleset))
			return &Error{Op: op, Err: err}
		}
	}
	_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	if err := unix.Close(int(ruleset)); err != nil && errno == 0 {
		return &Error{Op: op, Err: fmt.Errorf("close ruleset: %w", err)}
	}
	switch {
	case errno == 0:
		return nil
	case errors.Is(errno, unix.EPERM):
		return &Error{Op: op, Err: errno, Hint: "set no_new_privs first"}
	case errors.Is(errno, unix.E2BIG):
		return &Error{Op: op, Err: errno, Hint: "the process already stands under 16 Landlock rulesets"}
	}
	return &Error{Op: op, Err: errno}
}
