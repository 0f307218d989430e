package sandbox

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// grown knows which files the programs of a run have opened to write, and tells of each
// that has come to be as large as max_file_size. The kernel refuses what is to be written
// behind that, and tells only the program, by SIGXFSZ and EFBIG: of one that ignores the
// signal, as all do that are written in Python or for Node, nobody else hears. But it
// writes up to the limit first, so the size shows it; and every open for writing is handed
// over already. So no write is slower. It is a conclusion: the file is full, and whether
// more was to be written is not known. What is written far behind the end of a smaller
// file leaves nothing to conclude from.
//
// A file is looked at when it may be gone or emptied (it is opened anew, removed, replaced),
// when the process that opened it ends, once a second, and at the end of the run.
//
// SIGXFSZ blocked from the start would stay pending, ignored or not, and prove the refusal.
// It was not done: what starts programs with a mask of its own (libuv) undoes it, and a
// program that the limit is to end would go on.
type grown struct {
	limit int64
	tell  func(written)

	mu    sync.Mutex
	files map[string]*list.Element
	order *list.List     // of *written; what was opened last is at the back
	roots map[string]int // of the cage's own folders, which go with its first process
}

// written is one file that was opened to write.
type written struct {
	target string
	by     caller // who opened it, and the last program of that process
	folder int    // a descriptor that name starts from
	name   string
	told   bool // or was as large before
}

// Bounds of what is looked at, and how often: at most one stat for each, in a second.
const (
	maxGrown  = 1024
	lookEvery = time.Second
)

func newGrown(limit int64, tell func(written)) *grown {
	return &grown{limit: limit, tell: tell, files: map[string]*list.Element{}, order: list.New(), roots: map[string]int{}}
}

// opened remembers a file before the kernel opens it. extends says that a file which is
// too large already would only be opened to make it larger still.
func (g *grown) opened(file written, truncates, extends bool) {
	g.left(file.target)
	if !truncates && !extends {
		file.told = g.full(&file)
	}
	var oldest *written
	g.mu.Lock()
	if at := g.files[file.target]; at != nil { // meanwhile, by another thread
		g.order.Remove(at)
	}
	g.files[file.target] = g.order.PushBack(&file)
	if g.order.Len() > maxGrown {
		oldest = g.forget(g.order.Front())
	}
	g.mu.Unlock()
	if oldest != nil {
		g.look(oldest)
	}
}

// forget needs the lock.
func (g *grown) forget(at *list.Element) *written {
	file, ok := g.order.Remove(at).(*written)
	if ok {
		delete(g.files, file.target)
	}
	return file
}

// left looks at a file for the last time, before its name may be another's.
func (g *grown) left(target string) {
	var file *written
	g.mu.Lock()
	if at := g.files[target]; at != nil {
		file = g.forget(at)
	}
	g.mu.Unlock()
	if file != nil {
		g.look(file)
	}
}

// executes is called before a process loads a program: what it has open goes on to that.
func (g *grown) executes(pid int, program string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for at := g.order.Front(); at != nil; at = at.Next() {
		if file, ok := at.Value.(*written); ok && file.by.pid == pid {
			file.by.program, file.by.commandLine = program, ""
		}
	}
}

// of lists what a process has opened, or all with 0; what was opened last comes first.
func (g *grown) of(pid int) []*written {
	g.mu.Lock()
	defer g.mu.Unlock()
	var files []*written
	for at := g.order.Back(); at != nil; at = at.Prev() {
		if file, ok := at.Value.(*written); ok && (pid == 0 || file.by.pid == pid) {
			files = append(files, file)
		}
	}
	return files
}

// ended looks at what a process has written, or at all with 0.
func (g *grown) ended(pid int) {
	for _, file := range g.of(pid) {
		g.look(file)
	}
}

// killed finds the file for which a process was ended, which the kernel does not say: of
// what the process opened itself the one that is full, or the one that has come to be so
// of all, or the only one that it opened. It is told with the end of the process, and
// not once more.
func (g *grown) killed(pid int) (target string) {
	var own []*written
	if pid != 0 {
		own = g.of(pid)
	}
	full := keep(own, g.full)
	for _, files := range [][]*written{full, keep(full, g.fresh), keep(keep(g.of(0), g.fresh), g.full), own} {
		if len(files) == 1 {
			g.mark(files[0])
			return files[0].target
		}
	}
	return ""
}

func keep(files []*written, which func(*written) bool) []*written {
	return slices.DeleteFunc(slices.Clone(files), func(file *written) bool { return !which(file) })
}

func (g *grown) fresh(file *written) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !file.told
}

// known is told of a file of which a refusal is told.
func (g *grown) known(target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.files[target]; at != nil {
		if file, ok := at.Value.(*written); ok {
			file.told = true
		}
	}
}

// look tells of a file that is full now.
func (g *grown) look(file *written) {
	if !g.full(file) {
		return
	}
	if copied, fresh := g.mark(file); fresh {
		g.tell(copied)
	}
}

func (g *grown) mark(file *written) (copied written, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh = !file.told
	file.told = true
	return *file, fresh
}

// full reports whether a file has no room left. No lock is held: its disk may be slow.
func (g *grown) full(file *written) bool {
	var stat unix.Stat_t
	err := unix.Fstatat(file.folder, file.name, &stat, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG && stat.Size >= g.limit
}

// root is a descriptor of a folder that the cage has of its own, which has another name
// here and none once the cage's first process has gone.
func (g *grown) root(folder, fromHere string) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if fd, ok := g.roots[folder]; ok {
		return fd, nil
	}
	fd, err := unix.Open(fromHere, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		g.roots[folder] = fd
	}
	return fd, err
}

// run looks at all, now and then, until stop.
func (g *grown) run(stop <-chan struct{}) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			g.ended(0)
		}
	}
}

// close looks at all a last time, when no process is left.
func (g *grown) close() {
	g.ended(0)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, fd := range g.roots {
		_ = unix.Close(fd)
	}
	g.roots = nil
}
