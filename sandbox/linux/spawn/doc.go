// Package spawn starts a program as the first process of new namespaces.
//
// It owns the moment between the clone and the program: the child that lives in
// the memory of its parent, which waits meanwhile, as vfork(2) has it. Package
// os/exec copies the memory as soon as a user namespace is among the new ones,
// because there the parent writes the mapping of users while the child waits; to
// copy that of a program that has just begun, and to touch it again afterwards,
// takes longer than all that is done here. So here the child writes the mapping
// itself, of the one user and the one group, which user_namespaces(7) permits it.
//
// It promises that the program gets exactly the descriptors, the environment and
// the limit of descriptors that it is to have, no signal handler or mask of its
// parent, and its parent-death signal from the start; that a step that fails is
// named, and that then nothing was run; and that the parent stays as it is: it
// can be dumped and traced as before.
//
// It imports nothing but the runtime, so that the limit of descriptors is read
// before package syscall raises it; see original. From Linux 5.9 on, on amd64 and
// arm64.
package spawn
