//go:build linux

package cgroup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Group bounds one run.
type Group struct {
	dir  string
	path string
	have []string
	lock int // a descriptor of the folder, locked; -1 once removed
	init *os.File

	setting sync.Mutex
	events  *watcher
}

// Has reports whether the group has a controller.
func (g *Group) Has(controller string) bool { return slices.Contains(g.have, controller) }

// Path names the group as /proc/PID/cgroup does.
func (g *Group) Path() string { return g.path }

// folderMode is that of every other control group: who may read limits is no
// secret, and a user's rights come from owning the folder.
const folderMode = 0o755

// errGone: somebody removed a folder between two steps; the whole is tried again.
var errGone = errors.New("removed meanwhile")

// Make makes a group with no limits yet, and removes what earlier runs left.
func (p *Place) Make() (*Group, error) {
	const op = "make control group"
	var err error
	for range 20 {
		var g *Group
		g, err = p.make()
		if err == nil {
			return g, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errGone) && !errors.Is(err, unix.ENODEV) {
			break
		}
	}
	return nil, &Error{Op: op, Err: err, Hint: "look into " + path.Join(p.dir, ownName)}
}

func (p *Place) make() (*Group, error) {
	own := path.Join(p.dir, ownName)
	if p.evacuate {
		if err := evacuate(p.dir); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(own, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	sweep(own)
	for _, dir := range []string{p.dir, own} {
		if err := enable(dir, p.have...); err != nil {
			return nil, err
		}
	}
	name := runPrefix + rand.Text()
	g := &Group{dir: path.Join(own, name), path: path.Join(p.path, ownName, name), have: p.have, lock: -1}
	if err := os.Mkdir(g.dir, folderMode); err != nil {
		return nil, err
	}
	if err := g.fill(); err != nil {
		_ = g.Remove()
		return nil, err
	}
	return g, nil
}

func (g *Group) fill() error {
	var err error
	if g.lock, err = lock(g.dir); err != nil {
		return err
	}
	for _, name := range []string{"init", "command", "command/inside"} {
		if err := os.Mkdir(path.Join(g.dir, name), folderMode); err != nil {
			return err
		}
	}
	if g.Has(PIDs) {
		if err := enable(g.dir, PIDs); err != nil {
			return err
		}
	}
	g.init, err = os.Open(path.Join(g.dir, "init"))
	return err
}

// lock takes the folder for this supervisor, until it ends.
func lock(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = unix.Close(fd)
		return -1, errGone
	}
	return fd, nil
}

// enable hands controllers on to the groups below.
func enable(dir string, names ...string) error {
	text, err := os.ReadFile(path.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range names {
		if !slices.Contains(strings.Fields(string(text)), name) {
			missing = append(missing, "+"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return write(path.Join(dir, "cgroup.subtree_control"), strings.Join(missing, " "))
}

// evacuate moves the processes of a delegated group into one below it, so that
// it may hand controllers on. New ones may come meanwhile.
func evacuate(dir string) error {
	outside := path.Join(dir, outsideName)
	if err := os.Mkdir(outside, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for range 100 {
		text, err := os.ReadFile(path.Join(dir, "cgroup.procs"))
		if err != nil {
			return err
		}
		if len(text) == 0 {
			return nil
		}
		for pid := range strings.FieldsSeq(string(text)) {
			err := write(path.Join(outside, "cgroup.procs"), pid)
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("move process %s out of the way: %w", pid, err)
			}
		}
	}
	return errors.New("new processes keep coming into " + dir)
}

// FD is the descriptor to start the cage's first process with
// (CLONE_INTO_CGROUP): it is then never outside the limits. It stays the
// group's.
func (g *Group) FD() int { return int(g.init.Fd()) }

// Take moves the command, which has one thread and has not begun, to where it
// is counted.
func (g *Group) Take(pid int) error {
	if err := write(path.Join(g.dir, "command/inside/cgroup.procs"), strconv.Itoa(pid)); err != nil {
		return &Error{Op: "move the command into its control group", Err: err}
	}
	return nil
}

// Holds reports whether a process is in the group, and so bounded by it.
func (g *Group) Holds(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return strings.Contains(rest+"/", "/"+path.Base(g.dir)+"/")
		}
	}
	return false
}

// Kill ends every process of the group at once, whatever it forks meanwhile.
// Kernels before 5.14 cannot.
func (g *Group) Kill() error {
	return write(path.Join(g.dir, "cgroup.kill"), "1")
}

// Remove ends what is left in the group, removes it, and stops Watch after a
// last look.
func (g *Group) Remove() error {
	if g.events != nil {
		g.events.close()
	}
	_ = g.Kill() // what cannot be removed says so below
	err := removeAll(g.dir)
	if g.init != nil {
		_ = g.init.Close()
	}
	if g.lock >= 0 {
		_ = unix.Close(g.lock)
		g.lock = -1
	}
	_ = os.Remove(path.Dir(g.dir)) // stays while another run has a group there
	if err != nil {
		return &Error{Op: "remove control group", Err: err, Hint: "the next run removes it"}
	}
	return nil
}

// removal is how long killed processes may take to leave their groups: on a busy
// machine with one processor thirty of them took more than five seconds.
const removal = 15 * time.Second

// removeAll removes a group and those below it: also those that a command made,
// and makes until it is dead.
func removeAll(dir string) error {
	for deadline := time.Now().Add(removal); ; time.Sleep(time.Millisecond) {
		err := removeNow(dir)
		if err == nil || !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
	}
}

func removeNow(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeNow(path.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes the groups of supervisors that are no more. What cannot be
// removed is the next run's to try.
func sweep(own string) {
	entries, err := os.ReadDir(own)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), runPrefix) {
			continue
		}
		dir := path.Join(own, entry.Name())
		fd, err := lock(dir)
		if err != nil {
			continue // somebody's
		}
		_ = write(path.Join(dir, "cgroup.kill"), "1")
		_ = removeAll(dir)
		_ = unix.Close(fd)
	}
}
