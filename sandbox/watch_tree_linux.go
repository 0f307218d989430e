package sandbox

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
)

// treeWatcher sees that a file comes to match a denied pattern in a folder that
// is bound natively. What comes into a folder that it knows it looks at before
// anything else; what lies in a folder that is new or was moved there is looked at a
// few folders at a time between that. Who moves a large folder to and fro therefore keeps
// it from nothing.
type treeWatcher struct {
	file    *os.File // inotify
	control func(func(fd uintptr)) error
	folders map[int32]string
	tree    tree
	limit   int // of folders
	left    int // trees that were left to full

	roots   []string
	given   []string        // roots that full was given as a whole
	pending []string        // folders to look at, the longest known first
	queued  map[string]bool // is pending
	astray  []stray
}

// tree is what is done with what a treeWatcher sees, all by the goroutine that runs it.
type tree struct {
	denies   func(name string) bool
	denied   func(name string) // of all that is there or comes and that denies names
	unlisted func(name string) // a folder that this user can neither list nor watch
	full     func(name string) // one that nothing below is watched in, because there are too many
	away     func(name string) // denied, in a folder that has no such name any more
}

// stray is a denied name that came into a folder which has another name by now.
type stray struct {
	folder int32
	base   string
}

// atOnce is how many folders are looked at before the next look for events, and
// readsAtOnce how often these are read then: as much as the kernel keeps.
const (
	atOnce      = 16
	readsAtOnce = 16
)

// minWatched is how many folders are watched at least, if the kernel has so many
// watches for all of a user's programs (fs.inotify.max_user_watches).
const minWatched = 16_384

// maxLeft bounds the trees that are left to the gate one by one when there are too many
// folders to watch. Past it the gate gets the whole.
const maxLeft = 64

// watchLimit leaves half of the kernel's watches to the user's other programs, and to the
// watcher.
func (c *Cage) watchLimit() int {
	if c.watches > 0 {
		return c.watches
	}
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_watches")
	if err != nil {
		return minWatched
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return minWatched
	}
	return max(minWatched, most/2)
}

const treeWatched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK | unix.IN_DONT_FOLLOW

// newTreeWatcher makes one that watches nothing yet. Other programs of the user may have
// taken all the watches that the kernel has.
func newTreeWatcher(tree tree, limit int) (*treeWatcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, &Error{Op: "watch allowed folders", Err: err, Hint: "raise fs.inotify.max_user_instances"}
	}
	w := &treeWatcher{
		file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}, tree: tree, limit: limit,
		queued: map[string]bool{},
	}
	conn, err := w.file.SyscallConn()
	if err != nil {
		_ = w.file.Close()
		return nil, &Error{Op: "watch allowed folders", Err: err}
	}
	w.control = conn.Control
	return w, nil
}

// run watches until close. An error ends it.
func (w *treeWatcher) run(roots []string) error {
	w.roots = roots
	w.lookAgain()
	buffer := make([]byte, 64<<10)
	for {
		for range readsAtOnce {
			n, err := w.read(buffer)
			if errors.Is(err, os.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			if n == 0 {
				if len(w.pending) == 0 {
					w.seek()
				}
				break
			}
			w.heed(buffer[:n])
		}
		for range min(atOnce, len(w.pending)) {
			name := w.pending[0]
			w.pending = w.pending[1:]
			delete(w.queued, name)
			w.look(name)
		}
	}
}

// read waits for events if there is nothing else to do.
func (w *treeWatcher) read(buffer []byte) (n int, err error) {
	if len(w.pending) == 0 && len(w.astray) == 0 {
		return w.file.Read(buffer)
	}
	if closed := w.control(func(fd uintptr) { n, err = unix.Read(int(fd), buffer) }); closed != nil {
		return 0, os.ErrClosed
	}
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return n, err
}

// heed reads events: see watcher.read.
func (w *treeWatcher) heed(events []byte) {
	for len(events) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		length := min(int(binary.NativeEndian.Uint32(events[12:])), len(events)-unix.SizeofInotifyEvent)
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:][:length]), "\x00")
		events = events[unix.SizeofInotifyEvent+length:]
		dir, known := w.folders[wd]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			w.lookAgain()
		case mask&unix.IN_IGNORED != 0:
			delete(w.folders, wd)
		case !known || name == "":
		case !w.tree.denies(dir + "/" + name):
			w.await(dir+"/"+name, mask&unix.IN_ISDIR != 0)
		case w.is(wd, dir):
			w.tree.denied(dir + "/" + name)
		case len(w.astray) < maxWarnings:
			w.astray = append(w.astray, stray{wd, name})
		}
	}
}

// is reports whether a watched folder has this name still, as far as this user may know.
func (w *treeWatcher) is(wd int32, name string) bool {
	now, err := w.add(name)
	return now == wd || err != nil && !absent(err)
}

// absent reports whether no folder has the name.
func absent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// seek tells of what came astray, once nothing waits: a folder that was moved to another
// name in the tree has been looked at by that.
func (w *treeWatcher) seek() {
	for _, each := range w.astray {
		if dir, known := w.folders[each.folder]; known && !w.is(each.folder, dir) {
			w.tree.away(dir + "/" + each.base)
		}
	}
	w.astray = nil
}

func (w *treeWatcher) lookAgain() {
	for _, root := range w.roots {
		w.came(root, true)
	}
}

// came sees to a name that is there or came. A folder's turn is later.
func (w *treeWatcher) came(name string, folder bool) {
	if w.tree.denies(name) {
		w.tree.denied(name)
		return
	}
	w.await(name, folder)
}

// await has a folder looked at later.
func (w *treeWatcher) await(name string, folder bool) {
	if !folder || w.queued[name] {
		return
	}
	w.queued[name] = true
	w.pending = append(w.pending, name)
}

// look watches a folder and looks at what is in it. It is watched before it is
// read, so nothing comes between.
func (w *treeWatcher) look(name string) {
	if slices.ContainsFunc(w.given, func(root string) bool { return within(name, root) }) {
		return
	}
	if strings.Count(name, "/") > mounts.MaxDepth {
		w.tree.full(name)
		return
	}
	err := w.watch(name)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM) {
		w.leave(name)
		return
	}
	var entries []fs.DirEntry
	if err == nil {
		entries, err = os.ReadDir(name)
	}
	for _, entry := range entries {
		w.came(name+"/"+entry.Name(), entry.IsDir())
	}
	if err != nil && !absent(err) {
		w.tree.unlisted(name)
	}
}

// watch fails with ENOSPC when there are too many folders, for the kernel or for limit.
func (w *treeWatcher) watch(name string) error {
	wd, err := w.add(name)
	if err != nil {
		return err
	}
	if _, known := w.folders[wd]; !known && len(w.folders) >= w.limit {
		_ = w.control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) }) // it ends with the run otherwise
		return unix.ENOSPC
	}
	w.folders[wd] = name
	return nil
}

// add has the kernel watch a folder, which it may do already.
func (w *treeWatcher) add(name string) (int32, error) {
	var wd int
	var err error
	if closed := w.control(func(fd uintptr) { wd, err = unix.InotifyAddWatch(int(fd), name, treeWatched) }); closed != nil {
		return -1, unix.ENOENT // the run has ended
	}
	return int32(wd), err
}

// leave gives up watching below a folder.
func (w *treeWatcher) leave(name string) {
	if w.left++; w.left <= maxLeft {
		w.tree.full(name)
		return
	}
	for _, root := range w.roots {
		if within(name, root) && !slices.Contains(w.given, root) {
			w.given = append(w.given, root)
			w.tree.full(root)
		}
	}
}
