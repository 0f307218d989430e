//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/policy"
)

// maxGlobEntries bounds the walk that expands denied globs. It takes about two
// seconds to visit so many; a larger tree is refused rather than half covered.
const maxGlobEntries = 500_000

// ErrTooLarge is the walk's refusal.
var ErrTooLarge = errors.New("too many files below the allowed paths to look for a denied pattern")

// mask covers a denied path inside a native region. One that does not exist is
// made for the run, because a mount needs a place; a built-in rule is not worth
// a file in the person's home, and the call filter refuses to make it.
func (pl *planner) mask(name string, around Region, mode fs.FileMode, exists bool) error {
	if exists {
		if mode.IsRegular() {
			pl.warnHardLink(name)
		}
		pl.step(Step{Do: Mask, Path: control.Text(name), File: !mode.IsDir()})
		return nil
	}
	delete(pl.plan.Regions.at, name)
	if pl.builtIn[name] {
		return nil
	}
	err := pl.makePlace(name)
	switch {
	case err == nil:
		pl.plan.Regions.at[name] = Gate
		pl.step(Step{Do: Mask, Path: control.Text(name), File: true})
		return nil
	case around == Read && (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)):
		pl.warn("%s is denied and does not exist yet; it is readable if someone makes it during this run", name)
		return nil
	default:
		return fmt.Errorf("make a place for denied path %s: %w", name, err)
	}
}

// makePlace makes an empty file, and the folders above it that are missing.
func (pl *planner) makePlace(name string) error {
	var missing []string
	for at := parent(name); ; at = parent(at) {
		if _, err := os.Lstat(at); err == nil {
			break
		}
		missing = append(missing, at)
	}
	slices.Reverse(missing)
	for _, dir := range missing {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		pl.plan.Made = append([]string{dir}, pl.plan.Made...)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	pl.plan.Made = append([]string{name}, pl.plan.Made...)
	return file.Close()
}

// Undo removes what Make made on the host, as far as it is still empty.
func (p *Plan) Undo() {
	for _, name := range p.Made {
		info, err := os.Lstat(name)
		if err != nil || info.Mode().IsRegular() && info.Size() != 0 || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		_ = os.Remove(name)
	}
	p.Made = nil
}

func (pl *planner) warnHardLink(name string) {
	info, err := os.Lstat(name)
	if err != nil {
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
		pl.warn("%s is denied and has %d names; another name of it may be reachable", name, stat.Nlink)
	}
}

// bury keeps the folders above a mask from being moved away. Each is bound onto
// itself below the region's own bind, so that it is busy, and the region is
// bound once more on top, so that renames and links inside it stay possible.
func (pl *planner) bury() {
	var steps []Step
	for _, s := range pl.plan.Steps {
		steps = append(steps, s)
		root := string(s.Path)
		if s.Do != Bind || !s.Write || s.File {
			continue
		}
		pins := map[string]bool{}
		for _, inner := range pl.plan.Steps {
			name := string(inner.Path)
			if inner.Do != Mask && inner.Do != Bind || name == root || !under(name, root) {
				continue
			}
			for at := parent(name); at != root && under(at, root); at = parent(at) {
				if pl.plan.Regions.Of(at) == Write {
					pins[at] = true
				}
			}
		}
		if len(pins) == 0 {
			continue
		}
		names := make([]string, 0, len(pins))
		for at := range pins {
			names = append(names, at)
		}
		slices.Sort(names)
		for _, at := range names {
			steps = append(steps, Step{Do: Pin, Path: control.Text(at)})
		}
		again := s
		again.Make = false
		steps = append(steps, again)
	}
	pl.plan.Steps = steps
}

// matchGlobs looks for what denied patterns match now, below the paths that
// people opened, and below system folders that a pattern begins with.
func (pl *planner) matchGlobs() error {
	var globs []string
	for i := range pl.policy.Paths {
		rule := &pl.policy.Paths[i]
		if rule.Glob && rule.Effect != policy.Allow {
			globs = append(globs, literalPrefix(rule.Path))
			pl.warn("%s: files that match later are refused when a program makes them, but are readable if someone else does", rule.Path)
		}
	}
	if len(globs) == 0 {
		return nil
	}
	for i := range pl.policy.Paths {
		rule := &pl.policy.Paths[i]
		if rule.Effect != policy.Allow || rule.Glob || rule.System && underPrivate(rule.Path) {
			continue
		}
		for _, prefix := range globs {
			start := rule.Path
			if under(prefix, rule.Path) {
				start = prefix
			} else if rule.System || !under(rule.Path, prefix) {
				continue
			}
			if err := pl.walk(start, start); err != nil {
				return err
			}
		}
	}
	for _, a := range pl.aliases {
		if err := pl.walk(a.real, a.named); err != nil {
			return err
		}
	}
	return nil
}

// walk visits a tree by its real name and judges every file by the name that a
// person wrote, which may lead there through a link.
func (pl *planner) walk(start, named string) error {
	return filepath.WalkDir(start, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		pl.seenGlobs++
		if pl.seenGlobs > maxGlobEntries {
			return ErrTooLarge
		}
		written := name
		if named != start {
			written = path.Join(named, name[len(start):])
		}
		decision := pl.policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: written})
		if decision.Effect != policy.Deny {
			return nil
		}
		if written != name {
			pl.found(policy.PathRule{Path: name, Effect: policy.Deny, Origin: decision.Origin, Text: decision.Rule})
		}
		if _, known := pl.plan.Regions.at[name]; !known {
			pl.plan.Regions.at[name] = Gate
			pl.modes[name] = entry.Type()
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

func literalPrefix(glob string) string {
	i := strings.IndexAny(glob, `*?[\`)
	if i < 0 {
		return glob
	}
	slash := strings.LastIndexByte(glob[:i], '/')
	if slash <= 0 {
		return "/"
	}
	return glob[:slash]
}
