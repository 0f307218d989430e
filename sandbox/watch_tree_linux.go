package sandbox

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// treeWatcher sees that a file comes to match a denied pattern in a folder that
// is bound natively.
type treeWatcher struct {
	file    *os.File // inotify
	folders map[int32]string
	visit   func(name string) (denied bool)
	closed  func(name string)
	full    func()
}

// maxWatched bounds the folders that are watched; the kernel's own limit is for
// all of a user's programs (fs.inotify.max_user_watches).
const maxWatched = 16_384

const treeWatched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK | unix.IN_DONT_FOLLOW

// newTreeWatcher makes one that watches nothing yet. visit is called for
// everything that is there or comes, from run; closed for a folder that this user can
// neither list nor watch; full, once, when not all folders can be watched.
func newTreeWatcher(visit func(name string) bool, closed func(name string), full func()) (*treeWatcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, &Error{Op: "watch allowed folders", Err: err, Hint: "raise fs.inotify.max_user_instances"}
	}
	return &treeWatcher{file: os.NewFile(uintptr(fd), "inotify"), folders: map[int32]string{}, visit: visit, closed: closed, full: full}, nil
}

// run watches until close.
func (w *treeWatcher) run(roots []string) {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return
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
		if err != nil {
			return
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
		if len(w.folders) >= maxWatched {
			w.tell()
			return nil
		}
		var wd int
		var failed error
		if err := control(func(fd uintptr) { wd, failed = unix.InotifyAddWatch(int(fd), name, treeWatched) }); err != nil {
			return fs.SkipAll
		}
		switch {
		case failed == nil:
			w.folders[int32(wd)] = name
		case errors.Is(failed, unix.EACCES):
			w.closed(name)
			return fs.SkipDir
		case errors.Is(failed, unix.ENOSPC), errors.Is(failed, unix.ENOMEM):
			w.tell()
		}
		return nil
	})
}

func (w *treeWatcher) tell() {
	if w.full != nil {
		w.full()
		w.full = nil
	}
}

func skipOf(entry fs.DirEntry) error {
	if entry != nil && entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}
