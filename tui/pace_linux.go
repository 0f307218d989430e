package tui

import (
	"os"

	"golang.org/x/sys/unix"
)

// lineSpeed is the speed of a terminal in bits a second; 0: unknown. A
// pseudo-terminal has one only where somebody set it.
func lineSpeed(f *os.File) int {
	settings, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS2)
	if err != nil {
		return 0
	}
	return int(settings.Ospeed)
}
