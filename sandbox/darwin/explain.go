package darwin

import (
	"strings"

	"openclaw/sandbox/policy"
)

// Explanation is what a refusal was about, in the policy's words.
type Explanation struct {
	Class  policy.Class
	Rule   string
	Origin policy.Origin
}

// Explain finds the rule of the policy, as it was when the profile was written,
// behind a refusal. It is not ok for what no rule of a policy is about: a
// system service, a setting of the kernel.
func (r *Refusal) Explain(p *policy.Policy) (e Explanation, ok bool) {
	if e.Class, ok = r.class(); ok {
		e.Rule, e.Origin = r.rule(p, e.Class)
	}
	return e, ok
}

// class sorts the kernel's operations.
func (r *Refusal) class() (policy.Class, bool) {
	op := r.Operation
	switch {
	case r.Tag.Rule == TagNames, strings.HasPrefix(op, "network-"):
		return policy.ClassNet, true
	case strings.HasPrefix(op, "process-exec"):
		return policy.ClassExec, true
	case strings.HasPrefix(op, "file-write"), op == "file-link", op == "file-clone":
		return policy.ClassPathWrite, true
	case strings.HasPrefix(op, "file-"):
		return policy.ClassPathRead, true
	}
	return "", false
}

// rule names the rule behind a tag.
func (r *Refusal) rule(p *policy.Policy, class policy.Class) (string, policy.Origin) {
	builtIn := func(reason string) (string, policy.Origin) {
		return "built-in: " + reason, policy.Origin{BuiltIn: reason}
	}
	switch r.Tag.Rule {
	case TagExec:
		return "execute_commands: false", p.Exec.CommandsFrom
	case TagSystem:
		return "system_commands: false", p.Exec.SystemFrom
	case TagPinned:
		return builtIn("a folder that a rule names, or that lies above one, stays in its place")
	case TagLink:
		return builtIn("a file gets no second name, by which a rule would not know it")
	case TagNames:
		return builtIn("names are looked up by the proxy; a look-up of its own has no way out")
	}
	if index, ok := r.Tag.Index(); ok && index < len(p.Paths) {
		rule := &p.Paths[index]
		if rule.Effect == policy.Allow && rule.Limit != "" {
			return rule.Limit, rule.LimitFrom
		}
		if rule.Text != "" {
			return rule.Text, rule.Origin
		}
	}
	if class == policy.ClassNet {
		return builtIn("the network is reached through the proxy of HTTP_PROXY alone")
	}
	d := p.Decide(policy.Request{Class: class, Path: r.Target})
	if d.Effect == policy.Allow { // by its physical name; the person's name may say why
		d = p.Decide(policy.Request{Class: class, Path: Logical(r.Target)})
	}
	switch d.Effect {
	case policy.Ask:
		return d.Rule + " (to be asked: allow it, and run again)", d.Origin
	case policy.Allow:
		return builtIn("not there in a cage on macOS")
	case policy.Deny:
	}
	return d.Rule, d.Origin
}
