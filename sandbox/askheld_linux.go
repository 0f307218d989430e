package sandbox

import (
	"context"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// callerPoll is how often a caller that was interrupted is looked at: the kernel
// tells of the first signal only.
const callerPoll = 50 * time.Millisecond

// news are the signals that end no ask: those that stop a job and let it go on, and
// those that tell of something. A local file system's open is not interrupted by
// any of them either. A program that such a signal kills has SIGKILL waiting too.
const news = stopSignals | 1<<(unix.SIGSTOP-1) | 1<<(unix.SIGCONT-1) | 1<<(unix.SIGCHLD-1) | 1<<(unix.SIGWINCH-1) | 1<<(unix.SIGURG-1) |
	1<<(unix.SIGIO-1) | 1<<(unix.SIGALRM-1) | 1<<(unix.SIGVTALRM-1) | 1<<(unix.SIGPROF-1)

// untilGone ends an ask of the gate's when its caller wants no answer any more.
// interrupted closes when the caller has a signal, or the gate has no caller left.
func (j *judge) untilGone(ctx context.Context, cancel context.CancelFunc, interrupted <-chan struct{}, thread int) {
	select {
	case <-ctx.Done():
		return
	case <-interrupted:
	}
	task := j.process.identity.task(thread)
	ticks := time.NewTicker(callerPoll)
	defer ticks.Stop()
	for waits(task) {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
	cancel()
}

// waits reports whether a thread still waits for its call. One that cannot be
// looked at does not.
func waits(task string) bool {
	if task == "" {
		return false
	}
	status, ok := readStatus(task)
	return ok && status.state[0] != 'Z' && status.state[0] != 'X' && status.pending()&^news == 0
}

// threadFromNamespace is NS_GET_PID_FROM_PIDNS of linux/nsfs.h (6.11 and later).
const threadFromNamespace = 0x8004b706

// task is the folder of a thread that the cage numbers so; "" when there is none.
func (i *identity) task(thread int) string {
	pid := i.outside(thread)
	if pid == 0 {
		return ""
	}
	if i.namespace != nil {
		tid, _, errno := unix.Syscall(unix.SYS_IOCTL, i.namespace.Fd(), threadFromNamespace, uintptr(thread))
		if errno == 0 {
			return filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(int(tid)))
		}
	}
	first, ok := readStatus(filepath.Join("/proc", strconv.Itoa(i.init)))
	for _, task := range tasksOf(pid) {
		status, there := readStatus(task)
		depth := len(first.numbers)
		if ok && there && depth > 0 && len(status.numbers) >= depth && status.numbers[depth-1] == strconv.Itoa(thread) {
			return task
		}
	}
	return ""
}
