package policy

import "strings"

// Splits reports whether the tree below a path is not all of one kind: a rule
// says something of a path below it, or a denied pattern may match there. Such a
// folder cannot be renamed, because what the rules say of the paths in it would
// not move along. Patterns with `**` are left out: they may match in nearly every
// folder, and whoever asks has to know where they do.
func (p *Policy) Splits(name string) bool {
	for i := range p.Paths {
		rule := &p.Paths[i]
		switch {
		case rule.Glob:
			if rule.Effect != Allow && !AnyDepth(rule.Path) && MayMatchBelow(rule.Path, name) {
				return true
			}
		case rule.Path != name && under(rule.Path, name):
			return true
		}
		for _, except := range rule.Except {
			if except != name && under(except, name) {
				return true
			}
		}
	}
	return false
}

// AnyDepth reports whether a pattern looks into folders of any depth.
func AnyDepth(pattern string) bool { return strings.Contains(pattern, "/**") }

// MayMatchBelow reports whether a pattern may match a path strictly below name.
// It compares segment by segment until the first `**`, after which anything can.
func MayMatchBelow(pattern, name string) bool {
	if name == "/" {
		return true
	}
	for name != "" {
		if pattern == "" {
			return true // it matches a folder above, and so all that is in it
		}
		segment, rest := cutSegment(pattern)
		if segment == "**" {
			return true
		}
		have, below := cutSegment(name)
		if !matchSegment(segment, have) {
			return false
		}
		pattern, name = rest, below
	}
	return pattern != ""
}

// Continue returns the patterns for what lies below a folder: a path below it
// matches the pattern if its rest matches one of them. The folder must not match
// itself.
func Continue(pattern, folder string) []string {
	if folder == "/" || folder == "" {
		return []string{pattern}
	}
	if pattern == "" {
		return nil
	}
	segment, rest := cutSegment(pattern)
	have, below := cutSegment(folder)
	if segment == "**" {
		return append(Continue(pattern, below), Continue(rest, folder)...)
	}
	if !matchSegment(segment, have) {
		return nil
	}
	return Continue(rest, below)
}
