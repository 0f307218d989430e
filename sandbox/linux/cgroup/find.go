//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The controllers that limits need.
const (
	Memory = "memory"
	PIDs   = "pids"
	CPU    = "cpu"
)

func controllers() []string { return []string{Memory, PIDs, CPU} }

// Names of the groups that this package makes.
const (
	ownName     = "openclaw"
	outsideName = "openclaw-outside" // for what was in a delegated group before
	runPrefix   = "run-"
)

// Place is where groups can be made.
type Place struct {
	dir      string // in the file system
	path     string // as /proc/PID/cgroup names it
	have     []string
	evacuate bool // its processes must move into a group of their own first
}

// Path names the place as /proc/PID/cgroup does.
func (p *Place) Path() string { return p.path }

// Has reports whether limits of a controller can be set there.
func (p *Place) Has(controller string) bool { return slices.Contains(p.have, controller) }

// Find looks for a place with at least one of the controllers that limits need.
// An *Error says what is in the way.
func Find() (*Place, error) { return FindWith(controllers()...) }

// FindWith looks for a place with at least one of some controllers.
func FindWith(controllers ...string) (*Place, error) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, &Error{Op: "find control groups", Err: err}
	}
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, &Error{Op: "find control groups", Err: err}
	}
	return find(string(mountinfo), string(membership), controllers)
}

func find(mountinfo, membership string, wanted []string) (*Place, error) {
	const op = "find a place for control groups"
	root, own, err := locate(mountinfo, membership)
	if err != nil {
		return nil, err
	}
	if path.Base(own) == outsideName { // an earlier run made its parent fit
		own = path.Dir(own)
	}
	var first error
	for at := own; ; at = path.Dir(at) {
		place, err := look(root, at, at == own, wanted)
		if err == nil {
			return place, nil
		}
		if first == nil {
			first = err
		}
		if at == "/" {
			break
		}
	}
	return nil, &Error{Op: op, Kind: KindMissing, Err: first, Hint: fix()}
}

func fix() string {
	if os.Geteuid() == 0 {
		return "give this process a group that it may divide: systemd-run --scope -p Delegate=yes openclaw agent run …; a container must be started with its control groups writable"
	}
	return "start it in a group that is yours: systemd-run --user --scope -p Delegate=yes openclaw agent run …; where there is no user manager, sudo loginctl enable-linger " + "$USER starts one"
}

// locate finds where version 2 is mounted and this process's group below it.
func locate(mountinfo, membership string) (root, own string, err error) {
	const op = "find control groups"
	for line := range strings.Lines(membership) {
		if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			own = strings.TrimSuffix(rest, " (deleted)")
		}
	}
	if !path.IsAbs(own) || strings.HasPrefix(own, "/..") {
		return "", "", &Error{Op: op, Kind: KindMissing, Err: errors.New("this process is in no group of version 2 that it can see"), Hint: "mount them: mount -t cgroup2 none /sys/fs/cgroup"}
	}
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 6 || !strings.HasPrefix(right, "cgroup2 ") {
			continue
		}
		from, at := unescape(fields[3]), unescape(fields[4])
		if from != "/" {
			rest, below := strings.CutPrefix(own, from)
			if !below || rest != "" && rest[0] != '/' {
				continue // another part of the tree
			}
			return at, path.Clean("/" + rest), nil
		}
		return at, path.Clean(own), nil
	}
	return "", "", &Error{Op: op, Kind: KindMissing, Err: errors.New("version 2 is not mounted"), Hint: "mount them: mount -t cgroup2 none /sys/fs/cgroup"}
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	for _, pair := range [][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}

// look judges one group on the way up.
func look(root, at string, own bool, wanted []string) (*Place, error) {
	dir := path.Join(root, at)
	for _, name := range []string{".", "cgroup.procs", "cgroup.subtree_control"} {
		if err := unix.Faccessat(unix.AT_FDCWD, path.Join(dir, name), unix.W_OK, unix.AT_EACCESS); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(at, name), err)
		}
	}
	place := &Place{dir: dir, path: at}
	text, err := os.ReadFile(path.Join(dir, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	for _, name := range wanted {
		if slices.Contains(strings.Fields(string(text)), name) {
			place.have = append(place.have, name)
		}
	}
	if len(place.have) == 0 {
		return nil, fmt.Errorf("%s has none of the controllers %s (%q); those that version 1 holds are not there", at, strings.Join(wanted, ", "), strings.TrimSpace(string(text)))
	}
	kind, err := os.ReadFile(path.Join(dir, "cgroup.type"))
	if errors.Is(err, os.ErrNotExist) {
		return place, nil // the root of all: it may hold processes
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(kind)) != "domain" {
		return nil, fmt.Errorf("%s is of type %q", at, strings.TrimSpace(string(kind)))
	}
	procs, err := os.ReadFile(path.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	if len(procs) == 0 {
		return place, nil
	}
	if !own || at != "/" && !delegated(dir) {
		return nil, fmt.Errorf("%s holds processes and is not delegated", at)
	}
	place.evacuate = true
	return place, nil
}

// delegated reports whether systemd gave the group away: it says so in an
// extended attribute (systemd.resource-control(5), Delegate=).
func delegated(dir string) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		value := make([]byte, 8)
		if n, err := unix.Getxattr(dir, name, value); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}
