//go:build !unix

package tui

import (
	"os"
	"time"
)

// readable reports that nothing waits: a console tells of whole keys.
func readable(*os.File, time.Duration) bool { return false }

// keys is what the keys are read from: a console of Windows, of which Bubble Tea
// reads events and no bytes.
func keys(f *os.File) *os.File { return f }
