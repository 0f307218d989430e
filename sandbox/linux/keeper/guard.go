//go:build linux

package keeper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/stage"
)

// guardFD is the guard's end of its pipe pair: a socket whose other end only
// the keeper holds.
const guardFD = 3

// guard waits for the end of the keeper and then ends every process of the
// domain.
func guard() int {
	stage.Listen() // requests to end are the command's
	if unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) != nil {
		return exitFailed
	}
	unix.CloseOnExec(guardFD)
	var number [8]byte
	if err := readAll(guardFD, number[:]); err != nil {
		return exitFailed
	}
	var d domain
	if err := d.prove(int(binary.NativeEndian.Uint64(number[:]))); err != nil {
		return exitRefused
	}
	if _, err := unix.Write(guardFD, []byte{1}); err != nil {
		return exitFailed
	}
	_ = readAll(guardFD, number[:1]) // until the keeper has gone
	for range maxKills {
		if err := unix.Kill(-1, unix.SIGKILL); errors.Is(err, unix.ESRCH) {
			break
		}
	}
	return 0
}

// maxKills bounds the guard's tries; one is enough by the kernel's own lock.
const maxKills = 1000

func readAll(fd int, buffer []byte) error {
	for len(buffer) > 0 {
		n, err := unix.Read(fd, buffer)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			return errors.New("the other side has gone")
		}
		buffer = buffer[n:]
	}
	return nil
}

// startGuard starts the guard and waits for its own proof. It has a session of
// its own, out of reach of the terminal's keys.
func (k *keeper) startGuard() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	theirs := os.NewFile(uintptr(pair[1]), "guard")
	defer func() { _ = theirs.Close() }()
	c := exec.Command("/proc/self/exe") //nolint:noctx // it ends with this process
	c.Args, c.Env, c.Dir = []string{guardName}, os.Environ(), "/"
	c.ExtraFiles = []*os.File{theirs}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	k.guard = c.Process.Pid
	_ = c.Process.Release() // reap waits for everything
	var number [8]byte
	binary.NativeEndian.PutUint64(number[:], uint64(unix.Getppid()))
	if _, err := unix.Write(pair[0], number[:]); err != nil {
		return err
	}
	_ = theirs.Close()
	if err := readAll(pair[0], number[:1]); err != nil {
		return fmt.Errorf("wait for its proof: %w", err)
	}
	// pair[0] stays open, and only here, until this process has gone.
	return nil
}
