// Package emulate makes system calls in the place of a caged program, from
// outside its cage: for calls that no wall of a reduced cage holds.
//
// It owns the way from what a program named (a path, a descriptor) to the very
// object that is meant, held by a descriptor of the supervisor's own. It
// promises that the path which is judged is the kernel's word for that object,
// and that what is done is done to that object: no text of the program's memory
// is read again in between, so another thread that changes it changes nothing.
//
// Names are followed one component after the other, from the caller's own root,
// working folder or descriptor. A link is followed by its text; "self" and
// "thread-self" of /proc are the caller's; a descriptor, the working folder and
// the program in /proc are followed for the caller's own process alone, and
// every other such link is refused.
//
// What is done by a path is done without this process's capabilities: a program of a cage
// has none, also where root runs it.
//
// Nothing here judges: Object.Path is for the caller of this package to judge
// before it acts. A caller must ask whether the call still waits after it has
// resolved, because the number of a thread that ended may be another's.
package emulate
