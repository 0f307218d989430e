//go:build linux

package mounts

import (
	"errors"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// ErrPlanted refuses a workspace whose path goes through a link that the agent
// itself can change: it would choose what it is given.
var ErrPlanted = errors.New("a link on its way can be changed by the agent")

// alias is a tree that is opened under a name with a link in it.
type alias struct{ real, named string }

// findPlanted finds the rules whose path goes through a link which lies in a
// folder that the agent may write, and that link, by the rule's index. Such a
// link says nothing about what the person meant: an earlier run may have made
// it. The link that a denied path itself is does not count: it is masked.
func (l *lookups) findPlanted(p *policy.Policy) (map[int]string, error) {
	whole := policy.Policy{Paths: slices.Clone(p.Paths)}
	links := map[int][]link{}
	for i, rule := range p.Paths {
		if rule.Glob {
			continue
		}
		place, err := l.resolve(rule.Path)
		if err != nil {
			return nil, err
		}
		if place.real != rule.Path {
			same := rule
			same.Path = place.real
			whole.Paths = append(whole.Paths, same)
		}
		for _, way := range place.links {
			if rule.Effect == policy.Allow || way.path != place.named {
				links[i] = append(links[i], way)
			}
		}
	}
	planted := map[int]string{}
	for i, list := range links {
		for _, way := range list {
			if judge(&whole, parent(way.path)) == Write {
				planted[i] = way.path
				break
			}
		}
	}
	return planted, nil
}

// patternElsewhere is a denied pattern with the folders before its first
// special character resolved, if that is another place.
func (l *lookups) patternElsewhere(rule policy.PathRule) (policy.PathRule, bool, error) {
	prefix := literalPrefix(rule.Path)
	place, err := l.resolve(prefix)
	if err != nil || place.real == prefix {
		return rule, false, err
	}
	same := rule
	same.Path = quoted(place.real) + rule.Path[len(prefix):]
	return same, true, nil
}

// quoted is a path as a pattern that matches nothing else.
func quoted(name string) string {
	var out strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`*?[\`, name[i]) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(name[i])
	}
	return out.String()
}
