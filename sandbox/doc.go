// Package sandbox runs a command in a cage that the kernel enforces.
//
// It owns the cage of one run: the namespaces, the mounts, the gate that
// serves refused paths, the system-call filter, the network of the cage and
// the self-test. It promises that nothing but what the policy allows is
// reachable by any process of the run, that every refusal that a mechanism
// sees reaches Spec.Denied, and that no process outlives the run or its
// supervisor. It never weakens a policy because a mechanism is missing: it
// refuses to start and says which one. It knows nothing of the gateway.
//
//	cage, err := sandbox.New(ctx)
//	process, err := cage.Start(ctx, spec)   // builds the cage, self-tests, starts
//	report := process.Report()              // what is enforced, as proven inside
//	change, err := process.Update(policy)   // a policy that changed meanwhile
//	status, err := process.Wait()
//
// Cage.Prepare starts the next run's first process before its policy is known.
//
// A program that uses it calls RunStage first of all in main: the same program
// is started again as the inside of each cage.
//
// # The threat
//
// A program that the person started as an agent, and everything it starts, wants
// to read, change, run or reach what its policy does not allow. It runs as the
// person, or as root; it knows this code; it may use any system call, any number
// of processes, and races. Programs outside the cage are not hostile, but they do
// what they like to files meanwhile. Other agents in cages of their own are as hostile:
// they may share a folder with this one, and what the kernel counts for each user.
//
// # What holds, and by what
//
// Files: a mount namespace that holds only what the policy opens (package
// linux/mounts), and the gate for all else (linux/gate). The kernel resolves
// every path there; no decision rests on a string that a program wrote. A folder
// on the way to a denied path is served by the gate, which refuses the name:
// what file it is at the moment, and whether there is one, does not matter. Where
// the file system finds a file by more names than it lists (another case, a short
// name), a policy that gives less inside what it opens is refused, in both modes,
// and a change of one is told as still open. Older copies that no listing shows
// (.zfs, .snapshot) are denied with what they copy. A folder that cannot be listed, lies
// below 64 others, or is one more than can be watched, in which a denied pattern may
// match, is left to the gate with all below it. A program that is in a native folder when
// that goes back to the gate (it is renamed, or something in it comes to be denied) stays in
// it, with a path that says nothing (/proc/left/0) and no way up, until it goes there by name;
// git fails meanwhile, and what is covered in it for that program cannot be removed from there. A link that this agent or another one may
// have made leads to nothing that is opened (policy.Policy, Shared).
// Processes: a process namespace, and Landlock's scope for signals. The person's
// terminal: a session of the run's own on a terminal of its own (package terminal), to
// which what is typed is passed on while the run is in the foreground; in the reduced
// mode too, where Landlock keeps the run from every other one by name. Without a terminal
// the command has a session of its own as well: what the kernel counts for a session (the
// share of the processors, /proc/self/autogroup) or does to a process group is nobody
// else's. Signals stay what they were: the cage's first process stays in the group that the
// run was started in, and gives the command's what that is sent (linux/stage, Ear). Network: a
// net namespace with nothing in it but what the supervisor answers
// (linux/network, by a redirect of nf_tables or by a TUN device; egress). Names
// are refused by the cage's own DNS and nothing is forwarded for them; the
// address that was judged is the one that is dialled; the TLS name and the host
// of every HTTP request must be the one that was looked up. A connection that is
// held for an answer is given up with it when the program hangs up. Unix sockets: the
// supervisor makes the connection that it judged; a pair of datagram sockets becomes
// one of sequenced packets, which sends nowhere but to its other end (the reduced
// mode refuses it); a nested sandbox reaches sockets in the cage's own /tmp only.
// Privilege: no capability, no_new_privs and the call filter (linux/seccomp); that
// is what makes sudo and every other set-uid program harmless, not the list of names
// that gives them a clear answer. Execution under `execute_commands: false`: after
// the first program every execve fails, and no file that it may write can be mapped
// for execution. Memory of its own can be, also where it has a descriptor
// (memfd_create, shmget): interpreters compile into it.
//
// Where namespaces are refused a policy with `enforce: reduced` gets less, by
// Landlock and by calls that the supervisor makes in the program's place
// (linux/keeper, linux/emulate). The report names what it lacks. /dev/shm is a folder of
// the run's own there, for what programs share by a name, and of /dev/pts it opens the
// terminals that it has made. There an answer
// opens a file, and no program; and a device's node that somebody else made in an
// allowed folder is a file of it, as its mode says, which no mount of a full cage lets
// be opened.
//
// # What only reports
//
// A call that the filter hands over and lets go on (a write to a system folder, a
// program) is judged by text that the program may change meanwhile. Its answer
// may refuse more than the walls do; it never opens anything.
//
// # What is told
//
// Every refusal of the gate, the mounts, the network and the supervisor, and what the call
// filter refuses whatever it names (a UNIX datagram socket, as for syslog and sd_notify, raw,
// netlink and packet sockets, leases, flags of files, mounts, io_uring, keyrings, the clock…):
// mechanism "filter", in the words of what was asked for. Not told is what programs try in
// passing and do without (package linux/seccomp lists it), what the kernel itself refuses to
// whoever has no right (ptrace, a port below 1024, a priority), and a UDP datagram that is sent
// without connect: it ends in the cage's network with EPERM (by a TUN device ENETUNREACH), and
// only a connect of such a socket comes to the supervisor.
//
// # What does not hold
//
// A second name (hard link) of a denied file, made before the run, inside an
// allowed folder: the report names it. A file that comes to match a denied `**`
// pattern because somebody outside makes it, in a folder where none matched: it is
// open until it is seen, or the gate has refused to open it to anybody, and to who has
// opened it by then. Then it is reported and refused, by its name to who comes by a path and by a mount on it to a program that
// was in a folder above it before; to that program another file in its place is open for
// such a moment again. A folder that somebody outside moves onto a denied name, and one
// that can be neither listed nor watched: the same, and a program that was in that very
// folder, or below it, or had one of these open, reaches what is in it until the run
// ends. What comes to match in a folder that somebody outside has moved out of the allowed
// ones: a program that was in it, or below it, reaches that until the run ends, and the
// report says so but for what is in folders that are made there later. A nested sandbox
// keeps the view that it has made before. A name that a `**` pattern denies and a program in the cage creates by
// winning a race: it is refused from then on. A link that an agent made in a folder while it
// might write that, and that a later policy allows by its own name only: it is followed as
// the person's. A host's socket in a folder that the agent may write. What a run draws on
// the person's terminal, which it may do at any time, as a program without a cage may.
// Data that is handed to an allowed host; what hides behind it at a content network (a
// Host inside TLS that differs from the TLS name, the inner name of ECH); names in
// protocols other than TLS and HTTP. A write that max_file_size refuses to a program
// which ignores SIGXFSZ is seen by the file alone: one that has no room left is told, a
// write far behind the end of a smaller one is not, nor any in a nested sandbox; before
// Linux 6.15 nor is one that ended a program below the command, but as a file that is full. SIGSTOP
// to the process group of a run, which nobody hears: who runs it stops, and the command only at its next call that is served. A socket of the machine's
// network that somebody outside hands to a program of a full cage: it is connected to
// nothing there, but the program may listen with it. What /proc says of the machine as a
// whole (stat, interrupts, diskstats, loadavg), and how long things take: whoever watches
// that closely learns when the person types and when other programs work. A flaw of the
// kernel. What an agent does with what it
// was allowed, and what it leaves there that somebody runs outside: the policy keeps
// start-up files read-only (policy.Compile), and knows of no other.
//
// That a run starts, goes on, or is quick, against an agent that wants it not to. With
// half a million names in a shared folder, or a denied one in more of its folders than the
// kernel has watches, a start with a `**` pattern is refused; a folder that is replaced
// just while a cage is made may end the start; many deep or new folders make it slow. It
// may use up memory, disk and processes (the policy's limits hold that), and what the
// kernel counts for all programs of a user: a cage leaves others some of the inotify
// instances and watches, namespaces, and descriptors on their way, but not of epoll's
// watches, pipes' memory or pseudo-terminals, and several cages together may use up the
// rest. Then a cage does not start, or ends; none is weaker for it. Of descriptors on their
// way something is left to programs that may open as many files as the machine lets them,
// as a cage's supervisor does: one with the usual limit of 1,024, such as tmux, can hand
// none to another while an agent has more on the way.
//
// # Order, blocking, locking
//
// Spec.Denied is called from one goroutine, in the order of the refusals, the
// first one at once and those that follow it gathered for 5 ms; a refused look
// (stat, access, one try of an execve) waits up to 50 ms for what it was a look
// for. Spec.Connected and the Asker are called from many. No lock
// is held over a callback. Wait returns after the last Denied.
//
// On macOS the same calls build a cage of Seatbelt's: sandbox/darwin says what
// holds there, what does not, and that we have not yet run it on a Mac.
package sandbox
