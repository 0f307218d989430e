package sandbox

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
)

// treeWatcher sees that a file comes to match a denied pattern in a folder that
// is bound natively.
type treeWatcher struct {
	file    *os.File // inotify
	folders map[int32]string
	visit   func(name string) (denied bool)
	closed  func(name string)
	full    func(name string)
	limit   int // of folders
	left    int // trees that were left to full
}

// minWatched is how many folders are watched at least, if the kernel has so many
// watches for all of a user's programs (fs.inotify.max_user_watches).
const minWatched = 16_384

// maxLeft bounds the trees that are left to the gate one by one when there are too many
// folders to watch. Past it the gate gets the whole.
const maxLeft = 64

// watchLimit leaves half of the kernel's watches to the user's other programs.
func watchLimit() int {
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

// newTreeWatcher makes one that watches nothing yet. visit is called for
// everything that is there or comes, from run; closed for a folder that this user can
// neither list nor watch; full for one that nothing below is watched in, because there
// are too many: other programs of the user may have taken all that the kernel has.
func newTreeWatcher(visit func(name string) bool, closed, full func(name string), limit int) (*treeWatcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, &Error{Op: "watch allowed folders", Err: err, Hint: "raise fs.inotify.max_user_instances"}
	}
	return &treeWatcher{file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}, visit: visit, closed: closed, full: full, limit: limit}, nil
}

// run watches until close. An error ends it.
func (w *treeWatcher) run(roots []string) error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	all := func() {
		for _, root := range roots {
			w.add(conn.Control, root)
		}
	}
	all()
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		for events := buffer[:n]; len(events) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(events))
			mask := binary.NativeEndian.Uint32(events[4:])
			length := min(int(binary.NativeEndian.Uint32(events[12:])), len(events)-unix.SizeofInotifyEvent)
			name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:][:length]), "\x00")
			events = events[unix.SizeofInotifyEvent+length:]
			dir, known := w.folders[wd]
			switch {
			case mask&unix.IN_Q_OVERFLOW != 0:
				all()
			case mask&unix.IN_IGNORED != 0:
				delete(w.folders, wd)
			case !known || name == "":
			case mask&unix.IN_ISDIR != 0:
				w.add(conn.Control, dir+"/"+name)
			default:
				w.visit(dir + "/" + name)
			}
		}
	}
}

// add watches a tree and looks at what is in it. A folder is watched before it is
// read, so nothing comes between.
func (w *treeWatcher) add(control func(func(uintptr)) error, root string) {
	_ = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrPermission) && entry != nil && entry.IsDir() {
				w.closed(name)
			}
			return skipOf(entry)
		}
		if w.visit(name) {
			return skipOf(entry)
		}
		if !entry.IsDir() {
			return nil
		}
		if strings.Count(name, "/") > mounts.MaxDepth {
			w.full(name)
			return fs.SkipDir
		}
		var wd int
		var failed error
		if err := control(func(fd uintptr) { wd, failed = unix.InotifyAddWatch(int(fd), name, treeWatched) }); err != nil {
			return fs.SkipAll
		}
		_, known := w.folders[int32(wd)]
		switch {
		case failed == nil && !known && len(w.folders) >= w.limit:
			_ = control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) }) // it ends with the run otherwise
			return w.leave(root, name)
		case failed == nil:
			w.folders[int32(wd)] = name
		case errors.Is(failed, unix.EACCES):
			w.closed(name)
			return fs.SkipDir
		case errors.Is(failed, unix.ENOSPC), errors.Is(failed, unix.ENOMEM):
			return w.leave(root, name)
		}
		return nil
	})
}

// leave gives up watching below a folder.
func (w *treeWatcher) leave(root, name string) error {
	if w.left++; w.left > maxLeft {
		w.full(root)
		return fs.SkipAll
	}
	w.full(name)
	return fs.SkipDir
}

func skipOf(entry fs.DirEntry) error {
	if entry != nil && entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}
