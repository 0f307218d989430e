package policy

import (
	"fmt"
	"path"
	"strings"
)

// allowed is one entry of allowed_paths after expansion.
type allowed struct {
	path   string
	text   string // as written
	access Access
	origin Origin
	key    string
}

// paths fills p.Paths and p.Workspace.
func (c *compiler) paths(p *Policy) {
	limit, limitFrom, readOnly := c.writeLimit()
	workspaceAccess := AccessWrite
	if readOnly {
		workspaceAccess = AccessRead
	}
	workspace, ok := c.workspace(p)
	if !ok {
		return
	}
	p.Workspace = workspace.path

	c.denied(p)
	c.builtinDenied(p)
	rule := PathRule{
		Path: workspace.path, Effect: Allow, Access: workspaceAccess, Origin: workspace.origin,
		Text: "workspace: " + oneLine(workspace.text),
	}
	if readOnly {
		rule.Limit, rule.LimitFrom = limit, limitFrom
	}
	p.Paths = append(p.Paths, rule)

	for _, a := range c.allowedPaths() {
		rule := PathRule{Path: a.path, Effect: Allow, Access: AccessWrite, Origin: a.origin, Text: "allowed_paths: " + oneLine(a.text)}
		switch {
		case readOnly:
			rule.Access, rule.Limit, rule.LimitFrom = AccessRead, limit, limitFrom
			if a.access == AccessWrite {
				c.warn(a.key, "access: write has no effect, because of %s", limit)
			}
		case a.access == AccessRead:
			rule.Access, rule.Limit, rule.LimitFrom = AccessRead, "allowed_paths: "+oneLine(a.text)+" (access: read)", a.origin
		}
		c.addAllow(p, rule, a.key)
		if a.path == "/" {
			c.warn(a.key, "this opens the whole machine to the agent, but for what the built-in rules deny")
		} else if under(p.Home, a.path) && rule.Access == AccessWrite {
			c.warn(a.key, "this opens your home folder to the agent, but for what the built-in rules deny; allow the folders that it needs instead")
		}
	}
	for _, row := range systemPaths() {
		text := "system folder: " + row.path
		rule := PathRule{
			Path: c.builtinPath(row.path), Effect: Allow, Access: row.access, System: true,
			Origin: Origin{BuiltIn: row.reason}, Text: text,
		}
		if row.access == AccessRead {
			rule.Limit, rule.LimitFrom = text+" (read only)", rule.Origin
		}
		if !hasRule(p.Paths, rule.Path) {
			p.Paths = append(p.Paths, rule)
		}
	}
	c.startUp(p)
}

// writeLimit finds what makes all of the agent's own paths read-only.
func (c *compiler) writeLimit() (text string, from Origin, limited bool) {
	if from, yes := c.said(true, "read_only", func(q *Permissions) *bool { return q.ReadOnly }); yes {
		return "read_only: true", from, true
	}
	if from, no := c.said(false, "file_write", func(q *Permissions) *bool { return q.FileWrite }); no {
		return "file_write: false", from, true
	}
	return "", Origin{}, false
}

func (c *compiler) workspace(p *Policy) (allowed, bool) {
	key := c.in.OwnKey + ".workspace"
	agents := path.Join(p.StateDir, "agents")
	if c.in.Workspace == "" {
		w := path.Join(agents, c.in.Agent)
		return allowed{path: w, text: c.tilde(w), origin: Origin{Key: c.in.OwnKey, BuiltIn: "an agent has its own workspace"}}, true
	}
	w, err := c.expand.path(c.in.Workspace)
	switch {
	case err != nil:
		c.fail(key, "%v", err)
		return allowed{}, false
	case w == "/":
		c.fail(key, "the whole machine cannot be a workspace")
		return allowed{}, false
	case w == agents || under(p.StateDir, w) || under(w, p.StateDir) && !under(w, agents):
		c.fail(key, "%s holds or lies in the state folder; write a folder below %s, or one elsewhere", c.in.Workspace, c.tilde(agents))
		return allowed{}, false
	}
	return allowed{path: w, text: c.in.Workspace, origin: c.origin(key)}, true
}

// denied adds denied_paths of both layers: what either denies is denied.
func (c *compiler) denied(p *Policy) {
	for _, l := range c.layers {
		if c.tooMany(l.key+".denied_paths", len(l.perms.DeniedPaths)) {
			continue
		}
		for i, written := range l.perms.DeniedPaths {
			key := fmt.Sprintf("%s.denied_paths[%d]", l.key, i)
			expanded, glob, err := c.expand.pattern(written)
			if err != nil {
				c.fail(key, "%v", err)
				continue
			}
			p.Paths = append(p.Paths, PathRule{
				Path: expanded, Glob: glob, Effect: Deny, Origin: c.origin(key), Text: "denied_paths: " + oneLine(written),
			})
		}
	}
}

// builtinDenied adds what no config lifts.
func (c *compiler) builtinDenied(p *Policy) {
	add := func(where, reason string, except ...string) {
		p.Paths = append(p.Paths, PathRule{
			Path: where, Effect: Deny, Except: except, Origin: Origin{BuiltIn: reason}, Text: "built-in: " + reason,
		})
	}
	if under(p.Workspace, p.StateDir) {
		add(p.StateDir, "openclaw's own state", p.Workspace)
	} else {
		add(p.StateDir, "openclaw's own state")
	}
	for _, written := range c.in.OtherWorkspaces {
		other, err := c.expand.path(written)
		switch {
		case err != nil: // its own agent's compilation reports it
			continue
		case other == p.Workspace:
			c.warn(c.in.OwnKey+".workspace", "another agent has the same workspace; each can read and change the other's files")
		case under(p.Workspace, other):
			add(other, "another agent's workspace", p.Workspace)
		default:
			add(other, "another agent's workspace")
		}
	}
	for _, row := range deniedPaths() {
		add(c.builtinPath(row.path), row.reason)
	}
}

// allowedPaths is the list of the layer that writes one, or the pairwise
// intersection when both do.
func (c *compiler) allowedPaths() []allowed {
	var lists [][]allowed
	for _, l := range c.layers {
		if l.perms.AllowedPaths == nil {
			continue
		}
		key := l.key + ".allowed_paths"
		var list []allowed
		if !c.tooMany(key, len(l.perms.AllowedPaths)) {
			list = c.expandAllowed(key, l.perms.AllowedPaths)
		}
		lists = append(lists, list)
	}
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	var out []allowed
	for _, a := range lists[0] {
		for _, b := range lists[1] {
			if both, ok := intersectAllowed(a, b); ok {
				out = addLesser(out, both)
			}
		}
	}
	if len(out) == 0 && len(lists[0]) > 0 {
		c.warn(c.layers[0].key+".allowed_paths", "none of these lies in allowed_paths of the role, so none is allowed")
	}
	return out
}

func (c *compiler) expandAllowed(key string, entries []PathEntry) []allowed {
	list := make([]allowed, 0, len(entries))
	for i, entry := range entries {
		key := fmt.Sprintf("%s[%d]", key, i)
		expanded, err := c.expand.path(entry.Path)
		if err != nil {
			c.fail(key, "%v", err)
			continue
		}
		switch entry.Access {
		case "", AccessRead, AccessWrite:
		default:
			c.fail(key+".access", "%q is not known; write read or write", entry.Access)
			continue
		}
		list = append(list, allowed{path: expanded, text: entry.Path, access: entry.Access, origin: c.origin(key), key: key})
	}
	return list
}

// intersectAllowed is the part of the tree that both entries allow: the deeper
// of the two, with the lesser access.
func intersectAllowed(a, b allowed) (allowed, bool) {
	deeper := a
	switch {
	case under(a.path, b.path):
	case under(b.path, a.path):
		deeper = b
	default:
		return allowed{}, false
	}
	if a.access == AccessRead || b.access == AccessRead {
		deeper.access = AccessRead
	}
	return deeper, true
}

// addLesser adds an entry; of two for the same path the lesser stays.
func addLesser(list []allowed, a allowed) []allowed {
	for i := range list {
		if list[i].path == a.path {
			if a.access == AccessRead {
				list[i] = a
			}
			return list
		}
	}
	return append(list, a)
}

// addAllow adds a rule; of two for the same path the lesser stays.
func (c *compiler) addAllow(p *Policy, rule PathRule, key string) {
	for i := range p.Paths {
		have := &p.Paths[i]
		if have.Effect != Allow || have.Path != rule.Path {
			continue
		}
		if have.Access == AccessWrite && rule.Access == AccessRead {
			c.warn(key, "%s is also allowed with more access; the lesser counts", c.tilde(rule.Path))
			*have = rule
		}
		return
	}
	p.Paths = append(p.Paths, rule)
}

func hasRule(rules []PathRule, where string) bool {
	for i := range rules {
		if rules[i].Effect == Allow && rules[i].Path == where {
			return true
		}
	}
	return false
}

// checkReach tells of entries that can never take effect.
func (c *compiler) checkReach(p *Policy) {
	if p.Workspace == "" {
		return
	}
	if d := p.Decide(Request{Class: ClassPathRead, Path: p.Workspace}); d.Effect != Allow {
		c.fail(c.in.OwnKey+".workspace", "the agent could not enter its workspace, because of %s (%s)", d.Rule, d.Origin)
	}
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect != Allow || rule.System || rule.Path == p.Workspace {
			continue
		}
		if d := p.Decide(Request{Class: ClassPathRead, Path: rule.Path}); d.Effect == Deny {
			c.warn(rule.Origin.Key, "this is never allowed, because of %s (%s)", d.Rule, d.Origin)
		}
	}
}

func (c *compiler) tooMany(key string, n int) bool {
	if n > maxEntries {
		c.fail(key, "%d entries; at most %d are taken", n, maxEntries)
		return true
	}
	return false
}

func (c *compiler) builtinPath(p string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return path.Join(c.expand.home, rest)
	}
	return p
}

// tilde writes a path as a person would.
func (c *compiler) tilde(p string) string {
	return tilde(p, c.expand.home)
}

func tilde(p, home string) string {
	if home == "" || home == "/" || !under(p, home) {
		return p
	}
	return "~" + p[len(home):]
}
