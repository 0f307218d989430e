package darwin

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"openclaw/sandbox/policy"
)

// ErrPlanted refuses a workspace whose path goes through a link that the agent
// itself can change, or another one: an agent would choose what is given.
var ErrPlanted = errors.New("an agent can choose where it leads")

// Unplanted is the policy without the rules that allow a path which goes through a link
// that this agent can change, or another one: an earlier run may have made it, and it says
// nothing of what the person meant. unmet are those rules, and the denied paths with such a
// link on the way, which are denied where they lead now. resolve is as in Options;
// changeable reports whether a program of this user can put a link into a folder.
func Unplanted(p *policy.Policy, resolve func(string) (string, []string), changeable func(dir string) bool) (*policy.Policy, []policy.Unmet, error) {
	own, others := Resolved(p, resolve), sharedPlaces(p.Shared, resolve)
	writers := func(link string) []string {
		var agents []string
		dir := path.Dir(link)
		for _, other := range others {
			if under(dir, other.Path) && changeable(dir) {
				agents = append(agents, other.Agents...)
			}
		}
		slices.Sort(agents)
		agents = slices.Compact(agents)
		if own.Decide(policy.Request{Class: policy.ClassPathWrite, Path: dir}).Effect == policy.Allow {
			agents = slices.Insert(agents, 0, p.Agent)
		}
		return agents
	}
	kept := *p
	kept.Paths = nil
	var unmet []policy.Unmet
	for i := range p.Paths {
		rule := &p.Paths[i]
		var links []string
		if !rule.Glob {
			_, links = resolve(rule.Path)
		}
		folder, _ := resolve(path.Dir(rule.Path))
		itself := path.Join(folder, path.Base(rule.Path))
		opens := true
		for _, link := range links {
			agents := writers(link)
			if agents == nil || rule.Effect != policy.Allow && link == itself { // it is denied, and pinned
				continue
			}
			if rule.Effect == policy.Allow && rule.Path == p.Workspace {
				return nil, nil, fmt.Errorf("workspace %s: %w: %s is a link that %s can change", rule.Path, ErrPlanted, link, policy.WhoChanges(p.Agent, agents))
			}
			unmet = append(unmet, policy.UnmetByLink(rule, link, p.Agent, agents))
			opens = rule.Effect != policy.Allow
			break
		}
		if opens {
			kept.Paths = append(kept.Paths, *rule)
		}
	}
	return &kept, unmet, nil
}

// sharedPlaces are the folders that other agents may write, by their physical names as
// well. Where one of their own links leads is none: it is not opened to them either.
func sharedPlaces(shared []policy.SharedPath, resolve func(string) (string, []string)) []policy.SharedPath {
	places := slices.Clone(shared)
	for _, one := range shared {
		physical, links := resolve(one.Path)
		own := func(link string) bool {
			return slices.ContainsFunc(shared, func(other policy.SharedPath) bool { return under(path.Dir(link), other.Path) })
		}
		if physical != one.Path && !slices.ContainsFunc(links, own) {
			places = append(places, policy.SharedPath{Path: physical, Agents: one.Agents})
		}
	}
	return places
}
