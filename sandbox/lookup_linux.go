package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
)

const maxLinks = 40 // as the kernel: MAXSYMLINKS

// lookup follows a path as a thread of the cage would: links and ".." on the
// way are taken one name after the other, in the cage's own folders by the
// cage's files and elsewhere by the host's. The answer was true when it was
// read, which is enough to report by; see atCall. readOnly says that the way
// went through a descriptor that was opened for reading only.
func (j *judge) lookup(thread int, name string, follow bool) (real string, exists, readOnly bool) {
	name = j.process.binder.named(name)
	if real, exists, ok := j.direct(name, follow); ok {
		return real, exists, false
	}
	return j.stepwise(thread, name, follow)
}

// stepwise is lookup for any path.
func (j *judge) stepwise(thread int, name string, follow bool) (real string, exists, readOnly bool) {
	regions := j.process.plan.Regions
	at, rest := "/", strings.Split(name, "/")
	links := 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		target, exists := j.link(thread, next, regions.Of(next) == mounts.Private)
		if !exists {
			return path.Join(append([]string{next}, rest...)...), false, readOnly
		}
		if target == "" || !follow && onlyDots(rest) {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return path.Join(append([]string{next}, rest...)...), false, readOnly
		}
		readOnly = readOnly || j.opensForReading(next)
		if strings.HasPrefix(target, "/") {
			at, target = "/", j.process.binder.named(target)
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, true, readOnly
}

// direct is lookup for a path that leads through no link and whose names are the
// host's, as most are: the kernel is asked once, not for each name. ok is false where
// it cannot tell.
func (j *judge) direct(name string, follow bool) (real string, exists, ok bool) {
	if path.Clean(name) != name {
		return "", false, false
	}
	for at := name; at != "/"; at = path.Dir(at) {
		if j.process.plan.Regions.Of(at) == mounts.Private {
			return "", false, false
		}
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	switch {
	case err == nil:
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EACCES):
		return name, false, true
	default: // ELOOP: a link is on the way
		return "", false, false
	}
	defer func() { _ = unix.Close(fd) }()
	if !follow {
		return name, true, true
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		return "", false, false
	}
	return name, true, true
}

// opensForReading reports whether a name in /proc is that of a descriptor which
// was opened for reading only.
func (j *judge) opensForReading(name string) bool {
	dir, number := path.Split(name)
	if !strings.HasPrefix(dir, "/proc/") || !strings.HasSuffix(dir, "/fd/") {
		return false
	}
	info := strings.TrimSuffix(dir, "fd/") + "fdinfo/" + number
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/root%s", j.process.identity.init, info))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(text)) {
		if flags, ok := strings.CutPrefix(line, "flags:"); ok {
			mode, err := strconv.ParseUint(strings.TrimSpace(flags), 8, 64)
			return err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY
		}
	}
	return true
}

// onlyDots reports whether nothing more is named.
func onlyDots(rest []string) bool {
	for _, part := range rest {
		if part != "" && part != "." {
			return false
		}
	}
	return true
}

// link reads one link; target is empty for what is none.
func (j *judge) link(thread int, name string, private bool) (target string, exists bool) {
	outside := name
	if private {
		switch name {
		case "/proc/self", "/proc/thread-self":
			return j.self(thread, name)
		}
		outside = fmt.Sprintf("/proc/%d/root%s", j.process.identity.init, name)
	}
	info, err := os.Lstat(outside)
	if err != nil {
		return "", false
	}
	if info.Mode()&os.ModeSymlink == 0 {
		return "", true
	}
	if target, err = os.Readlink(outside); err != nil {
		return "", true
	}
	return target, true
}

// self is what the two names in /proc lead to for a thread. They cannot be read
// from outside, where the reader is none of the cage's.
func (j *judge) self(thread int, name string) (target string, exists bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
	if err != nil {
		return "", false
	}
	process, own := "", ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "NStgid:":
			process = fields[len(fields)-1]
		case fields[0] == "NSpid:":
			own = fields[len(fields)-1]
		}
	}
	if name == "/proc/self" {
		return process, process != ""
	}
	return process + "/task/" + own, process != "" && own != ""
}
