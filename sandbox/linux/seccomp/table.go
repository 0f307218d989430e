//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// newestCall is the highest number that the table was written with knowledge
// of (Linux 6.19; the two architectures share the numbers from 424 on). What
// is newer gives ENOSYS until someone has looked at it.
const newestCall = 471

// none is the number of a call that an architecture does not have.
const none = -1

// row is what happens with one system call. What has no row is allowed.
type row struct {
	name  string
	amd64 int
	arm64 int
	rule  rule
}

// table is the whole policy of the filter. Numbers are those of the kernel's
// arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl. Rows whose
// rule looks at arguments stand first: the kernel answers calls that are always
// allowed or have no row without running the filter.
func table() []row {
	return []row{
		// Files: writing is reported, and a new file never has a set-uid bit.
		{"openat", 257, 56, onOpen(2, 3)},
		{"open", 2, none, onOpen(1, 2)},
		{"creat", 85, none, onMode(1)},
		{"mkdir", 83, none, onNotify()},
		{"mkdirat", 258, 34, onNotify()},
		{"mknod", 133, none, onMode(1)},
		{"mknodat", 259, 33, onMode(2)},
		{"unlink", 87, none, onNotify()},
		{"unlinkat", 263, 35, onNotify()},
		{"rmdir", 84, none, onNotify()},
		{"rename", 82, none, onNotify()},
		{"renameat", 264, 38, onNotify()},
		{"renameat2", 316, 276, onNotify()},
		{"link", 86, none, onNotify()},
		{"linkat", 265, 37, onNotify()},
		{"symlink", 88, none, onNotify()},
		{"symlinkat", 266, 36, onNotify()},
		{"truncate", 76, 45, onNotify()},
		{"chmod", 90, none, onMode(1)},
		{"fchmod", 91, 52, onMode(1)},
		{"fchmodat", 268, 53, onMode(2)},
		{"fchmodat2", 452, 452, onMode(2)},
		{"chown", 92, none, onNotify()},
		{"lchown", 94, none, onNotify()},
		{"fchown", 93, 55, onNotify()},
		{"fchownat", 260, 54, onNotify()},
		{"utime", 132, none, onNotify()},
		{"utimes", 235, none, onNotify()},
		{"futimesat", 261, none, onNotify()},
		{"utimensat", 280, 88, onNotify()},
		{"setxattr", 188, 5, onNotify()},
		{"lsetxattr", 189, 6, onNotify()},
		{"fsetxattr", 190, 7, onNotify()},
		{"setxattrat", 463, 463, onNotify()},
		{"removexattr", 197, 14, onNotify()},
		{"lremovexattr", 198, 15, onNotify()},
		{"fremovexattr", 199, 16, onNotify()},
		{"removexattrat", 466, 466, onNotify()},
		{"file_setattr", 469, 469, onNotify()},
		// Programs and connections.
		{"execve", 59, 221, onNotify()},
		{"execveat", 322, 281, onNotify()},
		{"connect", 42, 203, onNotify()},
		{"bind", 49, 200, onReduced(notify)},
		{"listen", 50, 201, onReduced(notify)},
		// Sockets: only the families that programs need, and no data before the connection is judged.
		{"socket", 41, 198, onSocket()},
		{"socketpair", 53, 199, onSocketPair()},
		{"sendto", 44, 206, onFastOpen(3)},
		{"sendmsg", 46, 211, onFastOpen(2)},
		{"sendmmsg", 307, 269, onFastOpen(3)},
		{"setsockopt", 54, 208, onSetSockOpt()},
		// Namespaces: a new one would bring new powers over kernel code.
		{"clone", 56, 220, onNamespaces(0, cloneNamespaces)},
		{"unshare", 272, 97, onNamespaces(0, cloneNamespaces|unix.CLONE_NEWTIME)},
		{"setns", 308, 268, unlessNested(unix.EPERM)},
		{"clone3", 435, 435, refuse(unix.ENOSYS)},
		// Arguments in memory, where a filter cannot see them.
		{"openat2", 437, 437, refuse(unix.ENOSYS)},
		// Leases make others wait who open the file, also outside; a cage's process
		// can own a file that it may only read.
		{"fcntl", 72, 25, onFcntl()},
		// Growing past RLIMIT_FSIZE; see size.go.
		{AllocateCall, 285, 47, onAllocate},
		{TruncateCall, 77, 46, onTruncate},
		// Limits of other processes: init has the same user.
		{"prlimit64", 302, 261, onOthersLimits()},
		// What a cage without namespaces shares with the machine; see reduced.go.
		{"inotify_add_watch", 254, 27, onReduced(notify)},
		{"sched_setparam", 142, 118, onReduced(notify)},
		{"sched_setscheduler", 144, 119, onReduced(notify)},
		{"sched_setaffinity", 203, 122, onReduced(notify)},
		{"sched_setattr", 314, 274, onReduced(notify)},
		{"shmget", 29, 194, onReduced(makesIPC)},
		{"shmat", 30, 196, onReduced(noIPC)},
		{"shmctl", 31, 195, onReduced(noIPC)},
		{"semget", 64, 190, onReduced(makesIPC)},
		{"semop", 65, 193, onReduced(noIPC)},
		{"semctl", 66, 191, onReduced(noIPC)},
		{"semtimedop", 220, 192, onReduced(noIPC)},
		{"msgget", 68, 186, onReduced(makesIPC)},
		{"msgsnd", 69, 189, onReduced(noIPC)},
		{"msgrcv", 70, 188, onReduced(noIPC)},
		{"msgctl", 71, 187, onReduced(noIPC)},
		{"mq_open", 240, 180, onReduced(makesIPC)},
		{"mq_unlink", 241, 181, onReduced(noIPC)},
		// Terminals: typing into another's terminal.
		{"ioctl", 16, 29, onIoctl()},
		// Everyone in the process group: a second lock, since the command leads its own.
		{"setpriority", 141, 140, onGroup(unix.PRIO_PGRP)},
		{"ioprio_set", 251, 30, onGroup(ioprioWhoGroup)},
		{"kill", 62, 129, onOwnGroup()},
		{"pidfd_send_signal", 424, 424, onSignalFlags()},
		// Only the personalities that programs ask for in good faith.
		{"personality", 135, 92, onPersonality()},
		// Mounts are the walls of the cage.
		{"mount", 165, 40, unlessNested(unix.EPERM)},
		{"umount2", 166, 39, unlessNested(unix.EPERM)},
		{"pivot_root", 155, 41, unlessNested(unix.EPERM)},
		{"chroot", 161, 51, unlessNested(unix.EPERM)},
		{"open_tree", 428, 428, unlessNested(unix.EPERM)},
		{"open_tree_attr", 467, 467, unlessNested(unix.EPERM)},
		{"move_mount", 429, 429, unlessNested(unix.EPERM)},
		{"fsopen", 430, 430, unlessNested(unix.EPERM)},
		{"fsconfig", 431, 431, unlessNested(unix.EPERM)},
		{"fsmount", 432, 432, unlessNested(unix.EPERM)},
		{"fspick", 433, 433, unlessNested(unix.EPERM)},
		{"mount_setattr", 442, 442, unlessNested(unix.EPERM)},
		// Kernel code that ordinary programs do not need and attackers do.
		{"bpf", 321, 280, bar(unix.EPERM)},
		{"perf_event_open", 298, 241, bar(unix.EPERM)},
		{"userfaultfd", 323, 282, bar(unix.EPERM)},
		{"modify_ldt", 154, none, bar(unix.EPERM)},
		{"uselib", 134, none, bar(unix.EPERM)},
		{"vhangup", 153, 58, bar(unix.EPERM)},
		{"nfsservctl", 180, 42, bar(unix.EPERM)},
		{"lookup_dcookie", 212, 18, bar(unix.EPERM)},
		{"_sysctl", 156, none, bar(unix.EPERM)},
		// Its operations pass by this filter.
		{"io_uring_setup", 425, 425, bar(unix.EPERM)},
		{"io_uring_enter", 426, 426, bar(unix.EPERM)},
		{"io_uring_register", 427, 427, bar(unix.EPERM)},
		// The person's kernel keyrings.
		{"add_key", 248, 217, bar(unix.EPERM)},
		{"request_key", 249, 218, bar(unix.EPERM)},
		{"keyctl", 250, 219, bar(unix.EPERM)},
		// Files by handle pass by every folder on their way.
		{"open_by_handle_at", 304, 265, bar(unix.EPERM)},
		{"fanotify_init", 300, 262, bar(unix.EPERM)},
		{"fanotify_mark", 301, 263, bar(unix.EPERM)},
		// Other processes' memory and descriptors.
		{"process_vm_readv", 310, 270, bar(unix.EPERM)},
		{"process_vm_writev", 311, 271, bar(unix.EPERM)},
		{"pidfd_getfd", 438, 438, bar(unix.EPERM)},
		{"kcmp", 312, 272, bar(unix.EPERM)},
		// Namespaces of others.
		{"listns", 470, 470, bar(unix.EPERM)},
		// The machine itself.
		{"init_module", 175, 105, bar(unix.EPERM)},
		{"finit_module", 313, 273, bar(unix.EPERM)},
		{"delete_module", 176, 106, bar(unix.EPERM)},
		{"kexec_load", 246, 104, bar(unix.EPERM)},
		{"kexec_file_load", 320, 294, bar(unix.EPERM)},
		{"reboot", 169, 142, bar(unix.EPERM)},
		{"swapon", 167, 224, bar(unix.EPERM)},
		{"swapoff", 168, 225, bar(unix.EPERM)},
		{"acct", 163, 89, bar(unix.EPERM)},
		{"quotactl", 179, 60, bar(unix.EPERM)},
		{"quotactl_fd", 443, 443, bar(unix.EPERM)},
		{"syslog", 103, 116, bar(unix.EPERM)},
		{"sethostname", 170, 161, bar(unix.EPERM)},
		{"setdomainname", 171, 162, bar(unix.EPERM)},
		{"settimeofday", 164, 170, bar(unix.EPERM)},
		{"clock_settime", 227, 112, bar(unix.EPERM)},
		{"iopl", 172, none, bar(unix.EPERM)},
		{"ioperm", 173, none, bar(unix.EPERM)},
	}
}

func (r row) number(arch string) int {
	if arch == "arm64" {
		return r.arm64
	}
	return r.amd64
}
