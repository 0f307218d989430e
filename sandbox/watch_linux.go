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
	"sync"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
)

// watcher sees what somebody outside changes. Where a mount covers a denied file
// of the system's, the kernel takes it away when the file or a folder above it is
// replaced, and init puts it back. Where a folder is bound natively into a served
// one, the cage would go on seeing the old folder, and the binder lets go of it.
type watcher struct {
	file  *os.File                   // inotify
	names map[string]map[string]bool // folder → the names in it that lead to a mask

	mu     sync.Mutex
	levels map[string]bool  // folders that the gate serves
	wds    map[int32]string // → folder
	limit  int              // of levels
}

const watched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

func newWatcher(plan *mounts.Plan) (*watcher, error) {
	w := &watcher{names: map[string]map[string]bool{}, levels: map[string]bool{}, wds: map[int32]string{}}
	for _, dir := range plan.Regions.ServedFolders() {
		w.levels[dir] = true
	}
	w.limit = len(w.levels)
	for _, step := range plan.Steps {
		if step.Do != mounts.Mask || step.Make {
			continue
		}
		for at := step.Path; at != "/"; at = path.Dir(at) {
			dir := path.Dir(at)
			if !plan.Regions.Of(dir).Native() && dir != path.Dir(step.Path) {
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
func (w *watcher) close() { closeInotify(w.file) }

func closeInotify(file *os.File) {
	last := -1
	if conn, err := file.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) {
			if last, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err != nil {
				last = -1 // the close takes longer
			}
		})
	}
	_ = file.Close()
	if last >= 0 {
		control.Collect(last)
	}
}

// watch looks after every folder that is there, also one that was made anew.
func (w *watcher) watch() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.add(slices.AppendSeq(slices.Collect(maps.Keys(w.names)), maps.Keys(w.levels)))
}

// serve watches folders that the gate has come to serve, the highest first. It returns
// the first that there is no watch for.
func (w *watcher) serve(dirs []string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, dir := range dirs {
		if len(w.levels) >= w.limit {
			return dir, unix.ENOSPC
		}
		if err := w.add([]string{dir}); err != nil {
			return dir, err
		}
		w.levels[dir] = true
	}
	return "", nil
}

// add watches folders. Parents come first: one that is not there yet is then an event to
// come. w.mu is held.
func (w *watcher) add(folders []string) error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	slices.Sort(folders)
	var failed error
	err = conn.Control(func(fd uintptr) {
		for _, dir := range slices.Compact(folders) {
			wd, err := unix.InotifyAddWatch(int(fd), dir, watched)
			switch {
			case err == nil:
				w.wds[int32(wd)] = dir
			case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENAMETOOLONG):
			default:
				failed = &Error{Op: "watch denied paths", Err: fmt.Errorf("%s: %w", dir, err), Hint: "raise fs.inotify.max_user_watches"}
			}
		}
	})
	return errors.Join(err, failed)
}

// changes are what run found.
type changes struct {
	masks  bool     // one may be gone
	levels []string // served folders in which another folder may have a name
}

// run calls changed at once, for what came before the first watch, and after
// each change that matters, until close. An error ends it.
func (w *watcher) run(changed func(changes) error) error {
	if err := changed(w.all()); err != nil {
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
		found, ok := w.read(buffer[:n])
		if !ok {
			found = w.all()
		}
		if !found.masks && len(found.levels) == 0 {
			continue
		}
		if err := w.watch(); err != nil {
			return err
		}
		if err := changed(found); err != nil {
			return err
		}
	}
}

func (w *watcher) all() changes {
	w.mu.Lock()
	defer w.mu.Unlock()
	return changes{masks: len(w.names) > 0, levels: slices.Collect(maps.Keys(w.levels))}
}

// read reads events: struct inotify_event is wd, mask, cookie, length, each four
// bytes, and the name. It is not ok when some were lost.
func (w *watcher) read(events []byte) (found changes, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		length := int(binary.NativeEndian.Uint32(events[12:]))
		rest := events[unix.SizeofInotifyEvent:]
		if length > len(rest) || mask&unix.IN_Q_OVERFLOW != 0 {
			return found, false
		}
		name := strings.TrimRight(string(rest[:length]), "\x00")
		dir := w.wds[wd]
		found.masks = found.masks || w.names[dir][name]
		if mask&unix.IN_ISDIR != 0 && w.levels[dir] && !slices.Contains(found.levels, dir) {
			found.levels = append(found.levels, dir)
		}
		events = rest[length:]
	}
	return found, true
}
