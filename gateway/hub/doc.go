// Package hub owns the gateway's sockets: the handshake of protocol 4, one
// reader for each connection and one writer while something waits to be written, the table of methods, and the
// shared wheel that sends ticks and pings.
//
// Promises. A connection's frames go out in the order in which they were
// queued; its events are numbered from 1 with no gap, binary frames, which a client gets only
// if it asked for them, apart. Nothing that one client
// does or leaves undone blocks another: a client that does not read makes only
// its own requests wait and is closed when a write has taken 10 s. Before the
// handshake a socket costs one goroutine, at most 64 KiB and 15 s; when too
// many wait there, the oldest is closed for the newest. Requests of one
// connection that are under way are bounded; the next one waits in the socket.
// Callbacks are called with no lock held; a handler's panic is that request's
// error.
//
// Run owns the wheel and the end: when its context ends every client is told
// (event shutdown, close 1012) and Run returns when the last goroutine is gone.
// The hub judges no token and knows no business of the gateway: both are given
// to it.
package hub
