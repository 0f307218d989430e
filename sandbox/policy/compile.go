package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits of one agent's permissions. They keep a careless file from costing
// minutes.
const (
	maxEntries        = 1000 // of one list
	defaultAskTimeout = 60 * time.Second
)

// Input is what a policy is compiled from. Compile reads nothing else.
type Input struct {
	Agent     string // the agent's name; its default workspace is StateDir/agents/NAME
	Workspace string // as written; empty: the default
	Home      string // absolute; "~" stands for it
	StateDir  string // absolute
	Version   string // of the policy; empty: a hash of its content

	Role, Own Permissions
	RoleKey   string // config key of the role, "roles.standard-agent"; empty: the agent has no role
	OwnKey    string // config key of the agent, "agents.coder"

	OtherWorkspaces []string     // the other agents' workspaces, as written
	OthersWrite     []SharedPath // what the other agents may write, as Writes says
	Env             []string     // names of variables that the agent may see
	Limits          Resources    // of the agent; only the numbers count

	Getenv func(string) string                      // what $NAME in a path stands for; nil: nothing is set
	Where  func(key string) (file string, line int) // where a config key stands; nil: not known
}

// Problem is an error or a warning about one config key.
type Problem struct {
	Key     string
	Message string // for a person: what is wrong and what to write
	Warning bool   // false: there is no policy
}

// Compile makes the policy of one agent. What either the role or the agent's
// own permissions forbid is forbidden; lists of paths, domains and addresses
// that both write are intersected pairwise. With nothing written an agent has
// its workspace, the system's programs and no network.
//
// All problems are found at once. When one of them is an error the policy is
// nil: half a policy is never enforced.
func Compile(in Input) (*Policy, []Problem) {
	c := newCompiler(in)
	p := &Policy{
		Agent: in.Agent, Version: in.Version, Home: path.Clean(in.Home), StateDir: path.Clean(in.StateDir), Default: c.origin(c.in.OwnKey),
		Shared: in.OthersWrite,
	}
	if !c.checkPlaces() {
		return nil, c.problems
	}
	c.paths(p)
	c.commands(p)
	c.network(p)
	c.limits(p)
	c.narrowing(p)
	c.resources(p)
	c.nested(p)
	c.asks(p)
	c.environment(p)
	c.checkReach(p)
	if slices.ContainsFunc(c.problems, func(q Problem) bool { return !q.Warning }) {
		return nil, c.problems
	}
	if p.Version == "" {
		p.Version = contentVersion(p)
	}
	return p, c.problems
}

// Writes lists what an agent may write of what its config names: its workspace and
// its allowed paths, absolute and in order. What its own Compile would complain of is
// left out.
func Writes(in Input) []string {
	c := newCompiler(in)
	if _, _, readOnly := c.writeLimit(); readOnly || !c.checkPlaces() {
		return nil
	}
	var names []string
	if workspace, ok := c.workspace(&Policy{StateDir: path.Clean(in.StateDir)}); ok {
		names = append(names, workspace.path)
	}
	for _, a := range c.allowedPaths() {
		if a.access != AccessRead {
			names = append(names, a.path)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func newCompiler(in Input) *compiler {
	in.RoleKey = strings.TrimSuffix(in.RoleKey, ".permissions")
	in.OwnKey = strings.TrimSuffix(in.OwnKey, ".permissions")
	if in.OwnKey == "" {
		in.OwnKey = "agents." + in.Agent
	}
	if in.Getenv == nil {
		in.Getenv = func(string) string { return "" }
	}
	if in.Where == nil {
		in.Where = func(string) (string, int) { return "", 0 }
	}
	c := &compiler{in: in, expand: expander{home: path.Clean(in.Home), getenv: in.Getenv}}
	c.layers = []layer{{key: in.OwnKey + ".permissions", perms: &in.Own}}
	if in.RoleKey != "" {
		c.layers = append(c.layers, layer{key: in.RoleKey + ".permissions", perms: &in.Role})
	}
	return c
}

// layer is one mapping of permissions and its key in the config.
type layer struct {
	key   string
	perms *Permissions
}

type compiler struct {
	in       Input
	expand   expander
	layers   []layer // the agent's own first: a denial names it rather than the role
	problems []Problem
}

func (c *compiler) fail(key, format string, args ...any) {
	c.problems = append(c.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

func (c *compiler) warn(key, format string, args ...any) {
	c.problems = append(c.problems, Problem{Key: key, Message: fmt.Sprintf(format, args...), Warning: true})
}

func (c *compiler) origin(key string) Origin {
	file, line := c.in.Where(key)
	return Origin{File: file, Line: line, Key: key}
}

// said finds the layer that writes value for a yes-or-no key.
func (c *compiler) said(value bool, field string, get func(*Permissions) *bool) (Origin, bool) {
	for _, l := range c.layers {
		if v := get(l.perms); v != nil && *v == value {
			return c.origin(l.key + "." + field), true
		}
	}
	return Origin{}, false
}

func (c *compiler) checkPlaces() bool {
	ok := true
	if !validAgentName(c.in.Agent) {
		c.fail(c.in.OwnKey, "%q is not an agent's name; use letters, digits, dot, dash and underscore, at most 64", c.in.Agent)
		ok = false
	}
	for _, place := range []struct{ what, path string }{{"home folder", c.in.Home}, {"state folder", c.in.StateDir}} {
		if !path.IsAbs(place.path) || path.Clean(place.path) == "/" {
			c.fail(c.in.OwnKey, "the %s %q is not an absolute path below /", place.what, place.path)
			ok = false
		}
	}
	return ok
}

func validAgentName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		b := name[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !letter && (i == 0 || b != '.' && b != '-' && b != '_') {
			return false
		}
	}
	return true
}

func (c *compiler) commands(p *Policy) {
	p.Exec.Commands = true
	p.Exec.CommandsFrom = Origin{BuiltIn: "an agent may run programs unless its config says otherwise"}
	get := func(q *Permissions) *bool { return q.ExecuteCommands }
	if from, no := c.said(false, "execute_commands", get); no {
		p.Exec.Commands, p.Exec.CommandsFrom = false, from
	} else if from, yes := c.said(true, "execute_commands", get); yes {
		p.Exec.CommandsFrom = from
	}

	p.Exec.SystemFrom = Origin{BuiltIn: "system commands are refused unless the config allows them"}
	get = func(q *Permissions) *bool { return q.SystemCommands }
	if from, no := c.said(false, "system_commands", get); no {
		p.Exec.SystemFrom = from
	} else if from, yes := c.said(true, "system_commands", get); yes {
		p.Exec.System, p.Exec.SystemFrom = true, from
	}
}

func (c *compiler) limits(p *Policy) {
	p.Enforce = EnforceStrict
	reduced := false
	for i, l := range c.layers {
		if size := l.perms.MaxFileSize; size != nil {
			key := l.key + ".max_file_size"
			switch {
			case *size < 1:
				c.fail(key, "%d is not a size; write at least 1 byte, or leave the key out for no limit", *size)
			case p.MaxFileSize == 0 || *size < p.MaxFileSize:
				p.MaxFileSize, p.MaxOrigin = *size, c.origin(key)
			}
		}
		switch l.perms.Enforce {
		case EnforceReduced:
			reduced = reduced || i == 0 || c.layers[0].perms.Enforce == ""
		case EnforceStrict:
			reduced = false
		case "":
		default:
			c.fail(l.key+".enforce", "%q is not known; write strict or reduced", l.perms.Enforce)
		}
	}
	if reduced {
		p.Enforce = EnforceReduced
	}
}

// narrowing fills p.OnNarrow: of the agent and its role the stricter counts.
func (c *compiler) narrowing(p *Policy) {
	p.OnNarrow = NarrowFlag
	for _, l := range c.layers {
		key := l.key + ".on_narrow"
		switch l.perms.OnNarrow {
		case NarrowStop:
			if p.OnNarrow != NarrowStop {
				p.OnNarrow, p.NarrowFrom = NarrowStop, c.origin(key)
			}
		case NarrowFlag, "":
		default:
			c.fail(key, "%q is not known; write flag or stop", l.perms.OnNarrow)
		}
	}
}

func (c *compiler) asks(p *Policy) {
	p.AskTimeout = defaultAskTimeout
	written := false
	for _, l := range c.layers {
		if l.perms.Ask != nil {
			asked := c.classes(l.key+".ask", l.perms.Ask)
			if !written {
				p.Asks, written = asked, true
			} else {
				p.Asks = slices.DeleteFunc(p.Asks, func(k Class) bool { return !slices.Contains(asked, k) })
			}
		}
		for _, k := range c.classes(l.key+".never_always", l.perms.NeverAlways) {
			if !slices.Contains(p.NeverAlways, k) {
				p.NeverAlways = append(p.NeverAlways, k)
			}
		}
	}
	first := true
	for _, l := range c.layers {
		if l.perms.AskTimeout == nil {
			continue
		}
		d := time.Duration(*l.perms.AskTimeout)
		if d <= 0 || d > time.Hour {
			c.fail(l.key+".ask_timeout", "%s is not between 1s and 1h", d)
			continue
		}
		if first || d < p.AskTimeout {
			p.AskTimeout, first = d, false
		}
	}
}

func (c *compiler) classes(key string, list []Class) []Class {
	var out []Class
	for i, k := range list {
		switch k {
		case ClassPathRead, ClassPathWrite, ClassNet, ClassExec:
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		default:
			c.fail(fmt.Sprintf("%s[%d]", key, i), "%q is not known; write path.read, path.write, net or exec", k)
		}
	}
	return out
}

func (c *compiler) environment(p *Policy) {
	for i, name := range c.in.Env {
		if name == "" || nameLength(name) != len(name) {
			c.fail(fmt.Sprintf("%s.env[%d]", c.in.OwnKey, i), "%q is not a variable's name", name)
			continue
		}
		if !slices.Contains(p.Env, name) {
			p.Env = append(p.Env, name)
		}
	}
}

// contentVersion names a policy by what it says.
func contentVersion(p *Policy) string {
	data, err := json.Marshal(p)
	if err != nil { // a policy is plain data; fail closed with a version that no other policy has
		data = fmt.Appendf(nil, "%+v", *p)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
