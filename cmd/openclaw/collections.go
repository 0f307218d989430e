package main

import (
	"runtime/debug"
	"time"
)

// startingTime is longer than a cage takes to start. Then memory counts again.
const startingTime = 2 * time.Second

// startingPercent lets the heap grow to four times what it may have by default
// (16 MiB instead of 4) before it is collected.
const startingPercent = 400

// fewCollections keeps the garbage collector from running once or twice while a
// cage starts, which allocates a little more than the collector's first limit
// and keeps nearly all of it. stop ends the wait for the time after that.
func fewCollections() (stop func()) {
	before := debug.SetGCPercent(startingPercent)
	if before < 0 || before > startingPercent { // GOGC says so
		debug.SetGCPercent(before)
		return func() {}
	}
	timer := time.AfterFunc(startingTime, func() { debug.SetGCPercent(before) })
	return func() { timer.Stop() }
}
