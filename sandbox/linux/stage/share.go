//go:build linux

package stage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Share has the session of a command count among others as the person wanted the run
// to. Where the kernel divides the processors by sessions (sched(7), autogroup), a nice
// value counts among the processes of one only, and in the session of its own the command
// would have lost it. The kernel lets one such value of the whole machine change in a
// tenth of a second: it is asked again for some seconds, and nobody waits for it.
func Share(pid int) {
	const none, tries, pause = 20, 50, 120 * time.Millisecond
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the value
	if err != nil || raw >= none {
		return
	}
	file, err := os.OpenFile(fmt.Sprintf("/proc/%d/autogroup", pid), os.O_WRONLY, 0)
	if err != nil {
		return // the kernel divides by something else
	}
	go func() {
		defer func() { _ = file.Close() }()
		for range tries {
			if _, err := file.WriteString(strconv.Itoa(none - raw)); !errors.Is(err, unix.EAGAIN) {
				return
			}
			time.Sleep(pause)
		}
	}()
}
