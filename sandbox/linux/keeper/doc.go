// Package keeper is the inside of a reduced cage, where user namespaces are
// refused: the process that the command is started from, and a second one that
// watches the first.
//
// It owns what happens between the start of the program under one of its names
// and the end of the run. The supervisor starts its own program again under
// Name, with an empty environment and one socket. That process gives up every
// privilege, enters a Landlock domain that scopes signals, and executes itself
// once more, so that every thread is in the domain: the keeper. The keeper
// starts the guard, takes the set-up and a ruleset from the socket, and starts
// the command from a thread that stands under the ruleset (a second domain
// inside the first) and the call filter. With a terminal the keeper leads a session
// on it, which is the run's own; the guard and the supervisor are in others.
//
// # What it promises
//
// No process of the run outlives it. All of them are in the keeper's domain,
// and a signal that is sent from there to every process reaches the domain and
// nothing else: the kernel delivers it in one go, and a fork that is under way
// then fails. It is sent when the command ends, when the supervisor goes, by
// the guard when the keeper goes, and by the keeper when the guard goes. The
// command, in the inner domain, can signal neither. Only who kills keeper and
// guard at one moment from outside leaves processes behind; the supervisor then
// ends each at its next call, and says so.
//
// A step that fails ends the keeper with the reason, and nothing was run. The
// command's descendants are reaped. Neither keeper nor guard holds an
// environment or a descriptor of the user's while the command runs; the keeper
// holds the run's own terminal.
package keeper
