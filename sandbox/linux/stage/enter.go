//go:build linux

package stage

import (
	"errors"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/network"
)

// enter does what is the same for every run, while the supervisor finds out what
// this one is.
func (s *stage) enter() error {
	if err := network.RaiseLoopback(); err != nil {
		return networkFailed(err)
	}
	builder, err := mounts.Enter()
	if err != nil {
		return mountsFailed(err)
	}
	if s.device, err = builder.Gate(unix.Getuid(), unix.Getgid()); err != nil {
		f := fail("mount gate", err)
		f.Missing = true
		f.Hint = "the FUSE device must be there and open to the user: modprobe fuse, and chmod 0666 /dev/fuse (udev does both)"
		return f
	}
	// Root owns what /proc has on this process as well, whose session is the person's here.
	builder.HideFirst = unix.Getuid() == 0 && !leads()
	if err := builder.Private(); err != nil {
		return mountsFailed(err)
	}
	s.builder = builder
	return nil
}

// gate hands the gate over, and goes on with what needs no plan while the
// supervisor begins to serve.
func (s *stage) gate() error {
	err := s.conn.Send(KindGate, nil, s.device)
	_ = unix.Close(s.device)
	if err != nil {
		return err
	}
	s.builder.Nested = s.setup.Nested
	if err := s.builder.KernelFiles(); err != nil {
		return mountsFailed(err)
	}
	return nil
}

func mountsFailed(err error) error {
	f := fail("build mounts", err)
	f.Missing = errors.Is(err, unix.EPERM)
	return f
}
