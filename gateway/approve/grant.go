package approve

import (
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// grant is an answer that holds until a run ends. It can only allow what the
// agent's policy would ask about.
type grant struct {
	id     string // of the row
	class  policy.Class
	match  Match
	target string // a path, host:port, a host or a folder
}

func newGrant(id string, r *Request, m Match) grant {
	g := grant{id: id, class: r.Class, match: m, target: r.Target}
	switch m {
	case Host:
		g.target = hostOf(r.Target)
	case Folder:
		g.target = folderOf(r)
	case Exact:
	default: // a domain
		g.target = string(m)
	}
	return g
}

// granted finds the grant that covers a request. i.mu is held.
func (i *Inbox) granted(r *Request) (id string, ok bool) {
	for _, g := range i.grants[r.Run] {
		if g.covers(r) {
			return g.id, true
		}
	}
	return "", false
}

// covers: what may be changed may be read, and a program that may be run must be read.
// That the programs of a folder may be run says nothing of what else is in it.
func (g grant) covers(r *Request) bool {
	reads := r.Class == policy.ClassPathRead && (g.class == policy.ClassPathWrite || g.class == policy.ClassExec && g.match == Exact)
	if g.class != r.Class && !reads {
		return false
	}
	switch g.match {
	case Host:
		return hostOf(r.Target) == g.target
	case Folder:
		return under(r.Target, g.target)
	case Exact:
	default:
		return belowDomain(hostOf(r.Target), g.target)
	}
	return r.Target == g.target
}

// belowDomain reports whether a host lies below the domain "*.example.com", which
// is not itself below.
func belowDomain(host, domain string) bool {
	host, parent := strings.ToLower(strings.TrimSuffix(host, ".")), domain[1:]
	return len(host) > len(parent) && strings.HasSuffix(host, parent)
}

// dropGrants forgets what an answer granted. i.mu is held.
func (i *Inbox) dropGrants(id string) {
	for run, list := range i.grants {
		list = slices.DeleteFunc(list, func(g grant) bool { return g.id == id })
		if i.grants[run] = list; len(list) == 0 {
			delete(i.grants, run)
		}
	}
}
