// Package logs keeps the gateway's own log: lines of JSON (or text) in a file
// of mode 0600 that is cut into pieces by size.
//
// It owns the log file and its older pieces (gateway.log.1 is the newest of
// them), the names of the keys in its lines, and reading them back.
//
// Promises. Every byte of a line goes through the Masker before it reaches the
// file, the callback or anybody else. Lines stand in the file in the order in
// which they were written, whole, and none is lost when a piece is full. A
// line that cannot be written, as on a full disk, is counted, and a line says
// so when it can be written again; logging itself never fails and never blocks
// on anything but the disk. Reading needs no open Log, skips half-written ends,
// and needs memory for what it returns.
//
// The log is for people: what must be proven later belongs into the audit log.
// The package starts no goroutine. The callback runs on the goroutine that
// logs, outside of any lock, and must not log itself.
package logs
