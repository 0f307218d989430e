package policy

import (
	"net/netip"
	"time"
)

// Effect is what a policy says to a request.
type Effect string

// The effects. Ask holds the request until the person answers.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
	Ask   Effect = "ask"
)

// Origin says where a rule comes from: a place in a config file, or the
// program itself.
type Origin struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Key     string `json:"key,omitempty"`     // "agents.coder.permissions.denied_paths[0]"
	BuiltIn string `json:"builtin,omitempty"` // why the program has this rule; empty for config rules
}

// Policy is one agent's compiled permissions: what a cage enforces. It is
// plain data, immutable once compiled, and travels packed (see Pack) or as JSON from
// the gateway to a cage's supervisor.
type Policy struct {
	Agent       string        `json:"agent"`
	Version     string        `json:"version"` // changes whenever the compiled policy changes
	Home        string        `json:"home"`
	StateDir    string        `json:"state_dir"`
	Workspace   string        `json:"workspace"`
	Paths       []PathRule    `json:"paths"`
	Shared      []SharedPath  `json:"shared,omitempty"`
	Exec        Exec          `json:"exec"`
	Network     NetworkRules  `json:"network"`
	MaxFileSize int64         `json:"max_file_size,omitempty"` // bytes; 0: no limit
	MaxOrigin   Origin        `json:"max_file_size_origin,omitzero"`
	Resources   Resources     `json:"limits,omitzero"`
	Asks        []Class       `json:"ask,omitempty"`
	AskTimeout  time.Duration `json:"ask_timeout,omitempty"` // nanoseconds
	NeverAlways []Class       `json:"never_always,omitempty"`
	Enforce     Enforce       `json:"enforce"`
	OnNarrow    OnNarrow      `json:"on_narrow,omitempty"` // empty: NarrowFlag
	NarrowFrom  Origin        `json:"on_narrow_origin,omitzero"`
	Default     Origin        `json:"default"` // what to name when no rule matched: the agent's own block
	Env         []string      `json:"env,omitempty"`
	Nested      bool          `json:"nested,omitempty"` // programs may build sandboxes of their own inside the cage
	NestedFrom  Origin        `json:"nested_from,omitzero"`
}

// AskCap is the longest that a request is held for an answer when it has timeout for
// it: the clock of that may be paused while a person is at the request, for as long again
// in all. Nothing holds it longer.
func AskCap(timeout time.Duration) time.Duration { return 2 * timeout }

// PathRule allows or denies a path and all below it.
type PathRule struct {
	Path   string   `json:"path"` // absolute and clean; a glob when Glob
	Glob   bool     `json:"glob,omitempty"`
	Effect Effect   `json:"effect"`           // Allow or Deny
	Access Access   `json:"access,omitempty"` // of an Allow rule
	Except []string `json:"except,omitempty"` // of a Deny rule: sub-trees that it leaves alone
	System bool     `json:"system,omitempty"` // one of the system's own folders: programs need it, no person wrote it
	Origin Origin   `json:"origin"`
	Text   string   `json:"text,omitempty"` // the rule in one line: "denied_paths: ~/.ssh"

	// Limit and LimitFrom say why an Allow rule goes no further than reading:
	// "read_only: true" and its place.
	Limit     string `json:"limit,omitempty"`
	LimitFrom Origin `json:"limit_from,omitzero"`
}

// Exec is what may be run.
type Exec struct {
	Commands     bool   `json:"commands"`      // false: only the command that started the agent
	System       bool   `json:"system"`        // false: sudo, mount, package managers… are refused
	CommandsFrom Origin `json:"commands_from"` // the rule to name in a denial
	SystemFrom   Origin `json:"system_from"`
}

// NetworkRules is what may be reached.
type NetworkRules struct {
	Outbound     bool          `json:"outbound"` // false: nothing but the gateway's agent endpoint
	OutboundFrom Origin        `json:"outbound_from"`
	AnyDomain    bool          `json:"any_domain"` // no allowed_domains written
	Domains      []DomainRule  `json:"domains,omitempty"`
	DomainsFrom  Origin        `json:"domains_from"`
	Blocked      []AddressRule `json:"blocked,omitempty"` // config's blocked_ips and the built-in ranges
	Allowed      []AddressRule `json:"allowed,omitempty"` // allowed_ips: wins over built-in Blocked, not over config's
}

// DomainRule allows a name, or all names below it.
type DomainRule struct {
	Pattern string `json:"pattern"`        // "api.example.com" or "*.example.com", lower case, no trailing dot
	Port    uint16 `json:"port,omitempty"` // 0: any
	Origin  Origin `json:"origin"`
	Text    string `json:"text,omitempty"` // the rule in one line: "allowed_domains: *.example.com"
}

// AddressRule names an address range.
type AddressRule struct {
	Prefix netip.Prefix `json:"prefix"`
	Port   uint16       `json:"port,omitempty"` // 0: any
	Origin Origin       `json:"origin"`
	Text   string       `json:"text,omitempty"` // the rule in one line: "blocked_ips: 192.168.1.0/24"
}

// Request is one thing that a program tries to do.
type Request struct {
	Class   Class
	Path    string     // of path.* and exec: absolute and clean
	Host    string     // of net: the name that the program asked for, if it is known
	Address netip.Addr // of net: the resolved address, if it is known
	Port    uint16     // of net; 0 for a name look-up
}

// Decision is the answer to a Request and the reason for it.
type Decision struct {
	Effect Effect `json:"effect"`
	Rule   string `json:"rule"` // one line for a person: "denied_paths: ~/.ssh"
	Origin Origin `json:"origin"`
	Trace  []Step `json:"trace,omitempty"` // only from Explain
}

// Step is one rule that Explain looked at.
type Step struct {
	Rule    string `json:"rule"`
	Origin  Origin `json:"origin"`
	Matched bool   `json:"matched"`
}
