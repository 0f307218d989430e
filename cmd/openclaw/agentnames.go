package main

import (
	"strings"

	"openclaw/sandbox/policy"
)

// answer is what agent test prints as JSON.
type answer struct {
	policy.Decision
	NotLookedUp *notLookedUp `json:"not_looked_up,omitempty"`
}

// notLookedUp says that the addresses of a name were not asked for, which a cage does
// when a program connects: that would tell the network what a person only wonders about.
type notLookedUp struct {
	Host    string        `json:"host"`
	Note    string        `json:"note"`
	Blocked []policy.Step `json:"blocked"` // what the config refuses of the addresses
}

const builtInBlocks = "loopback, private, link-local and metadata addresses that allowed_ips does not name"

// openQuestion is what an answer about a name leaves open; nil: nothing.
func openQuestion(p *policy.Policy, request policy.Request, decision policy.Decision) *notLookedUp {
	if request.Class != policy.ClassNet || request.Address.IsValid() || decision.Effect == policy.Deny {
		return nil
	}
	open := &notLookedUp{Host: request.Host, Blocked: []policy.Step{}}
	var texts []string
	for _, rule := range p.Network.Blocked {
		if rule.Origin.BuiltIn == "" {
			open.Blocked = append(open.Blocked, policy.Step{Rule: rule.Text, Origin: rule.Origin})
			texts = append(texts, because(rule.Text, rule.Origin))
		}
	}
	texts = append(texts, "built-in: "+builtInBlocks)
	open.Note = "the addresses of " + request.Host + " were not looked up; the cage refuses it if they are blocked: " + strings.Join(texts, "; ")
	return open
}
