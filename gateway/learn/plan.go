package learn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"

	"openclaw/configs"
	"openclaw/sandbox/policy"
)

// ConfigStore is the config that a proposal is for; *configs.Store is one.
type ConfigStore interface {
	Current() *configs.Snapshot
	Preview(func(*configs.Document) error) (*configs.Snapshot, error)
	Edit(func(*configs.Document) error) error
}

// Plan is a proposal as an edit of the config file.
type Plan struct {
	Proposal Proposal
	Diff     []string // lines of a unified diff; empty: there is nothing to write

	store ConfigStore
	lines []line
}

// line is one item of a list of the agent's permissions.
type line struct {
	list string // "allowed_paths"
	item any
	say  string                             // the item for a person
	test func(*policy.Policy) policy.Effect // nil: nothing to prove
}

// NewPlan finds what to write for a proposal and proves on a copy that each line
// does what it is for and takes nothing away. Lines that would have no effect,
// because of a role for one, are moved to what is not proposed. Nothing is
// written.
func NewPlan(store ConfigStore, agent string, proposal Proposal) (*Plan, error) {
	now := store.Current()
	compiled, err := now.Policy(agent)
	if err != nil {
		return nil, err
	}
	p := &Plan{Proposal: proposal, store: store}
	own := configs.KeyOf("agents", agent, "permissions") + "."
	role := now.Config.Agents[agent].Role
	roles := configs.KeyOf("roles", role, "permissions") + "."
	for _, l := range linesOf(proposal, compiled.Home) {
		// A list that only the role has counts whole; an own one would cut it.
		if l.test != nil && role != "" && now.Written(roles+l.list) && !now.Written(own+l.list) {
			where, _ := now.Where(roles + l.list)
			p.leave(l, fmt.Sprintf("%s stands in role %s (%s:%d): add it there, for every agent of the role", l.list, role, filepath.Base(now.Path), where))
			continue
		}
		l.list = own + l.list
		p.lines = append(p.lines, l)
	}
	after, err := p.proven(agent)
	if err != nil {
		return nil, err
	}
	if len(p.lines) > 0 {
		if err := p.takesNothing(compiled, agent); err != nil {
			return nil, err
		}
		_, p.Diff = configs.Diff(now, after)
	}
	return p, nil
}

// proven tries the lines on a copy and leaves out those without effect.
func (p *Plan) proven(agent string) (*configs.Snapshot, error) {
	for {
		p.prune()
		after, err := p.store.Preview(p.change)
		if err != nil {
			return nil, err
		}
		next, err := after.Policy(agent)
		if err != nil {
			return nil, err
		}
		before := len(p.lines)
		p.lines = slices.DeleteFunc(p.lines, func(l line) bool {
			if l.test == nil || l.test(next) == policy.Allow {
				return false
			}
			p.leave(l, "the line would have no effect beside what the config says already")
			return true
		})
		if len(p.lines) == before {
			return after, nil
		}
	}
}

// prune takes out what is denied only for the sake of a folder that is not
// proposed after all.
func (p *Plan) prune() {
	idle := func(name string) bool {
		return !slices.ContainsFunc(p.Proposal.Paths, func(x PathLine) bool { return under(name, x.Path) })
	}
	p.Proposal.Denied = slices.DeleteFunc(p.Proposal.Denied, idle)
	p.lines = slices.DeleteFunc(p.lines, func(l line) bool { return l.test == nil && idle(l.say) })
}

// takesNothing proves that the lines which allow forbid nothing that is allowed
// now.
func (p *Plan) takesNothing(compiled *policy.Policy, agent string) error {
	allowing := *p
	allowing.lines = slices.DeleteFunc(slices.Clone(p.lines), func(l line) bool { return l.test == nil })
	after, err := p.store.Preview(allowing.change)
	if err != nil {
		return err
	}
	next, err := after.Policy(agent)
	if err != nil {
		return err
	}
	if policy.Compare(compiled, next).Narrower {
		return errors.New("the proposal would take away something that the agent may do now; write the lines by hand")
	}
	return nil
}

// leave moves a line to what is not proposed.
func (p *Plan) leave(l line, why string) {
	p.Proposal.Left = append(p.Proposal.Left, Left{l.say, why})
	p.Proposal.Paths = slices.DeleteFunc(p.Proposal.Paths, func(x PathLine) bool { return x.Path == l.say })
	is := func(x string) bool { return x == l.say }
	p.Proposal.Domains = slices.DeleteFunc(p.Proposal.Domains, is)
	p.Proposal.Addresses = slices.DeleteFunc(p.Proposal.Addresses, is)
}

// change adds the lines that are not there yet.
func (p *Plan) change(d *configs.Document) error {
	for _, l := range p.lines {
		if index, _ := d.Find(l.list, l.item); index >= 0 {
			continue
		}
		if err := d.Append(l.list, l.item); err != nil {
			return err
		}
	}
	return nil
}

// Write writes the lines in one step; on any error the file is as it was.
func (p *Plan) Write() error { return p.store.Edit(p.change) }

func linesOf(proposal Proposal, home string) []line {
	var out []line
	for _, entry := range proposal.Paths {
		class, item := policy.ClassPathWrite, any(configs.WrittenPath(entry.Path, home))
		if entry.Access == policy.AccessRead {
			class, item = policy.ClassPathRead, policy.PathEntry{Path: configs.WrittenPath(entry.Path, home), Access: policy.AccessRead}
		}
		out = append(out, line{list: "allowed_paths", item: item, say: entry.Path, test: func(p *policy.Policy) policy.Effect {
			return p.Decide(policy.Request{Class: class, Path: entry.Path}).Effect
		}})
	}
	for _, name := range proposal.Denied {
		out = append(out, line{list: "denied_paths", item: configs.WrittenPath(name, home), say: name})
	}
	for _, target := range proposal.Domains {
		out = append(out, line{list: "network.allowed_domains", item: target, say: target, test: func(p *policy.Policy) policy.Effect {
			host, port := splitTarget(target)
			return p.DecideName(host, port).Effect
		}})
	}
	for _, target := range proposal.Addresses {
		out = append(out, line{list: "network.allowed_ips", item: target, say: target, test: func(p *policy.Policy) policy.Effect {
			host, port := splitTarget(target)
			addr, err := netip.ParseAddr(host)
			if err != nil {
				return policy.Deny
			}
			return p.DecideAddress("", addr, port).Effect
		}})
	}
	return out
}

func splitTarget(target string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(target)
	if err != nil {
		return target, 443
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return host, 0
	}
	return host, uint16(number)
}
