//go:build linux

package stage

import (
	"encoding/json"
	"errors"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/network"
)

// enter does what is the same for every run, while the supervisor finds out what
// this one is.
func (s *stage) enter() error {
	ready := make(chan error, 1)
	go func() { ready <- decoderReady() }()
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
	if err := builder.Private(); err != nil {
		return mountsFailed(err)
	}
	s.builder = builder
	return <-ready
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

// decoderReady reads a set-up that says nothing: package encoding/json finds out
// how to read one at the first, which takes more than a millisecond.
func decoderReady() error {
	const nothing = `{"steps":[{"do":"","path":""}],"gateway":"","forward":[""],"program":"","arguments":[""]}`
	if err := json.Unmarshal([]byte(nothing), &Setup{}); err != nil {
		return fail("read set-up", err)
	}
	return nil
}
