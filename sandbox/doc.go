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
// A program that uses it calls RunStage first of all in main: the same program
// is started again as the inside of each cage.
//
// # What holds, and by what
//
// Files: a mount namespace that holds only what the policy opens (package
// linux/mounts), and the gate for all else (linux/gate). The kernel resolves
// every path there; no decision rests on a string that a program wrote.
// Processes: a process namespace, and Landlock's scope for signals. Network: a
// net namespace with nothing in it but what the supervisor answers
// (linux/network, egress). Privilege: no capability, no_new_privs and the call
// filter (linux/seccomp); that is what makes sudo and every other set-uid
// program harmless, not the list of names that gives them a clear answer.
// Execution under `execute_commands: false`: after the first program every
// execve fails, and nothing writable can be mapped for execution.
//
// # What only reports
//
// A call that the filter hands over (a write to a system folder, a program, a
// connection) is judged by text that the program may change meanwhile. Its
// answer may refuse more than the walls do; it never opens anything.
//
// # What does not hold
//
// A second name (hard link) of a denied file, made before the run, inside an
// allowed folder: the report warns of it. A file that comes to match a denied
// pattern during the run because somebody outside makes it. A denied path in
// an allowed folder that somebody outside removes or replaces during the run:
// the kernel uncovers it; it is covered again as soon as that is seen, or the
// run is ended, and the report says so, but a program that waits for that
// moment may read the new file. A flaw of the kernel. What an agent does with
// what it was allowed.
//
// # Order, blocking, locking
//
// Spec.Denied is called from one goroutine, in the order of the refusals; a
// refused look (stat, access, one try of an execve) waits up to 50 ms for what
// it was a look for. Spec.Connected and the Asker are called from many. No lock
// is held over a callback. Wait returns after the last Denied.
//
// On macOS the same calls build a cage of Seatbelt's: sandbox/darwin says what
// holds there, what does not, and that we have not yet run it on a Mac.
package sandbox
