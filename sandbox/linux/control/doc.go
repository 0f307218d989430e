// Package control carries messages and open descriptors between a cage's
// supervisor and the process that builds the cage from inside.
//
// It owns the framing; what a message says is written by package positional, since both
// ends are the same program. It promises that a message arrives whole with exactly
// the descriptors that were sent with it (close-on-exec), that neither a
// message above 16 MiB nor more than 16 descriptors are accepted, and that the
// end of either side is seen by the other at once as io.EOF. Send may be called
// from several goroutines; Receive from one. Nothing is retried or buffered.
// Collect hands descriptors to the kernel alone, which closes them later.
package control
