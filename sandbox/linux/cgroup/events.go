//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Event is a limit that was met.
type Event struct {
	Controller string // Memory: there was no more, and the run was ended for it; PIDs: a process or thread was not made
	Count      int    // since the last event of the controller
}

// watcher counts what the kernel refused.
type watcher struct {
	group  *Group
	file   *os.File // inotify
	told   map[string]int64
	tell   func(Event)
	ending sync.WaitGroup
}

// Watch calls tell for every limit that is met, from one goroutine, until
// Remove. Limits on processor time slow a run down and are no event.
func (g *Group) Watch(tell func(Event)) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return &Error{Op: "watch limits", Err: err, Hint: "raise fs.inotify.max_user_instances"}
	}
	w := &watcher{group: g, file: os.NewFile(uintptr(fd), "inotify"), told: map[string]int64{}, tell: tell}
	for controller, name := range counters() {
		if !g.Has(controller) {
			continue
		}
		if _, err := unix.InotifyAddWatch(fd, path.Join(g.dir, name.file), unix.IN_MODIFY); err != nil {
			_ = w.file.Close()
			return &Error{Op: "watch limits", Err: fmt.Errorf("%s: %w", name.file, err), Hint: "raise fs.inotify.max_user_watches"}
		}
	}
	g.events = w
	w.ending.Go(w.run)
	return nil
}

type counter struct{ file, key string }

// counters are where the kernel counts (Documentation/admin-guide/cgroup-v2.rst).
func counters() map[string]counter {
	return map[string]counter{Memory: {"memory.events", "oom"}, PIDs: {"command/pids.events", "max"}}
}

func (w *watcher) run() {
	buffer := make([]byte, 4096)
	for {
		if _, err := w.file.Read(buffer); err != nil {
			w.look() // what came last
			return
		}
		w.look()
	}
}

func (w *watcher) look() {
	for controller, from := range counters() {
		if !w.group.Has(controller) {
			continue
		}
		text, err := os.ReadFile(path.Join(w.group.dir, from.file))
		if err != nil {
			continue // it has gone with its group
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) != 2 || fields[0] != from.key {
				continue
			}
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err == nil && n > w.told[controller] {
				w.tell(Event{Controller: controller, Count: int(n - w.told[controller])})
				w.told[controller] = n
			}
		}
	}
}

// close takes the last look and waits for it.
func (w *watcher) close() {
	_ = w.file.Close()
	w.ending.Wait()
}
