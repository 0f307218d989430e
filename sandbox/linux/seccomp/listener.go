//go:build linux

package seccomp

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"openclaw/sandbox/policy"

	"golang.org/x/sys/unix"
)

// maxHeld bounds the calls that are with the handler at one time. Past it a
// call is refused with EACCES.
const maxHeld = 1024

// Handler judges a call. It may block, for as long as a person thinks; other
// calls go on meanwhile: beside a connection at once, beside any other call once
// that has taken some milliseconds. ctx ends when the Listener stops; the verdict
// should then be a refusal.
type Handler func(ctx context.Context, call Call) Verdict

// Listener receives the calls that a filter hands over and answers them.
type Listener struct {
	fd      int
	handler Handler
	limit   int
	calls   map[int]known
	bars    bars
	whole   map[string]bool // left to the handler
	late    bool            // see ProcessOnDemand
	unread  func(Call)      // see TellUnread
	barred  func(Call)      // see TellBarred
}

// ProcessOnDemand leaves Call.PID open for calls on a path: for a handler that needs
// it of few of them, and then asks Call.Process. To find it takes three system calls.
func (l *Listener) ProcessOnDemand() { l.late = true }

// LeaveToHandler hands the named calls to the handler undecoded: it reads what
// they are about itself, and must answer each with an errno or Done. For calls
// that nothing but the handler holds.
func (l *Listener) LeaveToHandler(names ...string) {
	l.whole = make(map[string]bool, len(names))
	for _, name := range names {
		l.whole[name] = true
	}
}

// TellUnread has tell hear of each call that is refused because the caller's memory
// cannot be read.
func (l *Listener) TellUnread(tell func(Call)) { l.unread = tell }

// TellBarred has tell hear of each call that the filter's rules refuse by themselves. The
// Handler is not asked about such a call. Its Operation is the call's name, but where the
// Handler might have been asked about it; Path is set where it is about a file.
func (l *Listener) TellBarred(tell func(Call)) { l.barred = tell }

// NewListener takes over the descriptor that Install returned, with a filter of the same
// Options.Reduced.
func NewListener(fd int, reduced bool, handler Handler) *Listener {
	return &Listener{fd: fd, handler: handler, limit: maxHeld, calls: knownCalls(), bars: barsOf(runtime.GOARCH, reduced)}
}

// Run answers calls until ctx ends or no process is left under the filter. It
// waits for the handlers, closes the descriptor and returns nil in both cases.
// After it, every call that would be handed over fails with ENOSYS: what was
// watched stays refused. Run is called once.
func (l *Listener) Run(ctx context.Context) error {
	const op = "receive seccomp notifications"
	defer func() { _ = unix.Close(l.fd) }()
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return &Error{Op: op, Err: fmt.Errorf("eventfd: %w", err)}
	}
	defer func() { _ = unix.Close(wake) }()
	rung := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(rung)
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	defer func() {
		if !stop() {
			<-rung
		}
	}()
	// Linux 6.6: the woken program goes on at once on the same processor. Where
	// the flag is not known the answer only takes longer.
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), ioctlSetFlags, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)

	handling, cancel := context.WithCancel(ctx)
	defer cancel()
	r := receiver{Listener: l, wake: wake, slots: make(chan struct{}, l.limit), end: cancel}
	r.held.Go(func() { r.receive(handling) })
	r.held.Wait()
	return r.err
}

// receiver is one Run. At any time one goroutine receives: it takes a notification,
// judges it and waits for the next. When a judgement takes long, such as one that asks
// a person, another goroutine receives from then on. To let one wait beside every
// judgement would wake a thread for each call, which takes longer than most judgements
// do: 85 µs a call instead of 40, where BenchmarkOpen was 5 µs bare.
type receiver struct {
	*Listener
	wake  int
	slots chan struct{}
	held  sync.WaitGroup
	turn  turn
	end   context.CancelFunc
	err   error // written by the last receiver, read after held.Wait
}

func (r *receiver) receive(ctx context.Context) {
	for {
		n, err := r.next(r.wake)
		if n == nil {
			r.err = err
			r.end()
			return
		}
		select {
		case r.slots <- struct{}{}:
		default:
			r.answer(n.id, Verdict{Errno: unix.EACCES})
			continue
		}
		mine := r.turn.begin()
		switch pass := func() { r.held.Go(func() { r.receive(ctx) }) }; {
		case r.calls[int(n.number)].class == policy.ClassNet: // whoever is at the other end may take long
			if r.turn.end(mine) {
				pass()
			}
		case r.turn.unwatched():
			r.held.Go(func() { r.turn.watch(ctx, pass) })
		}
		verdict, waits := r.judge(ctx, n)
		still := r.turn.end(mine)
		<-r.slots // before the program goes on: its next call finds the place free
		if waits {
			r.answer(n.id, verdict)
		}
		if !still {
			return
		}
	}
}

// next waits for a notification. It returns nil at the end.
func (l *Listener) next(wake int) (*notification, error) {
	const op = "receive seccomp notification"
	for {
		set := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(set, -1); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return nil, &Error{Op: op, Err: fmt.Errorf("poll: %w", err)}
		}
		switch events := set[0].Revents; {
		case set[1].Revents != 0:
			return nil, nil
		case events&unix.POLLIN == 0 && events&unix.POLLHUP != 0: // no process is left
			return nil, nil
		case events&unix.POLLIN == 0:
			return nil, &Error{Op: op, Err: fmt.Errorf("poll: events %#x", events)}
		}
		n := new(notification)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(n))) //nolint:gosec // the kernel writes during the call
		if errno == 0 {
			return n, nil
		}
		if errno != unix.EINTR && errno != unix.ENOENT { // ENOENT: the caller was killed before we looked
			return nil, &Error{Op: op, Err: errno}
		}
	}
}

// judge reads and judges one notification. It returns false when nobody waits for
// the answer any more.
func (l *Listener) judge(ctx context.Context, n *notification) (verdict Verdict, waits bool) {
	if errno, name, barred := l.bars.refuse(int(n.number), &n.arguments); barred {
		return Verdict{Errno: errno}, l.bar(n, name)
	}
	k, ok := l.calls[int(n.number)]
	if !ok { // a filter of another build
		return Verdict{Errno: unix.ENOSYS}, true
	}
	var call Call
	var err error
	if l.whole[k.name] {
		call = Call{TID: int(n.tid), Syscall: int(n.number), Name: k.name, Operation: k.operation, Class: k.class}
	} else if k.handlerOnly {
		err = unix.ENOSYS
	} else {
		call, err = k.decode(n)
	}
	call.Arguments = n.arguments
	l.complete(&call, n)
	// The number of a thread that ended may be another's by now: what was read
	// counts only if the call still waits.
	if !call.Valid() {
		return Verdict{}, false
	}
	var errno unix.Errno
	switch {
	case err == nil:
		return l.handler(ctx, call), true
	case errors.As(err, &errno):
		if errno == unix.EACCES && l.unread != nil {
			l.unread(call)
		}
		return Verdict{Errno: errno}, true
	case k.class == policy.ClassExec:
		// It names no program now; another thread may make it name one.
		return Verdict{Errno: unix.EACCES}, true
	}
	return Verdict{}, true
}

func (l *Listener) valid(id uint64) bool {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), ioctlIDValid, uintptr(unsafe.Pointer(&id))) //nolint:gosec // the kernel reads during the call
	return errno == 0
}

// answer lets the call go on or fail. The caller may be gone by now, which is
// no matter.
func (l *Listener) answer(id uint64, v Verdict) {
	if v.Give != nil {
		if v = l.give(id, v); v.Give != nil {
			return
		}
	}
	r := response{id: id, failure: -int32(v.Errno)}
	switch {
	case v.Errno != 0:
	case v.Done:
		r.value = v.Value
	default:
		r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r))) //nolint:gosec // the kernel reads during the call
}

// notification is struct seccomp_notif.
type notification struct {
	id        uint64
	tid       uint32
	_         uint32 // flags, 0
	number    int32
	_         uint32 // architecture; the filter let only one through
	_         uint64 // instruction pointer
	arguments [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	id      uint64
	value   int64
	failure int32
	flags   uint32
}

// From the kernel's include/uapi/linux/seccomp.h: IOW('!', 2, u64) and
// IOW('!', 4, u64).
const (
	ioctlIDValid  = 0x40082102
	ioctlSetFlags = 0x40082104
)
