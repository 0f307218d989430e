//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const maxLinks = 40 // as the kernel: MAXSYMLINKS

// link is a symbolic link on the way to a rule's path.
type link struct {
	path   string // its own path; every folder in it is a real one
	target string // its text
}

// resolved is where a path leads.
type resolved struct {
	named  string // the folder resolved, the last name as written
	real   string // everything resolved
	links  []link
	exists bool
	mode   fs.FileMode // of real; type bits only matter
}

// lookups resolves paths and looks at each name once: the rules of a policy go
// through the same few folders, and all of a plan is about one state of them.
// Its zero value is not usable. It is not safe for concurrent use.
type lookups struct {
	names  map[string]hostName
	places map[string]resolved
}

// hostName is what a name of the host was at the first look.
type hostName struct {
	mode   fs.FileMode
	target string // of a symbolic link
	err    error
}

func newLookups() *lookups {
	return &lookups{names: make(map[string]hostName, 512), places: make(map[string]resolved, 256)} // a policy's built-in rules take 300 and 150
}

func (l *lookups) look(at string) hostName {
	known, ok := l.names[at]
	if ok {
		return known
	}
	var stat unix.Stat_t
	if known.err = lstat(at, &stat); known.err == nil {
		known.mode = typeOf(stat.Mode)
	}
	if known.mode == fs.ModeSymlink {
		known.target, known.err = os.Readlink(at)
	}
	l.names[at] = known
	return known
}

// lstat is os.Lstat without what describes the file and the error.
func lstat(name string, stat *unix.Stat_t) error {
	for {
		if err := unix.Lstat(name, stat); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// typeOf is what kind of file a mode of stat(2) is of.
func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	}
	return fs.ModeDevice
}

// resolve follows a clean absolute path on the host. What does not exist keeps
// its name below what does. A component that may not be looked at counts as
// not existing: the person could not reach it either.
func (l *lookups) resolve(name string) (resolved, error) {
	if known, ok := l.places[name]; ok {
		return known, nil
	}
	place, err := l.follow(name)
	if err == nil {
		l.places[name] = place
	}
	return place, err
}

func (l *lookups) follow(name string) (resolved, error) {
	var out resolved
	real, rest := "/", strings.Split(strings.TrimPrefix(name, "/"), "/")
	if name == "/" {
		rest = nil
	}
	links := 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			if out.mode == fs.ModeSymlink { // a link to the folder that it lies in
				out.mode = fs.ModeDir
			}
			continue
		case "..":
			real, out.mode = path.Dir(real), fs.ModeDir
			continue
		}
		next := strings.TrimSuffix(real, "/") + "/" + part // clean, as both are
		if len(rest) == 0 && out.named == "" {
			out.named = next
		}
		found := l.look(next)
		if found.err != nil {
			if !absent(found.err) {
				return out, fmt.Errorf("look up %s: %w", next, found.err)
			}
			out.real = path.Join(append([]string{next}, rest...)...)
			if out.named == "" {
				out.named = out.real
			}
			return out, nil
		}
		out.mode = found.mode
		if found.mode&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		links++
		if links > maxLinks {
			return out, fmt.Errorf("look up %s: %w", name, unix.ELOOP)
		}
		target := found.target
		out.links = append(out.links, link{path: next, target: target})
		if strings.HasPrefix(target, "/") {
			real = "/"
		}
		rest = append(strings.Split(strings.TrimPrefix(target, "/"), "/"), rest...)
	}
	out.real, out.exists = real, true
	if out.named == "" {
		out.named = real
	}
	if real == "/" {
		out.mode = fs.ModeDir
	}
	return out, nil
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENAMETOOLONG) || errors.Is(err, unix.EINVAL)
}

// under reports whether name is dir or lies below it. Both are clean.
func under(name, dir string) bool {
	return name == dir || dir == "/" || len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}

func depth(name string) int {
	if name == "/" {
		return 0
	}
	return strings.Count(name, "/")
}
