//go:build linux

package cgroup

import (
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// NamespaceSafe reports whether a cgroup namespace that a process of this user
// makes would show no group of this process that the user may change, in any
// version. own says that the process will be in a Group of its own in version 2.
// What cannot be found out counts as not safe.
func NamespaceSafe(own bool) bool {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return false
	}
	return namespaceSafe(string(mountinfo), string(membership), own, os.Geteuid(), func(name string) bool {
		return unix.Faccessat(unix.AT_FDCWD, name, unix.W_OK, unix.AT_EACCESS) != nil
	})
}

func namespaceSafe(mountinfo, membership string, own bool, user int, closed func(name string) bool) bool {
	for line := range strings.Lines(membership) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			return false
		}
		if parts[0] == "0" && own {
			continue
		}
		if user == 0 { // who owns every group
			return false
		}
		kind, controllers := "cgroup2", []string(nil)
		if parts[0] != "0" {
			kind, controllers = "cgroup", strings.Split(parts[1], ",")
		}
		at := mountOf(mountinfo, kind, controllers)
		if at == "" || !path.IsAbs(parts[2]) || strings.HasPrefix(parts[2], "/..") {
			return false
		}
		dir := path.Join(at, parts[2])
		for _, name := range []string{".", "cgroup.procs"} {
			if !closed(path.Join(dir, name)) {
				return false
			}
		}
	}
	return true
}

// mountOf finds where a hierarchy is mounted whole.
func mountOf(mountinfo, kind string, controllers []string) string {
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		fields, rest := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 6 || len(rest) < 3 || rest[0] != kind || fields[3] != "/" {
			continue
		}
		options := strings.Split(rest[2], ",")
		if !slices.ContainsFunc(controllers, func(name string) bool { return !slices.Contains(options, name) }) {
			return unescape(fields[4])
		}
	}
	return ""
}
