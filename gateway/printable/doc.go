// Package printable makes JSON that a terminal shows and does not obey.
//
// encoding/json escapes the control characters below U+0020 only. U+009B begins
// a command to a terminal as ESC [ does, and U+202E turns a line around; both can
// stand in the name of a file that an agent chose, and so in a log.
//
// It holds no state and is safe for concurrent use.
package printable
