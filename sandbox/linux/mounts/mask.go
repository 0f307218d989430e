//go:build linux

package mounts

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// maxGlobEntries bounds the walk that expands denied patterns. It takes about two
// seconds to visit so many; a larger tree is refused rather than half covered.
const maxGlobEntries = 500_000

// MaxDepth is how many names a folder's path may have for it to be looked through. What
// is deeper is left to the gate: to open a folder below 2,000 others takes the kernel a
// millisecond, and a program makes thousands of such in a moment, in a folder that it
// shares.
const MaxDepth = 64

// ErrTooLarge is the walk's refusal.
var ErrTooLarge = errors.New("too many files below the allowed paths to look for a denied pattern")

// patterns finds where denied patterns matter: below the paths that people
// opened, and in a system folder that a pattern begins in.
//
// A pattern of a certain depth is the gate's to refuse in every folder in which it
// can match. One with `**` can match in all of them: the folders in which it does
// match, and the one that it begins in, are served, and the rest is bound natively
// and watched. To serve the whole tree is complete but for its speed: find and cat
// of 20,000 files took 32 s instead of 0.7 (BenchmarkTree).
func (pl *planner) patterns() error {
	var globs []policy.PathRule
	for _, rule := range pl.policy.Paths {
		if !rule.Glob || rule.Effect == policy.Allow {
			continue
		}
		globs = append(globs, rule)
		for _, a := range pl.aliases { // what the pattern names through a link lies elsewhere
			for _, rest := range policy.Continue(rule.Path, a.named) {
				same := rule
				same.Path = quoted(a.real) + rest
				globs = append(globs, same)
				pl.found(same)
			}
		}
	}
	for _, rule := range globs {
		for _, root := range pl.rootsOf(rule.Path) {
			if err := pl.pattern(&rule, root); err != nil {
				return err
			}
		}
	}
	return nil
}

// rootsOf are the allowed folders in which a pattern may match.
func (pl *planner) rootsOf(glob string) []string {
	prefix := literalPrefix(glob)
	var roots []string
	for i := range pl.policy.Paths {
		rule := &pl.policy.Paths[i]
		if rule.Effect != policy.Allow || rule.Glob || rule.System && (underPrivate(rule.Path) || !under(prefix, rule.Path)) {
			continue
		}
		if under(prefix, rule.Path) || under(rule.Path, prefix) {
			roots = append(roots, rule.Path)
		}
	}
	return roots
}

func (pl *planner) pattern(rule *policy.PathRule, root string) error {
	regions, glob := pl.plan.Regions, rule.Path
	if !policy.AnyDepth(glob) {
		regions.patterns = append(regions.patterns, pattern{glob: glob, root: root})
		return nil
	}
	start := root
	if prefix := literalPrefix(glob); under(prefix, root) {
		start = prefix
	}
	if slices.Contains(pl.plan.Watched, start) {
		return nil // one walk looks for what any pattern denies
	}
	place, err := pl.lookups.resolve(start)
	if err != nil || !place.exists || !place.mode.IsDir() || place.real != start {
		return err // nothing to walk, or walked by its own name
	}
	pl.plan.Watched = append(pl.plan.Watched, start)
	pl.starts = append(pl.starts, start)
	return pl.walk(rule, start)
}

// walk looks for what is denied below a folder, and whether it can be told by its
// name.
func (pl *planner) walk(rule *policy.PathRule, start string) error {
	if err := pl.finder.held(start, rule); err != nil {
		return err
	}
	pl.copies(start)
	for _, m := range pl.finder.mounts {
		if under(m.at, start) {
			pl.copies(m.at)
		}
	}
	looked := passed{finder: pl.finder}
	inside := pl.policy.Inside(start)
	denied := func(name string) bool {
		return inside.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Deny
	}
	err := filepath.WalkDir(start, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if entry != nil && entry.IsDir() {
				pl.unlisted(name)
				return fs.SkipDir
			}
			return nil
		}
		if pl.seen++; pl.seen > maxGlobEntries {
			return ErrTooLarge
		}
		looked.pass(name)
		if !denied(name) {
			if entry.IsDir() && depth(name) > MaxDepth {
				pl.unlisted(name)
				return fs.SkipDir
			}
			if entry.IsDir() {
				looked.open = append(looked.open, name)
			}
			return nil
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
	if err != nil {
		return err
	}
	return looked.held(func(name string) bool { return !denied(name) }, start, rule)
}

// unlisted leaves a folder that is not searched for a pattern to the gate, which
// refuses by name: who may enter it, or change its mode, needs no list to open what
// matches.
func (pl *planner) unlisted(name string) {
	pl.plan.Regions.whole = append(pl.plan.Regions.whole, name)
	pl.starts = append(pl.starts, name)
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
