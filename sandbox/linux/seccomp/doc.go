// Package seccomp limits the system calls of a caged command and reports those
// that a policy has a word on.
//
// It owns the table of system calls for x86-64 and arm64 (table.go: each row
// with its reason), the filter made from it (Build), its installation on the
// calling thread (Install), and the Listener, which receives the calls that
// the filter hands over.
//
// What the filter refuses by itself, and every errno that a Listener's handler
// answers, is final. A call that the handler lets go on is only reported: the
// kernel reads its arguments again afterwards, and another thread of the
// program may have changed them. So a handler must never be the wall that
// keeps a path or an address from a program; mounts and the network namespace
// are. It may refuse more than they do, report what they refuse, and hold a
// call until a person has answered.
//
// The filter refuses with an errno what no ordinary program needs: mounts,
// namespaces, kernel modules, bpf, perf, keyrings, io_uring, handles, other
// processes' memory and descriptors, terminal injection, set-uid bits, unusual
// socket families and TCP Fast Open. A call of another architecture kills the
// process; a number that is newer than the table, or of the x32 range, gives
// ENOSYS. clone3 and openat2 give ENOSYS because their arguments lie in memory,
// where a filter cannot see them; programs then use clone and openat.
//
// What is refused so is told, where there is a Listener (barred.go): the filter hands the
// call over, and the Listener evaluates the same rule over the call's registers, which
// nobody can change, refuses it before any handler is asked, and never lets it go on.
// Where there is none, or none is left, the filter or the kernel refuses it. Nobody is
// told of what programs ask for in passing and do without: clone3 and openat2 (at every
// thread and in every C library), a call that is newer than the table, multipath TCP
// (every server in Go), TCP Fast Open (a connect follows), requests to a console (a
// terminal of a run is none), the flags of pidfd_send_signal, and in the reduced mode
// IPv6 (Go, curl and node ask whether it is there). That git, python, node, npm, Go,
// Java, curl, ssh, gcc, sqlite and a shell start and work without one more refusal was
// seen by tracing them in a cage.
//
// Build is pure. Install acts on the calling thread. A Listener's Run calls the
// handler from many goroutines at once, up to a bound, in the order in which
// calls arrive at the kernel; a handler that blocks holds only its own call, and
// for some milliseconds those behind it. No lock is held over it. A call that the
// handler lets go on at once costs the program about five times what a bare open and
// close do (BenchmarkOpen: 21 µs, where those take 4); one that the filter allows
// costs nothing that can be measured.
package seccomp
