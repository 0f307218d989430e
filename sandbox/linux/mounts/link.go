//go:build linux

package mounts

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// ErrPlanted refuses a workspace whose path goes through a link that the agent
// itself can change, or another one: an agent would choose what is given.
var ErrPlanted = errors.New("an agent can choose where it leads")

// planted is a link that agents can change.
type planted struct {
	path   string
	agents []string
}

// alias is a tree that is opened under a name with a link in it.
type alias struct{ real, named string }

// findPlanted finds the rules whose path goes through a link which lies in a
// folder that this agent or another one may write, and that link, by the rule's index.
// Such a link says nothing about what the person meant: an earlier run may have made
// it, or the other agent, which would have this one's supervisor open what neither may
// reach. The link that a denied path itself is does not count: it is masked.
func (l *lookups) findPlanted(p *policy.Policy) (map[int]planted, error) {
	var resolvedElsewhere []policy.PathRule
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
			resolvedElsewhere = append(resolvedElsewhere, same)
		}
		for _, way := range place.links {
			if rule.Effect == policy.Allow || way.path != place.named {
				links[i] = append(links[i], way)
			}
		}
	}
	others, err := l.sharedPlaces(p.Shared)
	if err != nil {
		return nil, err
	}
	whole := policy.Policy{Paths: slices.Concat(p.Paths, resolvedElsewhere)}
	found := map[int]planted{}
	for i, list := range links {
		for _, way := range list {
			var agents []string
			dir := parent(way.path)
			for _, other := range others {
				if under(dir, other.Path) && changeable(dir) {
					agents = append(agents, other.Agents...)
				}
			}
			slices.Sort(agents)
			agents = slices.Compact(agents)
			if judge(&whole, &whole, dir) == Write {
				agents = slices.Insert(agents, 0, p.Agent)
			}
			if agents != nil {
				found[i] = planted{way.path, agents}
				break
			}
		}
	}
	return found, nil
}

// changeable reports whether a program of this user that may write a folder by its
// policy can put a link into it. The root of a cage is its own, and so is its /proc; what
// that of the machine has on this process nobody else can change.
func changeable(dir string) bool {
	var stat unix.Stat_t
	own := "/proc/" + strconv.Itoa(os.Getpid())
	if dir == "/" || dir == "/proc" || under(dir, own) || lstat(dir, &stat) != nil {
		return false
	}
	return int(stat.Uid) == os.Geteuid() || unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS) == nil
}

// sharedPlaces are the folders that other agents may write, by every name. Where one
// of their own links leads is none: their cages do not open that either.
func (l *lookups) sharedPlaces(shared []policy.SharedPath) ([]policy.SharedPath, error) {
	places := slices.Clone(shared)
	for _, one := range shared {
		place, err := l.resolve(one.Path)
		if err != nil {
			return nil, err
		}
		own := func(way link) bool {
			return slices.ContainsFunc(shared, func(other policy.SharedPath) bool { return under(parent(way.path), other.Path) })
		}
		if place.real != one.Path && !slices.ContainsFunc(place.links, own) {
			places = append(places, policy.SharedPath{Path: place.real, Agents: one.Agents})
		}
	}
	return places, nil
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
