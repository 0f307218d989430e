// Package mounts plans and builds the file system that a cage sees.
//
// It owns two things. Plan is made on the supervisor's side, from a policy and
// the host's file system: it divides the tree at every path that a rule names
// into regions, each bound natively (readable, or readable and writable),
// private to the cage, or left to the gate. A folder that is open and holds
// something that is less is a level: the gate serves it too, because a mount
// cannot cover a name, only a file; what lies in it and is open as a whole is
// bound natively, when the cage is built or when it comes upon it. Build is carried out inside the
// cage's mount namespace by the process that becomes the cage's init: it makes
// a new root, carries the plan out in order, and lets go of the old root.
//
// It promises that what the plan does not open natively is not reachable but
// through the gate; that nothing is made on the host for the run; that a change
// on the host opens nothing that a rule with a path denies, because that is refused
// by its name; that a region is never opened wider than policy.Decide
// says for the path that the kernel will use, every symbolic link of a rule
// resolved; that what is denied is so as well where the host has it mounted a
// second time; and that a plan that cannot be carried out exactly is an error. It
// starts no goroutine that outlives a call and never follows a symbolic link after the plan was made.
package mounts
