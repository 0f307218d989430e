package sandbox

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/linux/stage"
)

// atPair gives a program that asks for a pair of datagram sockets one of sequenced
// packets: both keep messages apart, and this one sends nowhere but to its other
// end, whatever address a program adds (unix(7)). The differences: SO_TYPE says
// so, and when the other end is closed, reading ends with 0 and writing raises
// SIGPIPE.
func (j *judge) atPair(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	kind, protocol := int32(call.Arguments[1]), int32(call.Arguments[2])
	const known = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	switch {
	case kind&^known != unix.SOCK_DGRAM:
		return seccomp.Verdict{Errno: unix.EINVAL}
	case protocol != 0 && protocol != unix.AF_UNIX:
		return seccomp.Verdict{Errno: unix.EPROTONOSUPPORT}
	}
	thread, err := j.process.identity.inside(call.TID)
	if err != nil || !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, int(kind)&unix.SOCK_NONBLOCK|unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return failed(err)
	}
	defer func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) }()
	var given [2]int
	for i, fd := range pair {
		if given[i], err = call.Install(fd, kind&unix.SOCK_CLOEXEC != 0); err != nil {
			return failed(err)
		}
	}
	fill := stage.Fill{Thread: thread, Address: call.Arguments[3], First: given[0], Second: given[1]}
	switch err := j.process.binder.fill(ctx, fill); {
	case errors.Is(err, errEnded):
		return seccomp.Verdict{Errno: unix.EACCES}
	case err != nil:
		return seccomp.Verdict{Errno: unix.EFAULT}
	}
	return seccomp.Verdict{Done: true}
}

// fill waits until init has done it; the command may ask before init answers.
func (b *binder) fill(ctx context.Context, what stage.Fill) error {
	select {
	case <-b.begun:
	case <-ctx.Done():
		return errEnded
	}
	_, err := b.ask(stage.KindFill, func(number uint64) any {
		what.Number = number
		return what
	})
	return err
}

// inside is a thread's number in the cage's own process namespace: the last of the
// first process's numbers stands where that of the thread does (proc(5), NSpid).
func (i *identity) inside(thread int) (int, error) {
	first, err := numbers(i.init)
	if err != nil {
		return 0, err
	}
	theirs, err := numbers(thread)
	if err != nil {
		return 0, err
	}
	if len(first) == 0 || len(theirs) < len(first) {
		return 0, errors.New("the kernel does not say")
	}
	return strconv.Atoi(theirs[len(first)-1])
}

func numbers(thread int) ([]string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			return strings.Fields(list), nil
		}
	}
	return nil, nil
}
