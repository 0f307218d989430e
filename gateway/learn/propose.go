package learn

import (
	"maps"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

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
		if a.Hidden {
			p.left[a.Target] = "its name holds a secret, which the config must not"
			if strings.ContainsRune(a.Target, utf8.RuneError) { // what is not UTF-8 came back as that from who knows the secrets
				p.left[a.Target] = "its name is not UTF-8 and cannot be written into the config"
			}
			continue
		}
		switch d := decide(unsaid, a); d.Effect {
		case policy.Ask:
			if policy.RuleIsLed(a.Rule) { // to propose it would be to open what an agent chose
				p.left[a.Target] = a.Rule
				continue
			}
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
	host, _, err := net.SplitHostPort(target)
	switch {
	case err != nil:
		p.left[target] = "it is not host:port"
	case isAddress(host):
		out.Addresses = append(out.Addresses, target)
	default: // a name without a port would be every service of that host
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
