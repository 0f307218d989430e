// Package quiet keeps Bubble Tea from asking the terminal for its colours.
//
// Bubble Tea 1 asks for the background colour while the program is being
// initialised, before main and in every command, and waits up to five seconds
// for a terminal that does not answer. It does not ask when the variable CI is
// set. This package sets it before Bubble Tea is initialised and Restore takes
// it away again.
//
// The order is what the language promises: packages are initialised by import
// path once all that they import is. This one imports only os and sorts before
// os/exec and os/signal, which Bubble Tea waits for. A test of package tui
// holds it to that.
package quiet

import "os"

const name = "CI"

//nolint:gochecknoglobals // written once, while the program is initialised
var hushed = hush()

func hush() bool {
	return os.Getenv(name) == "" && os.Setenv(name, "1") == nil
}

// Restore takes the variable away again and reports whether it had been set.
func Restore() bool {
	return hushed && os.Getenv(name) == "1" && os.Unsetenv(name) == nil
}
