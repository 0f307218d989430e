//go:build linux

package mounts

import (
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// settings are the system folders in which root's own secrets lie beside what
// programs need.
func settings() []string { return []string{"/etc", "/usr/local/etc"} }

// rootOnly denies, to an agent that root runs, what no other user could read of
// the system's settings: keys of servers, passwords of services. Root's agent
// has no power over other users' files, but root owns these.
func (pl *planner) rootOnly(places []closed) {
	for _, place := range places {
		if written(pl.policy, place.name) {
			continue
		}
		pl.found(policy.PathRule{
			Path: place.name, Effect: policy.Deny, Origin: policy.Origin{BuiltIn: "only root reads it"}, Text: "built-in: only root reads it",
		})
		if _, known := pl.plan.Regions.at[place.name]; !known {
			pl.plan.Regions.at[place.name], pl.modes[place.name] = Gate, place.mode
		}
	}
}

// closed is a file or a folder that only root and its group can read.
type closed struct {
	name string
	mode fs.FileMode // its type
}

// lookForClosed looks through the system's settings while the caller does
// something else; the function that it returns waits for the result, sorted by
// name. A user other than root gets none.
func lookForClosed() func() []closed {
	if os.Geteuid() != 0 {
		return func() []closed { return nil }
	}
	var found []closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, dir := range settings() {
			found = appendIfClosed(found, unix.AT_FDCWD, dir, dir, fs.ModeDir)
		}
		slices.SortFunc(found, func(a, b closed) int { return strings.Compare(a.name, b.name) })
	}()
	return func() []closed {
		<-done
		return found
	}
}

// appendIfClosed judges a file or a folder, which name names in the folder in, and
// what lies in it. Some thousand are looked at before each run: each by its name
// in its own folder, and in no order. What cannot be looked at cannot be read
// either.
func appendIfClosed(found []closed, in int, name, whole string, kind fs.FileMode) []closed {
	const othersRead, othersEnter = 0o004, 0o001
	var stat unix.Stat_t
	if unix.Fstatat(in, name, &stat, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return found // it has gone
	}
	if stat.Mode&othersRead == 0 || kind.IsDir() && stat.Mode&othersEnter == 0 {
		return append(found, closed{whole, kind})
	}
	if !kind.IsDir() {
		return found
	}
	fd, err := unix.Openat(in, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return found
	}
	folder := os.NewFile(uintptr(fd), whole)
	defer folder.Close()
	entries, _ := folder.ReadDir(-1) // of a folder that is going away, what is left
	for _, entry := range entries {
		if entry.IsDir() || entry.Type().IsRegular() {
			found = appendIfClosed(found, fd, entry.Name(), whole+"/"+entry.Name(), entry.Type())
		}
	}
	return found
}

// found adds a rule that the host's files gave rise to.
func (pl *planner) found(rule policy.PathRule) {
	pl.plan.Found = append(pl.plan.Found, rule)
	pl.policy.Paths = append(pl.policy.Paths, rule)
}
