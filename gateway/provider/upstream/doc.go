// Package upstream exchanges requests and answers with providers over HTTP/1.1. It
// owns the connections to them: how they are opened, what is written to them and read
// from them, and which are kept for the next request.
//
// It is net/http's own reading and writing of messages without net/http's transport,
// whose two goroutines for each connection hand every request and every answer over:
// on few processors that costs more than the rest of a short call. Here the goroutine
// that asks writes the request and reads the answer itself.
//
// # Promises
//
// No proxy of the environment is asked, no redirect followed, nothing unpacked, no
// HTTP/2 spoken: one stream's flow and one dead connection are never another's.
//
// A request is sent once. Only where a kept connection turns out to be closed before
// a byte of the request was written is it written to another one.
//
// An answer is read as it comes, and may come before the request is sent: the body of
// a request that may not fit what the kernel buffers is written beside the reading.
// The end of the request's context closes the connection at once, whatever it does.
//
// A connection is kept only when the answer was read to its end, the request was
// written, and the answer does not close it; and it is used again only if nothing has
// come behind that answer. What a provider sends unasked is no answer to anything.
//
// # Concurrency
//
// A Transport is safe for concurrent use. An answer's body is for one goroutine at a
// time. No goroutine outlives its answer's body; one timer looks after the connections
// that are kept.
package upstream
