//go:build darwin || linux

package terminal

import "golang.org/x/sys/unix"

func getModes(file int) (*unix.Termios, error) { return unix.IoctlGetTermios(file, getRequest) }

func setModes(file int, modes *unix.Termios) error {
	return unix.IoctlSetTermios(file, setRequest, modes)
}

// rawOf is what cfmakeraw(3) makes of a terminal's modes: every byte is passed as it
// is, both ways. With signals, the keys that send them go on to do so, and what other
// programs of the pipeline write is shown as before.
func rawOf(modes *unix.Termios, signals bool) *unix.Termios {
	raw := *modes
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
	if !signals {
		raw.Lflag &^= unix.ISIG
		raw.Oflag &^= unix.OPOST
	}
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	return &raw
}
