//go:build linux

package keeper

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// testLandlock tries what the ruleset must refuse, before the call filter could
// be the one that refuses it.
func (k *keeper) testLandlock() error {
	t := k.setup.Tests
	if fd, err := unix.Open(t.File, unix.O_RDONLY|unix.O_CLOEXEC, 0); !errors.Is(err, unix.EACCES) {
		_ = unix.Close(fd)
		return fmt.Errorf("read a file outside: %w", errOrNone(err))
	}
	if err := unix.Truncate(t.File, 0); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("empty a file outside: %w", errOrNone(err))
	}
	made := t.Folder + "/made"
	if err := unix.Mkdir(made, 0o700); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("make a folder outside: %w", errOrNone(err))
	}
	k.prove("landlock files", "a file outside was neither read nor emptied, and nothing could be made beside it")
	if err := k.connect(&unix.SockaddrUnix{Name: "@" + t.Abstract}, unix.AF_UNIX); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("reach an abstract socket outside: %w", errOrNone(err))
	}
	if err := k.connect(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: t.Port}, unix.AF_INET); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("reach a port of this machine: %w", errOrNone(err))
	}
	k.prove("landlock network", "a connection to a port of this machine was refused")
	return nil
}

func (k *keeper) connect(to unix.Sockaddr, family int) error {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Connect(fd, to)
}

// testConnection reaches a socket of its own.
func (k *keeper) testConnection() error {
	if err := k.connect(&unix.SockaddrUnix{Name: k.setup.Tests.Own}, unix.AF_UNIX); err != nil {
		return fmt.Errorf("reach a socket of its own, which the supervisor does in its place: %w", err)
	}
	return nil
}

// testCalls tries what only the filter or the supervisor refuses.
func (k *keeper) testCalls() error {
	t := k.setup.Tests
	for _, s := range []struct {
		what         string
		family, kind int
	}{
		{"a UDP socket", unix.AF_INET, unix.SOCK_DGRAM},
		{"an IPv6 socket", unix.AF_INET6, unix.SOCK_STREAM},
		{"a netlink socket", unix.AF_NETLINK, unix.SOCK_RAW},
		{"a datagram socket", unix.AF_UNIX, unix.SOCK_DGRAM},
	} {
		fd, err := unix.Socket(s.family, s.kind|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			_ = unix.Close(fd)
			return errors.New(s.what + " could be made")
		}
	}
	if err := k.connect(&unix.SockaddrUnix{Name: t.Socket}, unix.AF_UNIX); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("reach a socket outside: %w", errOrNone(err))
	}
	k.prove("sockets", "a socket of the machine was not reached, and none but local and TCP ones can be made")
	if err := unix.Chmod(t.File, 0o644); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("change the mode of a file outside: %w", errOrNone(err))
	}
	k.prove("attributes", "the mode of a file outside could not be changed; the supervisor makes such calls itself")
	if err := unix.Utimes(t.Own, []unix.Timeval{{Sec: 1}, {Sec: 1}}); err != nil {
		return fmt.Errorf("change the times of a file of its own, which the supervisor does in its place: %w", err)
	}
	if err := unix.Mkdir(t.Call, 0o700); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("make %q: %w, not the supervisor's refusal", t.Call, errOrNone(err))
	}
	// Landlock opens nothing of /proc: that this can be read is the supervisor's
	// doing.
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return fmt.Errorf("read this thread's status: %w", err)
	}
	want := map[string]string{"CapInh": "", "CapPrm": "", "CapEff": "", "CapAmb": "", "NoNewPrivs": "1", "Seccomp": "2"}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		expected, ok := want[key]
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.HasPrefix(key, "Cap") {
			value = strings.TrimLeft(value, "0")
		}
		if value != expected {
			return fmt.Errorf("%s is %s", key, value)
		}
		delete(want, key)
	}
	if len(want) != 0 {
		return fmt.Errorf("the kernel does not say: %v, of %d bytes: %.200q", want, len(text), text)
	}
	k.prove("capabilities", "none left, none to gain")
	k.prove("no new privileges", "set: no set-uid program gains anything")
	k.prove("call filter", "in force for the command's thread")
	return nil
}
