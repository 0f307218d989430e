// Package spool keeps on disk what a cage refused while there was no gateway
// to tell.
//
// It owns the files of one folder. A supervisor writes them: one Writer a run,
// which begins a file when its gateway is gone and holds the file's lock for as
// long as it writes. A gateway reads what nobody holds: Files lists it, Entries
// reads it, Remove takes it away once it is on record.
//
// It promises that what Append returned nil for is on disk and survives the
// death of every process; that a write which fails or is cut short leaves the
// rows before it whole and none of its own; that no file is opened to anybody but
// its owner (mode 0600) and no link is followed; and that a file never grows
// past MaxFile. The rows of a run have numbers, so that a reader which died half
// way can tell what is on record already. A line that is damaged costs itself alone, and
// is counted. The kernel gives a lock back when the
// process ends, however it ends.
//
// It knows nothing of connections, and decides nothing: whoever reads a row
// takes it for the word of a program of the same user, as every report is.
package spool
