//go:build linux

package mounts

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

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
	rules := pl.policy.Paths
	var open []opened
	for i := range rules {
		if rule := &rules[i]; rule.Effect == policy.Allow && !rule.Glob && (!rule.System || !underPrivate(rule.Path)) {
			open = append(open, opened{rule.Path, folded(rule.Path), rule.Access == policy.AccessWrite})
		}
	}
	asks := slices.Contains(pl.policy.Asks, policy.ClassPathRead) || slices.Contains(pl.policy.Asks, policy.ClassPathWrite)
	for i := range rules {
		rule := &rules[i]
		if rule.Effect == policy.Allow && rule.Access == policy.AccessWrite {
			continue
		}
		fixed := rule.Path
		if rule.Glob {
			fixed = literalPrefix(rule.Path)
		}
		if asks && rule.Effect != policy.Allow && !underPrivate(fixed) { // a person may open what no rule names
			if err := pl.finder.between("/", fixed, rule); err != nil {
				return err
			}
		}
		caseless := folded(fixed)
		for _, in := range open {
			if rule.Effect == policy.Allow && !in.write {
				continue
			}
			if err := pl.inside(in, fixed, caseless, rule); err != nil {
				return err
			}
		}
	}
	return nil
}

// opened is a folder or a file that a rule opens.
type opened struct {
	path, folded string
	write        bool
}

// folded is the same for two paths that differ in case only.
func folded(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(name))
		}
	}
	return strings.ToLower(name)
}

// inside looks at one rule inside one open folder. fixed is the rule's path, or
// the folder that its pattern begins in; caseless is that folded.
func (pl *planner) inside(open opened, fixed, caseless string, rule *policy.PathRule) error {
	switch {
	case under(fixed, open.path):
		if err := pl.finder.between(open.path, fixed, rule); err != nil {
			return err
		}
		for at := fixed; at != open.path && at != "/" && rule.Effect != policy.Allow; {
			at = parent(at)
			pl.copies(at)
		}
	case under(open.path, fixed):
		fixed = open.path // what is denied as a whole has no other name in itself
	case under(caseless, open.folded), under(open.folded, caseless): // they may be one folder
		return pl.finder.between(common(fixed, open.path), fixed, rule)
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

// common is the folder that two paths have in common.
func common(a, b string) string {
	for !under(b, a) {
		a = parent(a)
	}
	return a
}
