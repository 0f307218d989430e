package policy

import "strings"

// SharedPath is what other agents may write: no link there says what the person meant.
type SharedPath struct {
	Path   string   `json:"path"`   // absolute and clean, as their config names it
	Agents []string `json:"agents"` // who may write it
}

// UnmetKind is why a rule is not carried out as it is written.
type UnmetKind string

// The kinds. What UnmetLink and UnmetOwn name is not opened at all.
const (
	UnmetLink    UnmetKind = "link"        // an allowed path goes through a link that an agent can change
	UnmetOwn     UnmetKind = "own"         // an allowed path is one that each cage has of its own
	UnmetMissing UnmetKind = "missing"     // an allowed path does not exist
	UnmetDenied  UnmetKind = "denied link" // a denied path goes through a link that an agent can change
)

// Unmet is a rule that a cage does not carry out as it is written, for what the machine
// has at its path now.
type Unmet struct {
	Path   string    `json:"path"` // of the rule
	Kind   UnmetKind `json:"kind"`
	Reason string    `json:"reason"`
	Cure   string    `json:"cure"`
	Link   string    `json:"link,omitempty"`   // the one on the way that counts
	Agents []string  `json:"agents,omitempty"` // who can change the link
	Origin Origin    `json:"origin"`
}

// NotOpened reports whether it is of an allowed path that is not opened at all.
func (u *Unmet) NotOpened() bool { return u.Kind == UnmetLink || u.Kind == UnmetOwn }

// String is what a person is told, wherever it is told.
func (u *Unmet) String() string { return u.Reason + "; " + u.Cure }

// UnmetByLink is a rule of the agent own that is not carried out as it is written because
// the agents, it may be one of them, can change a link on the way.
func UnmetByLink(rule *PathRule, link, own string, agents []string) Unmet {
	u := Unmet{Path: rule.Path, Kind: UnmetLink, Cure: "allow where it leads, if that is meant", Link: link, Agents: agents, Origin: rule.Origin}
	said, name := " is not opened: ", link
	if rule.Effect != Allow {
		u.Kind, u.Cure, said = UnmetDenied, "deny where it leads", " is denied where it leads now, but "
	}
	if name == rule.Path {
		name = "it"
	}
	u.Reason = rule.Path + said + name + " is a link that " + WhoChanges(own, agents) + " can change"
	return u
}

// leadsHere stands in the rule of LedHere, and in no other.
const leadsHere = " leads here, and is not opened: "

// LedHere is the decision about a target that no rule allows, where a rule that is not
// opened, because of a link that an agent can change, leads to it: the rule is that one
// then, and its place. real is where a path leads now, with all links followed, and
// whether it leads anywhere. Of a program that came there by another way it is true as well.
func LedHere(list []Unmet, own, target string, decision Decision, real func(string) (string, bool)) Decision {
	if decision.Rule != RuleNone {
		return decision
	}
	for i := range list {
		u := &list[i]
		if u.Kind != UnmetLink {
			continue
		}
		if led, ok := real(u.Path); !ok || !under(target, led) || under(target, u.Path) {
			continue
		}
		name := u.Link
		if name == u.Path {
			name = "it"
		}
		decision.Rule = "allowed_paths: " + u.Path + leadsHere + name + " is a link that " + WhoChanges(own, u.Agents) + " can change"
		decision.Origin = u.Origin
		return decision
	}
	return decision
}

// RuleIsLed reports whether a decision's rule is one of LedHere's: who is advised by it
// to allow the target opens what an agent chose.
func RuleIsLed(rule string) bool {
	return strings.HasPrefix(rule, "allowed_paths: ") && strings.Contains(rule, leadsHere)
}

// WhoChanges is agents in words, for what is about the agent own.
func WhoChanges(own string, agents []string) string {
	names := make([]string, 0, len(agents))
	for _, name := range agents {
		if name == own {
			names = append(names, "the agent itself")
			continue
		}
		names = append(names, "agent "+name)
	}
	return strings.Join(names, " or ")
}
