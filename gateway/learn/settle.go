package learn

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

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
		case used || decision.Effect == policy.Deny && decision.Rule != policy.RuleNone:
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
