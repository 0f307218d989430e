// Package cgroup bounds what all processes of one run take together: memory,
// processes and processor time, by the kernel's control groups, version 2.
//
// It owns the finding of a place where this process may make groups (Find), the
// group of one run (Group), and the removal of groups that a supervisor left
// behind when it was killed. It promises that a limit which Set took is in
// force, read back from the kernel; that no process of the command can raise
// it, also one that builds namespaces of its own; that what the limits refused
// is counted; and that a group is removed with all its processes. It never
// makes a group where it was not given the right to, and it never changes a
// group that it did not make, but for switching on controllers on the way.
//
// # Where
//
// A process may make groups below one whose folder, cgroup.procs and
// cgroup.subtree_control it may write to, and a group that hands controllers
// on must hold no process itself (Documentation/admin-guide/cgroup-v2.rst, "No
// Internal Process Constraint"). Find goes up from the group that this process
// is in. systemd gives a user the whole of user@UID.service, so a terminal of
// the desktop and every `systemd-run --user --scope` have such a place; a
// session over ssh (session-N.scope) has none, because its parent is root's. A
// group that was delegated to this process alone, with its processes in it, is
// made fit by moving them into a group of their own below it.
//
// # Shape
//
//	PLACE/openclaw                       hands controllers on; while it does, nobody above can take them away
//	PLACE/openclaw/run-X                 memory.max, memory.swap.max, memory.oom.group, cpu.max
//	PLACE/openclaw/run-X/init            the cage's own first process
//	PLACE/openclaw/run-X/command         pids.max
//	PLACE/openclaw/run-X/command/inside  the command and all that it starts
//
// The first process is not in the count of processes, so that a command which
// has used them up does not take the cage down. The command is one level below
// the limits: a cgroup namespace that it makes begins at "inside", and what is
// above is not there. The folder of a run is locked (flock) as long as its
// supervisor lives; the lock tells what was left behind.
//
// Nothing here is safe for concurrent use but Kill, Set and Watch's callback,
// which comes from one goroutine.
package cgroup
