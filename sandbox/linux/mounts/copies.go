//go:build linux

package mounts

import (
	"io/fs"
	"os"
	"slices"

	"openclaw/sandbox/policy"
)

// copies denies the folders in which a file system keeps older copies of what lies
// in a folder and which it does not list: ZFS, CephFS and file servers have them. What
// is denied beside or below would be readable there by a path that no rule names. It is
// called for the folders that hold something denied; one that is listed is a folder as
// any other.
func (pl *planner) copies(dir string) {
	if pl.copied[dir] || pl.finder.mountOf(dir).kind == automounter {
		return
	}
	pl.copied[dir] = true
	for _, base := range []string{".zfs", ".snapshot", ".snapshots", ".snap", ".snaps", "~snapshot"} {
		name := join(dir, base)
		info, err := os.Lstat(name)
		if err != nil || !info.IsDir() || lists(dir, base) {
			continue
		}
		rule := policy.PathRule{
			Path: name, Effect: policy.Deny, Origin: policy.Origin{BuiltIn: "older copies of files, some of them denied"}, Text: "built-in: older copies of files, some of them denied",
		}
		pl.found(rule)
		pl.boundary(name, rule, resolved{named: name, real: name, exists: true, mode: fs.ModeDir})
		pl.warn("%s is denied: it holds older copies of what is denied, and no listing shows it", name)
	}
}

// lists reports whether a folder lists a name, or cannot be listed.
func lists(dir, name string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
}

func join(dir, base string) string {
	if dir == "/" {
		return "/" + base
	}
	return dir + "/" + base
}
