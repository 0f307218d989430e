// Package client speaks the gateway's protocol from the other side: the
// command line, the screen and cages use it.
//
// A Client is one connection and stays broken once it broke; Backend is what
// the screen needs and can dial again. Calls may be made from any goroutine,
// block until the answer, the end of their context or of the connection, and
// come back in any order. Events arrive in the gateway's order; the reader
// never waits for whoever reads them. A gateway that says nothing for two
// ticks is taken for dead.
//
// The token goes to the address that the caller gave and nowhere else: no
// redirect is followed, no proxy of the environment is used, and plain ws:// to
// another machine is refused. Over wss:// the gateway's certificate is checked by
// Options.TLS before the token leaves.
package client
