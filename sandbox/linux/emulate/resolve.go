//go:build linux

package emulate

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
)

const (
	maxLinks = 40 // as the kernel: MAXSYMLINKS
	maxParts = 4096
)

// Caller is a thread that waits for the answer to its call.
type Caller struct{ PID, TID int }

// Object is a file, folder, socket… held by a descriptor (O_PATH).
type Object struct {
	Descriptor int
	Path       string // the kernel's word
	Gone       bool   // Path is what it was called last: it has no name any more, or another file has it
	Mode       uint32 // type and bits
	Links      uint64
}

// Close lets go of it. Nil, which comes with an error, is nothing to let go of.
func (o *Object) Close() {
	if o != nil {
		_ = unix.Close(o.Descriptor)
	}
}

// Type is the S_IFMT part of the mode.
func (o *Object) Type() uint32 { return o.Mode & unix.S_IFMT }

// Name is a path by which this process reaches the object again, whatever
// happens to its names. It leads through a link that must be followed.
func (o *Object) Name() string { return "/proc/self/fd/" + strconv.Itoa(o.Descriptor) }

func hold(fd int) (*Object, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		_ = unix.Close(fd)
		return nil, unix.EACCES
	}
	last, gone := lastName(name, &stat)
	return &Object{Descriptor: fd, Path: last, Gone: gone, Mode: stat.Mode, Links: uint64(stat.Nlink)}, nil //nolint:unconvert // not the same on arm64
}

// removed is what the kernel writes behind the last path of what has none any more.
const removed = " (deleted)"

// lastName takes off what the kernel writes behind a path that is gone, where it is not a
// part of the name: no rule on the file's name would match it otherwise.
func lastName(path string, file *unix.Stat_t) (last string, gone bool) {
	last, gone = strings.CutSuffix(path, removed)
	if !gone {
		return path, false
	}
	var there unix.Stat_t
	if unix.Lstat(path, &there) == nil && there.Dev == file.Dev && there.Ino == file.Ino {
		return path, false
	}
	return last, true
}

// lower takes this thread's capabilities off until restore is called: no program of a
// cage has one, and root's supervisor has all.
func lower() (restore func(), err error) {
	rights, err := harden.OwnRights()
	if err != nil {
		return nil, unix.EACCES
	}
	return rights.Lower(), nil
}

// Resolve finds what a path names for the caller. folder is the descriptor that
// a relative path starts at, or AT_FDCWD. With follow, a link in the last place
// is followed. An error is the errno for the program.
func (c Caller) Resolve(folder int, name string, follow bool) (*Object, error) {
	w, err := c.walk(folder, name, follow, false)
	if err != nil {
		return nil, err
	}
	return hold(w)
}

// Parent finds the folder that a path's last name is in, and that name. Links
// on the way are followed; the name itself is not looked at. It fails with
// EEXIST where the path ends in a folder ("/", "..").
func (c Caller) Parent(folder int, name string) (*Object, string, error) {
	trimmed := strings.TrimRight(name, "/")
	dir, last := path.Split(trimmed)
	switch {
	case name == "":
		return nil, "", unix.ENOENT
	case last == "", last == ".", last == "..":
		return nil, "", unix.EEXIST
	case dir == "":
		dir = "."
	}
	w, err := c.walk(folder, dir, true, true)
	if err != nil {
		return nil, "", err
	}
	o, err := hold(w)
	return o, last, err
}

// File holds what one of the caller's descriptors is of.
func (c Caller) File(number int) (*Object, error) {
	fd, err := c.own("fd/" + strconv.Itoa(number))
	if err != nil {
		return nil, err
	}
	return hold(fd)
}

// own follows a link of the caller's own in /proc.
func (c Caller) own(name string) (int, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(c.TID)+"/"+name, unix.O_PATH|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, unix.ENOENT):
		return -1, unix.EBADF
	}
	return -1, unix.EACCES
}

func (c Caller) start(folder int, name string) (int, error) {
	switch {
	case strings.HasPrefix(name, "/"):
		return unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	case folder == unix.AT_FDCWD:
		return c.own("cwd")
	}
	return c.own("fd/" + strconv.Itoa(folder))
}

// walk returns a descriptor of what a path names.
func (c Caller) walk(folder int, name string, follow, mustFolder bool) (int, error) {
	if name == "" {
		return -1, unix.ENOENT
	}
	at, err := c.start(folder, name)
	if err != nil {
		return -1, err
	}
	if fd, ok := direct(at, name, follow, mustFolder); ok {
		_ = unix.Close(at)
		return fd, nil
	}
	rest := strings.Split(name, "/")
	links := 0
	for steps := 0; len(rest) > 0; steps++ {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		last := onlySlashes(rest)
		next, text, err := c.step(at, part, !last || follow || len(rest) > 0)
		_ = unix.Close(at)
		switch {
		case err != nil:
			return -1, err
		case steps > maxParts:
			_ = unix.Close(next)
			return -1, unix.ENAMETOOLONG
		case text == "":
			at = next
			continue
		}
		if links++; links > maxLinks {
			_ = unix.Close(next)
			return -1, unix.ELOOP
		}
		at = next // the folder that the link is in
		if strings.HasPrefix(text, "/") {
			_ = unix.Close(at)
			if at, err = unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
				return -1, err
			}
		}
		rest = append(strings.Split(text, "/"), rest...)
	}
	if mustFolder || strings.HasSuffix(name, "/") {
		var stat unix.Stat_t
		if err := unix.Fstat(at, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFDIR {
			_ = unix.Close(at)
			return -1, unix.ENOTDIR
		}
	}
	return at, nil
}

// direct resolves a path in which no link has to be followed: most of them.
func direct(at int, name string, follow, mustFolder bool) (int, bool) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if !follow {
		how.Flags |= unix.O_NOFOLLOW
	}
	if mustFolder {
		how.Flags |= unix.O_DIRECTORY
	}
	restore, err := lower()
	if err != nil {
		return -1, false
	}
	defer restore()
	fd, err := unix.Openat2(at, name, &how)
	return fd, err == nil
}

func onlySlashes(rest []string) bool {
	for _, part := range rest {
		if part != "" {
			return false
		}
	}
	return true
}

// step goes one name on from a folder. Of a link that has to be followed it
// gives the text, and a new descriptor of the folder.
func (c Caller) step(at int, part string, follow bool) (next int, text string, err error) {
	restore, err := lower()
	if err != nil {
		return -1, "", err
	}
	fd, err := unix.Openat(at, part, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	restore() // what is left is about the caller itself, or held
	if err != nil {
		return -1, "", err
	}
	if !follow {
		return fd, "", nil
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		_ = unix.Close(fd)
		return -1, "", err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFLNK {
		return fd, "", nil
	}
	defer func() { _ = unix.Close(fd) }()
	if inProc(fd) {
		return c.procLink(at, part)
	}
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buffer)
	if err != nil {
		return -1, "", err
	}
	if n == 0 {
		return -1, "", unix.ENOENT
	}
	folder, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 0)
	return folder, string(buffer[:n]), err
}

const procMagic = 0x9fa0 // PROC_SUPER_MAGIC of linux/magic.h

func inProc(fd int) bool {
	var stat unix.Statfs_t
	return unix.Fstatfs(fd, &stat) == nil && stat.Type == procMagic
}

// procLink follows a link of /proc as the caller would, if it is one that the
// caller may have followed.
func (c Caller) procLink(at int, part string) (int, string, error) {
	where, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(at))
	if err != nil {
		return -1, "", unix.EACCES
	}
	process := "/proc/" + strconv.Itoa(c.PID)
	again := func(text string) (int, string, error) {
		folder, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 0)
		return folder, text, err
	}
	switch {
	case where == "/proc" && part == "self":
		return again(strconv.Itoa(c.PID))
	case where == "/proc" && part == "thread-self":
		return again(strconv.Itoa(c.PID) + "/task/" + strconv.Itoa(c.TID))
	case where == "/proc" && (part == "mounts" || part == "net"):
		return again("self/" + part)
	}
	own := where == process || where == process+"/fd"
	if rest, ok := strings.CutPrefix(where, process+"/task/"); ok {
		tid, tail, _ := strings.Cut(rest, "/")
		_, err := strconv.Atoi(tid)
		own = err == nil && (tail == "" || tail == "fd")
	}
	if !own {
		return -1, "", unix.EACCES
	}
	fd, err := unix.Openat(at, part, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, "", err
	}
	return fd, "", nil
}
