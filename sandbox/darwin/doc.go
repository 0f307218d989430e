// Package darwin turns a policy into a Seatbelt profile for macOS and reads
// what the kernel's log says of refusals under it.
//
// It owns text only: Profile writes a profile, Unholdable says what of a policy
// none can hold, ParseLog reads a line of the log and Explain finds the rule
// behind it. All are pure, deterministic, safe for concurrent use, and run on
// every system. The sub-package places finds where paths lead, stage is the
// inside of a cage before the command, terminal the run's own terminal, proxy
// the way out to the network; package sandbox starts commands with them.
//
// # Not yet run on a Mac by us
//
// Nothing here has met a macOS kernel. What is tested is the text: it is parsed
// back and judged by a small model of Seatbelt's order of rules, on random
// policies and paths, and must answer as policy.Decide does. Where descriptions
// of that order differ (a filtered rule before an unfiltered one, a literal
// before a sub-path, require-all before either) the profile is written so that
// every one of them gives the same answer. Before a command starts, a self-test
// inside its own cage must be refused what the profile refuses.
//
// # What a profile says
//
// Everything is denied unless it is allowed. Paths are physical: the kernel
// judges a file by where it is, not by the name that led there. Allowing rules
// come from the higher folder to the deeper one, as the deepest speaks in a
// policy; denying rules follow, the config's after the built-in ones, so that
// the one that a person wrote is named. A denied path, every folder above it
// and every folder above an allowed one stays where it is: it can be neither
// renamed nor removed. No hard link and no clone of a file is made. Every
// denying rule carries a tag that the kernel repeats in its log.
//
// # What does not hold, beside what sandbox/doc.go names
//
// There is no private process table, and a process that starts a session of
// its own may outlive the run; it stays in its cage, without network. There is
// no private /tmp: it is refused, and TMPDIR names a folder of the run. A name
// look-up has no way out; programs reach the network through the proxy that
// HTTP_PROXY and HTTPS_PROXY name, or not at all. No program inside can listen
// on a port. A held request exists only for the network: a refused file is
// allowed in the config and asked for again by the next run. A denied name in
// letters beyond ASCII that does not exist yet is matched as it was written,
// not in the other forms that the file system takes for the same name. A
// folder that holds a file that came to match a denied pattern during the run
// may be moved to where the pattern does not reach.
package darwin
