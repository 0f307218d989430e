package event

import "time"

// The states of the audit log's chain, the first one that holds.
const (
	ChainWhole  = "ok"     // every line is as it was written, and follows the one before
	ChainEdited = "edited" // a line is not as it was written
	ChainGap    = "gap"    // lines are missing, repeated or in another order
	ChainTorn   = "torn"   // the end is half a line
	ChainEmpty  = "empty"  // no lines, or no file
)

// AuditChain is what looking at every line of the audit log found. It cannot say that
// lines at the end were not cut off: that takes a witness outside of the file.
type AuditChain struct {
	Path     string    `json:"path"`
	Status   string    `json:"status"`
	Line     int       `json:"line,omitempty"`     // of the first problem, counted from 1
	Detail   string    `json:"detail,omitempty"`   // a sentence about it
	Problems int       `json:"problems,omitempty"` // how many lines have one
	Records  uint64    `json:"records"`            // good lines
	LastSeq  uint64    `json:"last_seq"`
	Head     string    `json:"head,omitempty"` // hash of the last good line
	At       time.Time `json:"at"`             // when the look began
}
