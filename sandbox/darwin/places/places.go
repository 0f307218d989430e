// Package places finds where paths lead on a file system: the physical name by
// which a kernel knows a file, the links on the way, and the files that a
// policy's patterns match now.
//
// It only reads names. It is safe for concurrent use and holds nothing.
package places

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"openclaw/sandbox/policy"
)

// Limits of the searches.
const (
	maxLinks  = 40      // as the kernel follows at most
	maxWalked = 500_000 // files looked at for patterns
)

// ErrTooLarge says that the folders to search hold too many files.
var ErrTooLarge = errors.New("the allowed folders hold too many files to search for what a pattern denies")

// Resolve follows every link of an absolute and clean path. What does not
// exist is taken as it is written. links are the links on the way, each at its
// own physical place. With fold, a name is returned in the letters that the
// folder holds for it.
func Resolve(name string, fold bool) (physical string, links []string, err error) {
	rest := strings.Split(strings.Trim(name, "/"), "/")
	at := "/"
	for len(rest) > 0 {
		next := rest[0]
		rest = rest[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		here := path.Join(at, next)
		info, err := os.Lstat(here)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), isNotFolder(err):
			return path.Join(append([]string{here}, rest...)...), links, nil
		case err != nil:
			return "", nil, fmt.Errorf("look at %s: %w", here, err)
		}
		if fold {
			here = path.Join(at, stored(at, next, info))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = here
			continue
		}
		links = append(links, here)
		if len(links) > maxLinks {
			return "", nil, fmt.Errorf("%s: too many links", name)
		}
		target, err := os.Readlink(here)
		if err != nil {
			return "", nil, fmt.Errorf("read link: %w", err)
		}
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, links, nil
}

// stored finds the letters that a folder holds for a name. A folder that
// cannot be listed leaves the name as it was written.
func stored(folder, name string, info fs.FileInfo) string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return name
	}
	same := name
	for _, entry := range entries {
		if entry.Name() == name {
			return name
		}
		if !strings.EqualFold(entry.Name(), name) {
			continue
		}
		if other, err := entry.Info(); err == nil && os.SameFile(info, other) {
			same = entry.Name()
		}
	}
	return same
}

// Denied lists what exists in the folders that a policy allows and is denied
// there by a pattern: the highest name of each. Without patterns there is
// nothing to search.
func Denied(p *policy.Policy, roots []string) ([]string, error) {
	if !hasPattern(p) {
		return nil, nil
	}
	var found []string
	walked := 0
	for _, root := range roots {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if walked++; walked > maxWalked {
				return ErrTooLarge
			}
			if p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Deny {
				found = append(found, name)
				if entry != nil && entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if err != nil && entry != nil && entry.IsDir() {
				return fs.SkipDir // what cannot be read cannot be searched, nor read by the agent
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return found, nil
}

func hasPattern(p *policy.Policy) bool {
	for i := range p.Paths {
		if p.Paths[i].Glob {
			return true
		}
	}
	return false
}

func isNotFolder(err error) bool { // below a file there is nothing
	return errors.Is(err, syscall.ENOTDIR)
}
