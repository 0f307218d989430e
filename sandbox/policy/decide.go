package policy

import (
	"path"
	"slices"
	"strings"
)

// Decide says what the policy does with a request. It allocates nothing for a
// policy that Compile made. A request that is not well-formed (a path that is
// not absolute and clean, a host that is not a name) is denied, and so is
// everything under a nil or empty policy.
func (p *Policy) Decide(r Request) Decision { return p.decide(&r, nil) }

// Explain is Decide with the trace of every rule that was looked at.
func (p *Policy) Explain(r Request) Decision {
	var t trace
	d := p.decide(&r, &t)
	d.Trace = t.steps
	return d
}

// trace collects steps; a nil trace collects nothing.
type trace struct{ steps []Step }

func (t *trace) add(rule string, origin Origin, matched bool) {
	if t != nil {
		t.steps = append(t.steps, Step{Rule: rule, Origin: origin, Matched: matched})
	}
}

func (p *Policy) decide(r *Request, t *trace) Decision {
	if p == nil {
		return Decision{Effect: Deny, Rule: "no policy"}
	}
	if p.Default.BuiltIn == withdrawnReason {
		return Decision{Effect: Deny, Rule: RuleWithdrawn, Origin: p.Default}
	}
	switch r.Class {
	case ClassPathRead:
		return p.decidePath(r.Path, AccessRead, r.Class, t)
	case ClassPathWrite:
		return p.decidePath(r.Path, AccessWrite, r.Class, t)
	case ClassExec:
		return p.decideExec(r.Path, t)
	case ClassNet:
		if r.Address.IsValid() {
			return p.decideAddress(r.Host, r.Address, r.Port, t)
		}
		return p.decideName(r.Host, r.Port, t)
	case ClassLimit: // the kernel's to decide
	}
	return Decision{Effect: Deny, Rule: "unknown class", Origin: p.Default}
}

// RuleNone is what a decision names when no rule speaks of a path, RuleSystem when it is
// of a program by its name.
const (
	RuleNone   = "not in allowed_paths"
	RuleSystem = "system_commands: false"
)

// decidePath looks at every rule. A matched deny wins, a config's before a
// built-in one and a deeper before a higher one; then the deepest allow speaks.
func (p *Policy) decidePath(name string, want Access, class Class, t *trace) Decision {
	if !cleanPath(name) {
		return Decision{Effect: Deny, Rule: "not an absolute path", Origin: p.Default}
	}
	deny, allow := p.speaking(name, t)
	switch {
	case deny != nil:
		return Decision{Effect: Deny, Rule: p.ruleText(deny), Origin: deny.Origin}
	case allow == nil:
		return p.unmatched(RuleNone, p.Default, class)
	case want == AccessWrite && allow.Access != AccessWrite:
		if allow.Limit == "" {
			return Decision{Effect: Deny, Rule: p.ruleText(allow) + " (read only)", Origin: allow.Origin}
		}
		return Decision{Effect: Deny, Rule: allow.Limit, Origin: allow.LimitFrom}
	}
	return Decision{Effect: Allow, Rule: p.ruleText(allow), Origin: allow.Origin}
}

// speaking finds the rules that speak for a path: of those that deny it and of those
// that allow it.
func (p *Policy) speaking(name string, t *trace) (deny, allow *PathRule) {
	for i := range p.Paths {
		rule := &p.Paths[i]
		matched := rule.matches(name)
		if t != nil {
			t.add(p.ruleText(rule), rule.Origin, matched)
		}
		switch {
		case !matched:
		case rule.Effect != Allow:
			if deny == nil || namesBetter(rule, deny) {
				deny = rule
			}
		case allow == nil || len(rule.Path) > len(allow.Path):
			allow = rule
		}
	}
	return deny, allow
}

// Opens is how far a path is open: what Decide answers for ClassPathRead and
// ClassPathWrite, at once and without a word why. Empty: not at all.
func (p *Policy) Opens(name string) Access {
	if p == nil || !cleanPath(name) {
		return ""
	}
	return opened(p.speaking(name, nil))
}

func opened(deny, allow *PathRule) Access {
	switch {
	case deny != nil || allow == nil:
		return ""
	case allow.Access == AccessWrite:
		return AccessWrite
	}
	return AccessRead
}

func namesBetter(rule, have *PathRule) bool {
	if own, was := rule.Origin.BuiltIn == "", have.Origin.BuiltIn == ""; own != was {
		return own
	}
	return len(rule.Path) > len(have.Path)
}

func (rule *PathRule) matches(name string) bool {
	if rule.Glob {
		if !matchGlob(rule.Path, name) {
			return false
		}
	} else if !under(name, rule.Path) {
		return false
	}
	for _, except := range rule.Except {
		if under(name, except) {
			return false
		}
	}
	return true
}

// decideExec judges a program by its path. A program must be readable to be
// run.
func (p *Policy) decideExec(name string, t *trace) Decision {
	if !cleanPath(name) {
		return Decision{Effect: Deny, Rule: "not an absolute path", Origin: p.Default}
	}
	t.add("execute_commands: false", p.Exec.CommandsFrom, !p.Exec.Commands)
	if !p.Exec.Commands {
		return Decision{Effect: Deny, Rule: "execute_commands: false", Origin: p.Exec.CommandsFrom}
	}
	system := !p.Exec.System && isSystemProgram(path.Base(name))
	t.add(RuleSystem, p.Exec.SystemFrom, system)
	if system {
		return Decision{Effect: Deny, Rule: RuleSystem, Origin: p.Exec.SystemFrom}
	}
	return p.decidePath(name, AccessRead, ClassExec, t)
}

// isSystemProgram is a switch over what SystemPrograms lists, by binary search
// in that sorted list.
func isSystemProgram(base string) bool {
	_, found := slices.BinarySearch(SystemPrograms(), base)
	return found || strings.HasPrefix(base, "mkfs.") || strings.HasPrefix(base, "mount.") || strings.HasPrefix(base, "umount.")
}

// unmatched is the answer when no rule spoke.
func (p *Policy) unmatched(rule string, origin Origin, class Class) Decision {
	if slices.Contains(p.Asks, class) {
		return Decision{Effect: Ask, Rule: rule, Origin: origin}
	}
	return Decision{Effect: Deny, Rule: rule, Origin: origin}
}

// cleanPath reports whether a path is absolute, clean and free of NUL. It does
// not allocate.
func cleanPath(name string) bool {
	return name != "" && name[0] == '/' && strings.IndexByte(name, 0) < 0 && path.Clean(name) == name
}

// ruleText is the rule in one line.
func (p *Policy) ruleText(rule *PathRule) string {
	switch {
	case rule.Text != "":
		return rule.Text
	case rule.Effect != Allow && rule.Origin.BuiltIn != "":
		return "built-in: " + rule.Origin.BuiltIn
	case rule.Effect != Allow:
		return "denied_paths: " + tilde(rule.Path, p.Home)
	case rule.System:
		return "system folder: " + rule.Path
	default:
		return "allowed_paths: " + tilde(rule.Path, p.Home)
	}
}
