//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// ioctlType is the part of a request's number that names whose it is, by
// Documentation/userspace-api/ioctl/ioctl-number.rst.
const ioctlType = 0xff00

// Requests that are looked at one by one. From the kernel's
// include/uapi/linux/fs.h, fscrypt.h, fsverity.h, btrfs.h, msdos_fs.h and
// asm-generic/ioctls.h, and fs/ceph/ioctl.h.
const (
	tiocLinux = 0x541c // TIOCLINUX

	getFlags            = 0x80086601 // FS_IOC_GETFLAGS
	getFlags32          = 0x80046601 // FS_IOC32_GETFLAGS
	fileExtents         = 0xc020660b // FS_IOC_FIEMAP
	getEncryption       = 0x400c6615 // FS_IOC_GET_ENCRYPTION_POLICY
	getEncryptionEx     = 0xc0096616 // FS_IOC_GET_ENCRYPTION_POLICY_EX
	measureVerity       = 0xc0046686 // FS_IOC_MEASURE_VERITY
	getVersion          = 0x80087601 // FS_IOC_GETVERSION
	getVersion32        = 0x80047601 // FS_IOC32_GETVERSION
	getExtendedFlags    = 0x801c581f // FS_IOC_FSGETXATTR
	clone               = 0x40049409 // FICLONE
	cloneRange          = 0x4020940d // FICLONERANGE
	shareRange          = 0xc0189436 // FIDEDUPERANGE
	getFileSystemLabel  = 0x81009431 // FS_IOC_GETFSLABEL
	setFATAttributes    = 0x40047211 // FAT_IOCTL_SET_ATTRIBUTES: read-only, hidden, system
	setCephLayout       = 0x40289702 // CEPH_IOC_SET_LAYOUT
	setCephPolicy       = 0x40289705 // CEPH_IOC_SET_LAYOUT_POLICY
	typeFile            = 'f' << 8   // FS_IOC_SETFLAGS, encryption keys, verity
	typeVersion         = 'v' << 8   // FS_IOC_SETVERSION
	typeExtended        = 'X' << 8   // FS_IOC_FSSETXATTR, freezing, and XFS's own
	typeBtrfs           = 0x94 << 8  // snapshots and subvolumes
	typeBcachefs        = 0xbc << 8  // the same
	typeF2FS            = 0xf5 << 8  // atomic writes, compression
	typeOCFS2           = 0x6f << 8  // copies by reference
	typeConsole         = 'K' << 8   // keyboard and screen of a virtual terminal
	typeVirtualTerminal = 'V' << 8   // and which one is seen
)

// onIoctl refuses to type into a terminal and to change it for whoever uses it
// after the run; and what changes a file or its file system through a descriptor
// that was opened for reading only, which no mount and no Landlock rule looks
// at. A snapshot of a subvolume holds what a mount covers in it. Nobody is told of
// requests to a console: a terminal of a run is none, and says the same.
func onIoctl() rule {
	return func(o Options) []unix.SockFilter {
		unsupported, noTerminal := barred(o, unix.EOPNOTSUPP), errno(unix.ENOTTY)
		ofType := func(number uint32, allowed []uint32, refused []unix.SockFilter) []unix.SockFilter {
			if len(allowed) > 0 {
				refused = sequence(ifOneOf(1, allowed, allow()), refused)
			}
			return ifEqual(1, ioctlType, number, refused)
		}
		return sequence(
			ifOneOf(1, []uint32{unix.TIOCSTI, tiocLinux, unix.TIOCSETD, unix.TIOCCONS, unix.TIOCEXCL}, barred(o, unix.EPERM)),
			ifOneOf(1, []uint32{setFATAttributes, setCephLayout, setCephPolicy}, unsupported),
			ofType(typeFile, []uint32{getFlags, getFlags32, fileExtents, getEncryption, getEncryptionEx, measureVerity}, unsupported),
			ofType(typeVersion, []uint32{getVersion, getVersion32}, unsupported),
			ofType(typeExtended, []uint32{getExtendedFlags}, unsupported),
			ofType(typeBtrfs, []uint32{clone, cloneRange, shareRange, getFileSystemLabel}, unsupported),
			ofType(typeBcachefs, nil, unsupported),
			ofType(typeF2FS, nil, unsupported),
			ofType(typeOCFS2, nil, unsupported),
			ofType(typeConsole, nil, noTerminal),
			ofType(typeVirtualTerminal, nil, noTerminal),
			allow(),
		)
	}
}

// onGroup refuses to change every process of the caller's group, which 0 is where it has
// no number inside. The command leads a group of its own: this is the second lock.
func onGroup(which uint32) rule {
	return func(o Options) []unix.SockFilter {
		if o.Reduced {
			return notify(o)
		}
		return sequence(ifEqual(0, allBits, which, ifEqual(1, allBits, 0, barred(o, unix.EPERM))), allow())
	}
}

// onOwnGroup refuses a signal to the caller's own group where nothing else does:
// kill with 0. Other groups are named by numbers of the cage's own.
func onOwnGroup() rule {
	return func(o Options) []unix.SockFilter {
		if !o.NoScopes {
			return allow()
		}
		return sequence(ifEqual(0, allBits, 0, barred(o, unix.EPERM)), allow())
	}
}

// onSignalFlags refuses what pidfd_send_signal can do beyond one process, a
// group for instance (6.9): a kernel without it says EINVAL, and programs expect that.
func onSignalFlags() rule {
	return func(o Options) []unix.SockFilter {
		if !o.NoScopes {
			return allow()
		}
		return sequence(ifBits(3, allBits, errno(unix.EINVAL)), allow())
	}
}

// ioprioWhoGroup is IOPRIO_WHO_PGRP of linux/ioprio.h.
const ioprioWhoGroup = 2
