// Package escape holds attempts to break out of a cage, and nothing else: it
// has no code of the product.
//
// Each attempt is a small program that tries one thing which a cage must not
// allow. Its test runs it twice: outside a cage, where it must succeed, so that
// it is known to be a real attempt; and as the command of a cage, where it must
// fail. The tests do so as root and as an ordinary user. An attempt that the
// machine itself forbids to the user is skipped for that user, with the reason.
//
// Everything that an attempt does outside a cage is done to files, processes
// and sockets that its own test made.
package escape
