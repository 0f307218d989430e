//go:build linux

package mounts

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// ErrOtherNames is the refusal of a policy that gives less inside what it opens,
// where the host's file system finds a file by more names than the one that it
// lists: .ENV for .env, SECRET~1 for secret.txt. There a denied name holds nothing.
var ErrOtherNames = errors.New("the file system there finds a file by more names than it lists")

// byName fails where a rule of the policy depends on a name, and the file system
// does not. It looks at the folders on the way from what is open down to what is
// less: in the others there is nothing to come upon by another name.
func (pl *planner) byName() error {
	var err error
	if pl.finder, err = newFinder(); err != nil {
		return err
	}
	pl.copied = map[string]bool{}
	rules := pl.policy.Paths
	for i := range rules {
		rule := &rules[i]
		if rule.Effect == policy.Allow && rule.Access == policy.AccessWrite {
			continue
		}
		fixed := rule.Path
		if rule.Glob {
			fixed = literalPrefix(rule.Path)
		}
		if pl.asks() && rule.Effect != policy.Allow && !underPrivate(fixed) {
			if err := pl.finder.between("/", fixed, rule); err != nil {
				return err
			}
		}
		for j := range rules {
			if open := &rules[j]; wider(open, rule) {
				if err := pl.inside(open.Path, fixed, rule); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// wider reports whether what one rule opens could be had, by another name, where
// the other one gives less.
func wider(open, less *policy.PathRule) bool {
	if open.Effect != policy.Allow || open.Glob || open.System && underPrivate(open.Path) {
		return false
	}
	return less.Effect != policy.Allow || open.Access == policy.AccessWrite
}

// asks reports whether a person may open what no rule names.
func (pl *planner) asks() bool {
	return slices.Contains(pl.policy.Asks, policy.ClassPathRead) || slices.Contains(pl.policy.Asks, policy.ClassPathWrite)
}

// inside looks at one rule inside one open folder. fixed is the rule's path, or
// the folder that its pattern begins in.
func (pl *planner) inside(open, fixed string, rule *policy.PathRule) error {
	switch {
	case under(fixed, open):
		if err := pl.finder.between(open, fixed, rule); err != nil {
			return err
		}
		for at := fixed; at != open && at != "/" && rule.Effect != policy.Allow; {
			at = parent(at)
			pl.copies(at)
		}
	case under(open, fixed):
		fixed = open // what is denied as a whole has no other name in itself
	case sameButForCase(fixed, open):
		return pl.finder.between(common(fixed, open), fixed, rule)
	default:
		return nil
	}
	if !rule.Glob || policy.AnyDepth(rule.Path) { // walk looks at what one of any depth may match
		return nil
	}
	return pl.matching(fixed, rule)
}

// matching looks at every folder in which a pattern of one depth may match.
func (pl *planner) matching(start string, rule *policy.PathRule) error {
	place, err := pl.lookups.resolve(start)
	if err != nil || !place.exists || !place.mode.IsDir() || place.real != start {
		return err // it is looked at under its own name
	}
	for folders := []string{start}; len(folders) > 0; folders = folders[1:] {
		dir := folders[0]
		if err := pl.finder.held(dir, rule); err != nil {
			return err
		}
		pl.copies(dir)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it cannot be listed, and held has said what can be told
		}
		for _, entry := range entries {
			if pl.named++; pl.named > maxGlobEntries {
				return ErrTooLarge
			}
			if name := path.Join(dir, entry.Name()); entry.IsDir() && policy.MayMatchBelow(rule.Path, name) {
				folders = append(folders, name)
			}
		}
	}
	return nil
}

// sameButForCase reports whether one of two paths is the other one or lies in it where
// upper and lower case are the same.
func sameButForCase(a, b string) bool {
	one, other := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(one), len(other)) {
		if !strings.EqualFold(one[i], other[i]) {
			return false
		}
	}
	return true
}

// common is the folder that two paths have in common.
func common(a, b string) string {
	for !under(b, a) {
		a = parent(a)
	}
	return a
}
