//go:build linux && (amd64 || arm64)

package spawn

import "unsafe"

// limit is struct rlimit64 (getrlimit(2)).
type limit struct{ current, most uint64 }

const limitOfDescriptors = 7 // RLIMIT_NOFILE

// original is the limit of descriptors that this program was started with.
// Package syscall raises it for this program when it is initialised, and tells
// nobody but its own children what it was. This package is initialised first:
// packages that depend on nothing that is still to come are taken in the order of
// their import paths (the Go specification, "Program initialization").
var original = limitNow()

func limitNow() limit {
	var now limit
	//nolint:gosec // the kernel writes during the call
	if _, errno := call(callPrlimit, 0, limitOfDescriptors, 0, uintptr(unsafe.Pointer(&now)), 0, 0); errno != 0 {
		return limit{}
	}
	return now
}

// raised says whether what is in force is what package syscall made of the
// original, one less than the most, and nobody has set it since.
func (l limit) raised(now limit) bool {
	return now.most == l.most && now.current == l.most-1 && l.current < now.current
}
