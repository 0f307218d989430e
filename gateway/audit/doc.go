// Package audit keeps the record of who did what, when, and how it ended: one
// line of JSON for each event, in the specification's shape, in a file of mode
// 0600.
//
// It owns the audit log, its lock file beside it, and the chain that joins its
// lines: each holds a sequence number, the hash of the line before, and the
// SHA-256 of its own bytes up to `,"hash":`.
//
// Promises. When Record returns nil, the line is on disk (fsync); concurrent
// callers share one fsync. When it returns an error, the line is not in the
// file, and what was to be recorded must not happen. A line of RecordLater, which
// waits for nothing, is on disk within a twentieth of a second and what a sync
// takes; a program that is killed before loses it. A line of RecordOver is in the file
// when that returns, so that only the machine's end can lose it before it is on disk.
// Lines stand in the order of their numbers, and no line is ever rewritten. What a
// crash left half written at the end is cut off when the log is opened again, and a line says
// so. A log that is deleted, replaced, cut or appended to by others while it
// is open is noticed within a second, and a line says so. A line that could
// not be written is never lost in silence: the first line after it counts it.
//
// A chain proves that nothing in the middle was changed by someone who did not
// recompute it. It cannot prove that lines at the end were not cut off: that
// takes a witness outside of the file.
//
// One Recorder writes a file at a time. Recorder is safe for concurrent use;
// its one goroutine ends with Close. Search and Verify need no Recorder and
// may run while one writes. The package decides nothing and never looks into
// what it records but through the Redact function that it is given.
package audit
