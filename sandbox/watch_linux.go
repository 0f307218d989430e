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
	"openclaw/sandbox/policy"
)

// watcher sees what somebody outside changes. Where a mount covers a denied file
// of the system's, the kernel takes it away when the file or a folder above it is
// replaced, and init puts it back. Where a folder is bound natively into a served
// one, the cage would go on seeing the old folder, and the binder lets go of it.
type watcher struct {
	file   *os.File                   // inotify
	names  map[string]map[string]bool // folder → the names in it that lead to a mask
	levels map[string]bool            // folders that the gate serves
	wds    map[int32]string           // → folder
}

const watched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

func newWatcher(plan *mounts.Plan) (*watcher, error) {
	w := &watcher{names: map[string]map[string]bool{}, levels: map[string]bool{}, wds: map[int32]string{}}
	for _, dir := range plan.Regions.ServedFolders() {
		w.levels[dir] = true
	}
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
// Parents come first: a folder that is not there yet is then an event to come.
func (w *watcher) watch() error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		folders := slices.AppendSeq(slices.Collect(maps.Keys(w.names)), maps.Keys(w.levels))
		slices.Sort(folders)
		for _, dir := range slices.Compact(folders) {
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

// changes are what run found.
type changes struct {
	masks  bool     // one may be gone
	levels []string // served folders in which another folder may have a name
}

// run calls changed at once, for what came before the first watch, and after
// each change that matters, until close. An error ends it.
func (w *watcher) run(changed func(changes) error) error {
	all := changes{masks: len(w.names) > 0, levels: slices.Collect(maps.Keys(w.levels))}
	if err := changed(all); err != nil {
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
			found = all
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

// read reads events: struct inotify_event is wd, mask, cookie, length, each four
// bytes, and the name. It is not ok when some were lost.
func (w *watcher) read(events []byte) (found changes, ok bool) {
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

// watchMasks renews masks as long as the cage runs. When that is not possible,
// the cage ends.
func (p *Process) watchMasks() {
	err := p.watcher.run(func(found changes) error {
		for _, dir := range found.levels {
			p.binder.leaveChanged(dir)
		}
		if !found.masks {
			return nil
		}
		return p.conn.Send(stage.KindRenew, nil)
	})
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, os.ErrClosed) { // the cage has ended
		p.kill()
	}
}

// newTree prepares to watch for what comes to match a denied pattern.
func (p *Process) newTree() (*treeWatcher, error) {
	if len(p.plan.Watched) == 0 {
		return nil, nil
	}
	seen := map[string]bool{}
	visit := func(name string) bool {
		if p.judge.policy.Load().Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect != policy.Deny {
			return false
		}
		is := p.binder.denied(name)
		switch {
		case !is.was && !is.covered && is.failed == nil: // it was so before
		case seen[name]:
			p.warn(name + " is denied and was replaced from outside during the run; it is refused again, and may have been readable for a moment" + p.remains(is))
		default:
			p.warn(name + " came to match a denied pattern during the run; it is refused now, and may have been readable for a moment" + p.remains(is))
			if len(seen) < maxWarnings {
				seen[name] = true
			}
		}
		return true
	}
	unlisted := func(name string) {
		is := p.binder.unlisted(name)
		p.warn(name + " can be neither listed nor watched; a name that a pattern denies is refused in it from now on" + p.remains(is))
	}
	told := false
	full := func(name string) {
		is := p.binder.unwatched(name)
		if remains := p.remains(is); !told || remains != "" {
			told = true
			p.warn("more folders, or deeper ones, than this run can watch: those that it cannot, " + name + " for one, are served file by file, which is slow, so that a name that a pattern denies is refused in them; allow a smaller folder, deny without **, or raise fs.inotify.max_user_watches" + remains)
		}
	}
	limit := p.cage.watches
	if limit == 0 {
		limit = watchLimit()
	}
	return newTreeWatcher(visit, unlisted, full, limit)
}

// watchTree watches as long as the cage runs. When that is not possible, the cage ends.
func (p *Process) watchTree() {
	if err := p.tree.run(p.plan.Watched); err != nil {
		p.endFor(&Error{Op: "watch allowed folders", Err: err, Hint: "what comes to match a denied pattern would be readable; start the run again"})
	}
}

// remains says to whom a path that was closed during the run is open still.
func (p *Process) remains(is closed) string {
	text := ""
	switch {
	case is.failed != nil:
		text = "; it could not be covered for a program that was in its folder before, which can read it until the run ends: " + is.failed.Error()
	case is.inside:
		text = "; a program that was in it before, or had it open, can read what is in it until the run ends"
	}
	if p.spec.Policy.Nested {
		text += "; a sandbox that a program has made in this run sees it still"
	}
	return text
}

// warn adds to the report what it does not say yet.
func (p *Process) warn(text string) {
	p.mu.Lock()
	news := len(p.report.Warnings) < maxWarnings && !slices.Contains(p.report.Warnings, text)
	if news {
		p.report.Warnings = append(p.report.Warnings, text)
	}
	p.mu.Unlock()
	if news && p.spec.Warned != nil {
		p.spec.Warned()
	}
}

// renewed notes that a denied path was replaced from outside.
func (p *Process) renewed(names []string) {
	for _, name := range names {
		p.warn(name + " is denied and was replaced from outside during the run; it was covered again, and may have been readable for a moment")
	}
}

// maxWarnings bounds what a long run may collect.
const maxWarnings = 200
