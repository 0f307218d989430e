// Package trail remembers what happened on each connection of the gateway: what
// its client asked for, what of that was refused, and who closed it. When it was
// opened and closed is the registry's to say; what must last is the audit log's.
//
// Promises. Alike steps of a connection are one step with a count, so what a busy
// client does costs no memory, and a step that repeats allocates nothing. Memory is
// bounded: 64 different steps of a connection, those past them counted, and 1,024
// connections, of which the one goes that had no step for longest. Texts are kept as
// they are given: whoever adds a step takes the secrets out of it.
//
// Methods are safe for concurrent use and do not block.
package trail
