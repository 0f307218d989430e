// Package linux holds no code: it is the page on what Linux gives a cage, by the
// kernel's version. The packages below it are the mechanisms.
//
// # What a full cage needs
//
// Linux 5.19, for Landlock 2; user, mount, process, network, IPC, UTS and cgroup
// namespaces that an ordinary user may make; FUSE; seccomp with user
// notification; nf_tables or TUN where a policy lets something out. Landlock's
// scopes (6.12) are a second lock on what the process and network namespaces hold
// already, and are used where they are there; the report says which it is. One
// signal can leave a process namespace, that to the caller's own process group. The
// command leads a group of its own; as a second lock, where there are no scopes, the
// call filter refuses that signal, so that `kill 0` fails, and an agent can end its own
// run by a signal to the cage's first process.
// Where one is missing, nothing is started and the refusal names it. Nothing is
// concluded from the version that uname gives, since distributions carry things
// back and leave things out: each mechanism is tried, in every cage before its
// command starts, and by `openclaw doctor`.
//
// What the call filter refuses whatever it names is told by the same notification (5.0),
// which is final there: the supervisor reads no more than the call's registers for it, and
// never lets it go on. A supervisor that is gone leaves the kernel to refuse it, with ENOSYS.
//
// # What a reduced cage needs
//
// Linux 6.12, for Landlock's scopes, which nothing stands in for there, and seccomp with user notification; no namespace, no FUSE,
// no nf_tables. It is for machines whose AppArmor or container refuses
// namespaces, not for old kernels.
//
// # What each kernel brought
//
//	5.0    seccomp user notification                     used: call notification
//	5.2    open_tree, move_mount                         used: mount namespace
//	5.5    seccomp: notified calls may go on (CONTINUE)  used: call notification
//	5.6    openat2; pidfd_getfd                          used: gate; sockets of the reduced mode
//	5.9    seccomp ADDFD; the listener hears that no process is left
//	                                                     used: the end of a reduced run
//	5.11   close_range with CLOEXEC                      used: descriptors
//	5.12   mount_setattr                                 used: read-only binds
//	5.13   Landlock 1: files
//	5.14   seccomp ADDFD that answers at once            used: files given after an ask, in the reduced mode
//	5.15   - (the oldest that this table is about)
//	5.19   Landlock 2: REFER                             used: every cage
//	       seccomp WAIT_KILLABLE_RECV                    used where it is there: signals wait for an answer
//	6.2    Landlock 3: TRUNCATE
//	6.6    fchmodat2; seccomp SYNC_WAKE_UP               used: modes in the reduced mode; where it is there, faster answers
//	6.7    Landlock 4: TCP bind and connect              used: reduced mode
//	6.9    PIDFD_THREAD                                  used: sockets of the reduced mode
//	6.10   Landlock 5: IOCTL_DEV                         used: reduced mode
//	6.11   NS_GET_TGID_FROM_PIDNS                        used where it is there: else a search through /proc names the process
//	6.12   Landlock 6: scopes for abstract sockets and signals
//	                                                     used: reduced mode; a second lock elsewhere
//	6.13   PIDFD_GET_INFO                                used where it is there: else /proc names the process
//	6.15   PIDFD_INFO_EXIT                               used where it is there: else nobody hears that a write past
//	                                                     max_file_size ended a program below the command
//	       Landlock 7: control of audit records          not used
//	7.0    Landlock 8: all threads at once               not used: a cage starts from one thread
//	7.1    Landlock 9: RESOLVE_UNIX                      used where it is there: a second lock on sockets with a path
//	7.2    Landlock 10: UDP                              not used: no UDP socket can be made in the reduced mode
//
// FUSE may be mounted in user namespaces since 4.18.
//
// Sources: the kernel's Documentation/userspace-api/landlock.rst and
// security/landlock/errata; the man pages landlock(7), seccomp_unotify(2),
// openat2(2), pidfd_open(2), pidfd_getfd(2), close_range(2), mount_setattr(2),
// chmod(2), ioctl_nsfs(2) and namespaces(7) for the versions; the merge "seccomp
// updates for v5.19-rc1" for WAIT_KILLABLE_RECV; include/uapi/linux/nsfs.h of
// v6.11 for the translation of process numbers.
//
// # Processors
//
// x86-64 and arm64: a filter for each, and every number of both is walked by the filter's
// tests. For arm64 the cage's tests run in an emulated machine, with Debian's Linux 6.1
// and 6.12 (.ci/arm64); on a real one they were not run yet.
//
// # Distributions
//
// Debian 12 has 6.1 and Ubuntu 24.04 began with 6.8, with Landlock 2 and 4: the
// full cage is built, the reduced one is refused with that reason. Debian's 6.1
// was booted in an emulator to see that. Ubuntu's AppArmor lets a namespace be
// made and then refuses every use of it; `openclaw doctor --fix` installs the
// profile that allows it to this program.
package linux
