// Package stage is the inside of a cage: the process that builds it and then
// is its init.
//
// It owns what happens between the clone of the namespaces and the end of the
// run. The supervisor starts its own program again under the name Name, with
// an empty environment and one socket, in fresh user, mount, process, network,
// IPC, UTS and cgroup namespaces; Run makes what is the same for every run, takes
// the set-up from that socket (first what the network needs, then the rest, which
// is planned meanwhile), makes the network and, at the same time, the mounts, proves by doing that
// they hold, and only then starts the command from a thread that has given up
// every right and carries the call filter. What the supervisor has to serve it
// hands over without a pause; it waits for the plan, for the gate to refuse, and
// for the supervisor's word that all of it holds.
//
// It promises that a step that fails ends the stage with the reason and that
// nothing was run; that the command is not the first process of the cage, so
// that signals have their usual meaning, and leads a session of its own or a group in that
// of the run's terminal; that the command's descendants are
// reaped; and that the whole cage ends when the command does (init then ends
// what it left behind before it lets go of the gate), when the supervisor does,
// or when this process does. Init itself shows nothing in
// /proc, holds no environment, cannot be traced or signalled from inside, and keeps
// of its program's pages in memory what it goes on to use.
//
// It never reads the host's environment or configuration.
package stage
