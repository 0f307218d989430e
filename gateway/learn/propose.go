package learn

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// siblings is how many entries of one folder with the same access become the
// folder.
const siblings = 4

// Options are what a proposal depends on beside the accesses.
type Options struct {
	Policy  *policy.Policy // of the agent as it is now
	Secrets bool           // propose what looks secret, if the run used it
	Tree    Tree           // the files of this machine
}

// Proposal is what would be added to an agent's permissions, and what would not.
type Proposal struct {
	Paths     []PathLine `json:"allowed_paths"`
	Denied    []string   `json:"denied_paths"` // secrets inside proposed folders
	Domains   []string   `json:"allowed_domains"`
	Addresses []string   `json:"allowed_ips"`
	Secrets   []string   `json:"secrets"`      // used, and not proposed because of their names
	Left      []Left     `json:"not_proposed"` // used, and not proposed for another reason
}

// PathLine is one entry of allowed_paths.
type PathLine struct {
	Path   string        `json:"path"`
	Access policy.Access `json:"access"`
	Folder bool          `json:"folder,omitempty"`
}

// Left is an access that is not proposed, and why.
type Left struct {
	Target string `json:"target"`
	Why    string `json:"why"`
}

// Empty reports whether there is nothing to write.
func (p *Proposal) Empty() bool {
	return len(p.Paths)+len(p.Domains)+len(p.Addresses) == 0
}

// Propose makes the narrowest lines of the config that cover the accesses; the
// package comment has the rules.
func Propose(accesses []Access, o Options) Proposal {
	p := &proposer{
		o: o, want: map[string]policy.Access{}, listed: map[string]bool{}, looked: map[string]bool{}, made: map[string]bool{},
		secrets: map[string]bool{}, left: map[string]string{}, banned: map[string]string{}, scans: map[string]scan{}, folders: map[string]bool{},
	}
	var out Proposal
	unsaid := policy.Learning(o.Policy, true)
	for _, a := range accesses {
		switch d := decide(unsaid, a); d.Effect {
		case policy.Ask:
		case policy.Allow: // the config says so by now
			continue
		case policy.Deny:
			p.left[a.Target] = "a rule denies it by now: " + d.Rule
			continue
		}
		switch a.Class {
		case policy.ClassNet:
			p.network(&out, a.Target)
		case policy.ClassPathRead, policy.ClassPathWrite, policy.ClassExec:
			p.path(a)
		case policy.ClassLimit: // no path and no address is missing
		}
	}
	p.looks()
	lines, denied := p.settle()
	out.Paths, out.Denied = lines, denied
	out.Secrets = slices.Sorted(maps.Keys(p.secrets))
	for _, target := range slices.Sorted(maps.Keys(p.left)) {
		out.Left = append(out.Left, Left{target, p.left[target]})
	}
	slices.Sort(out.Domains)
	out.Domains = slices.Compact(out.Domains)
	slices.Sort(out.Addresses)
	out.Addresses = slices.Compact(out.Addresses)
	return out
}

func decide(p *policy.Policy, a Access) policy.Decision {
	if a.Class != policy.ClassNet {
		return p.Decide(policy.Request{Class: a.Class, Path: a.Target})
	}
	host, port := splitTarget(a.Target)
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.DecideAddress("", addr, port)
	}
	return p.DecideName(host, port)
}

type proposer struct {
	o       Options
	want    map[string]policy.Access // by path
	folders map[string]bool          // of want, those that are folders
	listed  map[string]bool          // folders
	looked  map[string]bool          // by name
	made    map[string]bool          // folders that the run made
	secrets map[string]bool
	left    map[string]string // target → why
	banned  map[string]string // folders that are not proposed, and why
	scans   map[string]scan   // by folder
}

// scan is what a look for secrets found.
type scan struct {
	names []string
	whole bool
}

func (p *proposer) network(out *Proposal, target string) {
	host, port, err := net.SplitHostPort(target)
	switch {
	case err != nil:
		p.left[target] = "it is not host:port"
	case isAddress(host):
		out.Addresses = append(out.Addresses, target)
	case port == "443" || port == "80":
		out.Domains = append(out.Domains, host)
	default:
		out.Domains = append(out.Domains, target)
	}
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// path sorts one access to a path.
func (p *proposer) path(a Access) {
	name := a.Target
	if !writable(name) {
		p.left[name] = "its name cannot be written into the config"
		return
	}
	access := policy.AccessRead
	if a.Class == policy.ClassPathWrite {
		access = policy.AccessWrite
	}
	switch a.Operation {
	case "stat", "readlink", "access":
		if access == policy.AccessWrite && p.o.Tree.File(name) {
			p.raise(name, access, false) // it asked whether it may write
		} else {
			p.looked[name] = true
		}
	case "opendir":
		p.listed[name] = true
	case "mkdir":
		p.made[name] = true
		p.raiseFolder(name, access)
	case "unlink", "rmdir", "rename", "link", "symlink":
		if folder := path.Dir(name); p.wide(folder) == "" {
			p.raiseFolder(folder, access)
		} else {
			p.raiseEither(name, access, false)
		}
	default:
		p.raiseEither(name, access, a.Class == policy.ClassExec || a.Operation == "execve")
	}
}

func (p *proposer) raiseEither(name string, access policy.Access, run bool) {
	if p.o.Tree.Folder(name) {
		p.raiseFolder(name, access)
	} else {
		p.raise(name, access, run)
	}
}

func (p *proposer) raise(name string, access policy.Access, run bool) {
	// That it was run excuses a name only if it is a program: an agent can try to
	// run anything.
	program := run && p.o.Tree.Program(name)
	if !program && !p.o.Secrets && secret(name) {
		p.secrets[name] = true
		return
	}
	if why := p.holds(name); why != "" { // it was a folder and is gone
		p.left[name] = why
		return
	}
	if p.want[name] != policy.AccessWrite {
		p.want[name] = access
	}
}

func (p *proposer) raiseFolder(name string, access policy.Access) {
	if why := p.wide(name); why != "" {
		p.left[name] = why
		return
	}
	p.folders[name] = true
	if p.want[name] != policy.AccessWrite {
		p.want[name] = access
	}
}

// looks decides about folders that were listed and files that were looked at.
func (p *proposer) looks() {
	entries := map[string]bool{} // listed folders of which an entry was looked at
	var rest []string
	for name := range p.looked {
		_, used := p.want[name]
		switch folder := path.Dir(name); {
		case used:
		case p.listed[folder]:
			entries[folder] = true
		case p.o.Tree.File(name):
			p.raise(name, policy.AccessRead, false)
		default:
			rest = append(rest, name)
		}
	}
	lead := map[string]bool{} // folders above something that is proposed or allowed
	above := func(name string) {
		for at := path.Dir(name); !lead[at]; at = path.Dir(at) {
			lead[at] = true
		}
	}
	for name := range p.want {
		above(name)
	}
	for i := range p.o.Policy.Paths {
		if rule := &p.o.Policy.Paths[i]; rule.Effect == policy.Allow {
			above(rule.Path)
		}
	}
	for _, name := range rest {
		if !lead[name] && !p.listed[name] {
			p.left[name] = "it was only looked at"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.listed)) {
		if entries[name] || !lead[name] {
			p.raiseFolder(name, policy.AccessRead)
		}
	}
}

// wide says why a folder is not proposed; empty: it may be.
func (p *proposer) wide(folder string) string {
	home := p.o.Policy.Home
	switch {
	case p.banned[folder] != "":
		return p.banned[folder]
	case under(home, folder):
		return "it holds the whole home folder"
	case folder == "/" || path.Dir(folder) == "/":
		return "it is one of the first folders of the machine"
	case path.Dir(folder) == home && strings.HasPrefix(path.Base(folder), ".") && !p.made[folder]:
		return "a dot folder of the home folder is not opened as a whole"
	}
	return p.holds(folder)
}

// holds names what the built-in rules deny below a path.
func (p *proposer) holds(folder string) string {
	for i := range p.o.Policy.Paths {
		rule := &p.o.Policy.Paths[i]
		if rule.Effect == policy.Deny && rule.Origin.BuiltIn != "" && !rule.Glob && rule.Path != folder && under(rule.Path, folder) {
			return "it holds " + rule.Path + ", which is denied (built-in: " + rule.Origin.BuiltIn + ")"
		}
	}
	return ""
}

// settle merges siblings and takes out the secrets of what is proposed whole.
// Each round may find a folder that is not to be proposed; then it begins anew.
func (p *proposer) settle() (lines []PathLine, denied []string) {
	for {
		merged, folders := p.merged()
		again := false
		denied = nil
		for _, name := range slices.Sorted(maps.Keys(merged)) {
			if !folders[name] && p.o.Tree.File(name) {
				continue // what is gone may have been a folder
			}
			found, why := p.secretsIn(name)
			if why != "" {
				p.banned[name] = why
				again = true
				if _, own := p.want[name]; own {
					delete(p.want, name)
					p.left[name] = why
				}
				continue
			}
			denied = append(denied, found...)
		}
		if again {
			continue
		}
		for name := range p.left {
			if _, ok := merged[name]; ok || coveredBy(merged, name, policy.AccessRead) {
				delete(p.left, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(merged)) {
			lines = append(lines, PathLine{Path: name, Access: merged[name], Folder: folders[name]})
		}
		slices.Sort(denied)
		return lines, slices.Compact(denied)
	}
}

// merged is want with siblings as their folder, from the deepest up, and
// without what another line covers.
func (p *proposer) merged() (map[string]policy.Access, map[string]bool) {
	all, folders := maps.Clone(p.want), maps.Clone(p.folders)
	uncover(all)
	deepest := 0
	for name := range all {
		deepest = max(deepest, depth(name))
	}
	for level := deepest; level > 1; level-- {
		count := map[string]map[policy.Access]int{}
		for name, access := range all {
			if depth(name) != level {
				continue
			}
			folder := path.Dir(name)
			if count[folder] == nil {
				count[folder] = map[policy.Access]int{}
			}
			count[folder][access]++
		}
		for folder, byAccess := range count {
			for _, access := range []policy.Access{policy.AccessWrite, policy.AccessRead} {
				if byAccess[access] < siblings || p.wide(folder) != "" || all[folder] == policy.AccessWrite {
					continue
				}
				folders[folder] = true
				all[folder] = access
			}
		}
		uncover(all)
	}
	return all, folders
}

// uncover takes away what another entry covers.
func uncover(all map[string]policy.Access) {
	for name, access := range all {
		if coveredBy(all, name, access) {
			delete(all, name)
		}
	}
}

// coveredBy reports whether a folder above name is there with the access.
func coveredBy(all map[string]policy.Access, name string, access policy.Access) bool {
	for at := path.Dir(name); len(at) > 1; at = path.Dir(at) { // what is no path has no folder
		if have, ok := all[at]; ok && (have == policy.AccessWrite || access == policy.AccessRead) {
			return true
		}
	}
	return false
}

func depth(name string) int { return strings.Count(name, "/") }

// secretsIn lists what looks secret in a folder that is proposed, unless the
// policy denies it already; or it says why the folder cannot be.
func (p *proposer) secretsIn(folder string) (denied []string, why string) {
	found, known := p.scans[folder]
	if !known {
		found.names, found.whole = p.o.Tree.Secrets(folder)
		p.scans[folder] = found
	}
	if !found.whole {
		return nil, fmt.Sprintf("it holds more than %d files: too many to look for secrets among them", maxScanned)
	}
	names := slices.Clone(found.names)
	for name := range p.secrets {
		if under(name, folder) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		_, used := p.want[name]
		decision := p.o.Policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
		switch {
		case used || decision.Effect == policy.Deny && decision.Rule != "not in allowed_paths":
		case !writable(name):
			return nil, "it holds what looks secret and has a name that cannot be written into the config: " + name
		default:
			denied = append(denied, name)
		}
	}
	if len(denied) > maxSecrets {
		return nil, fmt.Sprintf("it holds more than %d files that look secret: write it by hand, with denied_paths", maxSecrets)
	}
	return denied, ""
}

// writable reports whether a path can stand in allowed_paths and denied_paths
// as itself.
func writable(name string) bool {
	return strings.HasPrefix(name, "/") && strings.ToValidUTF8(name, "") == name && !strings.ContainsAny(name, "*?[\\") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func under(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder+"/")
}
