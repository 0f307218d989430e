// Package nonblock reads and writes connections without telling Go's scheduler of each
// call.
//
// Go tells its scheduler of every system call, because one may block. In a process that
// is idle between two calls that wakes the thread which watches for those that do
// (sysmon of the runtime), and it looks around every 20 µs until all is idle again. Go's
// sockets never block: a call on one that has nothing to say returns at once, and the
// waiting is the poller's. So the announcement is left out. Of a gateway that hands on
// 3,200 events a second of 64 streams it took a tenth of all processor time
// (`openclaw measure gateway`, the old and the new in turn, on two processors).
//
// It promises what a net.Conn promises, with the same errors in the same words:
// deadlines, Close from beside, calls from many goroutines. A Write is whole or says
// how much was written. What is no socket of the system's, or on another system than
// Linux, it leaves as it is; so it does under the race detector, which knows by Go's own
// calls what one goroutine tells another through a socket.
package nonblock
