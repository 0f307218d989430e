package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
)

// watcher sees that somebody outside replaces a denied file or a folder above
// it: the kernel then takes the mask away. Init puts it back.
type watcher struct {
	file  *os.File                   // inotify
	names map[string]map[string]bool // folder → the names in it that lead to a mask
	wds   map[int32]string           // → folder
}

const watched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

func newWatcher(plan *mounts.Plan) (*watcher, error) {
	w := &watcher{names: map[string]map[string]bool{}, wds: map[int32]string{}}
	for _, step := range plan.Steps {
		if step.Do != mounts.Mask || step.Make {
			continue
		}
		for at := string(step.Path); at != "/"; at = path.Dir(at) {
			dir := path.Dir(at)
			if !plan.Regions.Of(dir).Native() && dir != path.Dir(string(step.Path)) {
				break
			}
			if w.names[dir] == nil {
				w.names[dir] = map[string]bool{}
			}
			w.names[dir][path.Base(at)] = true
		}
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, &Error{Op: "watch denied paths", Err: err, Hint: "raise fs.inotify.max_user_instances"}
	}
	w.file = os.NewFile(uintptr(fd), "inotify")
	if err := w.watch(); err != nil {
		_ = w.file.Close()
		return nil, err
	}
	return w, nil
}

// close ends run. The kernel takes the inotify instance apart later.
func (w *watcher) close() {
	if conn, err := w.file.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { control.Collect(int(fd)) })
	}
	_ = w.file.Close()
}

// watch looks after every folder that is there, also one that was made anew.
// Parents come first: a folder that is not there yet is then an event to come.
func (w *watcher) watch() error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for _, dir := range slices.Sorted(maps.Keys(w.names)) {
			wd, err := unix.InotifyAddWatch(int(fd), dir, watched)
			switch {
			case err == nil:
				w.wds[int32(wd)] = dir
			case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EACCES):
			default:
				failed = &Error{Op: "watch denied paths", Err: fmt.Errorf("%s: %w", dir, err), Hint: "raise fs.inotify.max_user_watches"}
			}
		}
	})
	return errors.Join(err, failed)
}

// run calls changed at once, for what came before the first watch, and after
// each change that may have taken a mask away, until close. An error ends it:
// masks are then not renewed any more.
func (w *watcher) run(changed func() error) error {
	if err := changed(); err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if !w.concerns(buffer[:n]) {
			continue
		}
		if err := w.watch(); err != nil {
			return err
		}
		if err := changed(); err != nil {
			return err
		}
	}
}

// concerns reads events: struct inotify_event is wd, mask, cookie, length, each
// four bytes, and the name.
func (w *watcher) concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		length := int(binary.NativeEndian.Uint32(events[12:]))
		rest := events[unix.SizeofInotifyEvent:]
		if length > len(rest) {
			return true
		}
		name := strings.TrimRight(string(rest[:length]), "\x00")
		if mask&unix.IN_Q_OVERFLOW != 0 || w.names[w.wds[wd]][name] {
			return true
		}
		events = rest[length:]
	}
	return false
}

// watchMasks renews masks as long as the cage runs. When that is not possible,
// the cage ends.
func (p *Process) watchMasks() {
	err := p.watcher.run(func() error { return p.conn.Send(stage.KindRenew, nil) })
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, os.ErrClosed) { // the cage has ended
		p.kill()
	}
}

// renewed notes that a denied path was replaced from outside.
func (p *Process) renewed(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if len(p.report.Warnings) < maxWarnings {
			p.report.Warnings = append(p.report.Warnings, name+" is denied and was replaced from outside during the run; it was covered again, and may have been readable for a moment")
		}
	}
}

// maxWarnings bounds what a long run may collect.
const maxWarnings = 200
