package main

import (
	"runtime"
	"runtime/debug"
	"time"

	"openclaw/sandbox"
)

// startingTime is longer than a cage takes to start, or a gateway. Then memory counts
// again, for as long as the run lasts.
const startingTime = 500 * time.Millisecond

// startingPercent lets the heap grow to four times what it may have by default
// (16 MiB instead of 4) before it is collected.
const startingPercent = 400

// fewCollections keeps the garbage collector from running once or twice while a
// cage starts, which allocates a little more than the collector's first limit
// and keeps nearly all of it. After that time, what starting took and the run does
// not go on to need is given back to the machine. stop ends the wait for it.
func fewCollections() (stop func()) {
	before := debug.SetGCPercent(startingPercent)
	if before < 0 || before > startingPercent { // GOGC says so
		debug.SetGCPercent(before)
		return func() {}
	}
	timer := time.AfterFunc(startingTime, func() {
		debug.SetGCPercent(before)
		leaveStart()
	})
	return func() { timer.Stop() }
}

// leaveStart gives back to the machine what starting took.
func leaveStart() {
	debug.FreeOSMemory()
	sandbox.LeaveProgram()
}

// spareHeap is how much more than GOGC says a gateway's heap may grow, in bytes,
// before it is collected: the garbage of some thousand calls.
const spareHeap = 8 << 20

// fewerCollections keeps the garbage collector from running all the time while a
// gateway is busy: its heap is so small that a few hundred calls double it. Memory
// that is set aside and never touched counts as heap and takes none of the machine's,
// and beside a large heap it makes no difference. stop gives it back.
//
// What starting took goes back once: of 28 MB resident 9 to 12 stay, and 16 after some
// requests. The first of them brings pages back from the page cache, which takes it 1
// to 2 ms of 5, and the tenth takes as long as before.
func fewerCollections() (stop func()) {
	aside := make([]byte, spareHeap)
	timer := time.AfterFunc(startingTime, leaveStart)
	return func() { timer.Stop(); runtime.KeepAlive(aside) }
}
