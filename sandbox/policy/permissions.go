package policy

import (
	"fmt"
	"time"

	"gopkg.in/yaml.v3"
)

// Class is a kind of request that a policy judges.
type Class string

// The classes. A config's `ask` and `never_always` lists hold "path.read",
// "path.write", "net" and "exec".
const (
	ClassPathRead  Class = "path.read"
	ClassPathWrite Class = "path.write"
	ClassNet       Class = "net"
	ClassExec      Class = "exec"
)

// ClassLimit is the class of what a limit of the run refused: memory, or a
// process. A policy has no ask for it.
const ClassLimit Class = "limit"

// Access says how far an allowed path goes.
type Access string

// An allowed path is readable, or readable and writable.
const (
	AccessRead  Access = "read"
	AccessWrite Access = "write"
)

// Enforce says what happens where a machine cannot enforce all of a policy.
type Enforce string

// EnforceStrict refuses to start; it is the default. EnforceReduced accepts
// the weaker mechanisms that a machine without namespaces has.
const (
	EnforceStrict  Enforce = "strict"
	EnforceReduced Enforce = "reduced"
)

// OnNarrow says what happens to a run when its policy becomes narrower in a way
// that a running cage cannot take back.
type OnNarrow string

// NarrowFlag shows that the run can still do it; it is the default. NarrowStop
// ends the run.
const (
	NarrowFlag OnNarrow = "flag"
	NarrowStop OnNarrow = "stop"
)

// Permissions is the mapping `permissions:` of a role or of an agent, as it is
// written in the config. A nil pointer or a nil list is "not written".
type Permissions struct {
	ReadOnly        *bool       `yaml:"read_only,omitempty"`
	AllowedPaths    []PathEntry `yaml:"allowed_paths,omitempty"`
	DeniedPaths     []string    `yaml:"denied_paths,omitempty"`
	FileWrite       *bool       `yaml:"file_write,omitempty"`
	ExecuteCommands *bool       `yaml:"execute_commands,omitempty"`
	SystemCommands  *bool       `yaml:"system_commands,omitempty"`
	NetworkAccess   *bool       `yaml:"network_access,omitempty"`
	MaxFileSize     *int64      `yaml:"max_file_size,omitempty"` // bytes
	Network         *Network    `yaml:"network,omitempty"`
	Ask             []Class     `yaml:"ask,omitempty"`
	AskTimeout      *Duration   `yaml:"ask_timeout,omitempty"`
	NeverAlways     []Class     `yaml:"never_always,omitempty"`
	Enforce         Enforce     `yaml:"enforce,omitempty"`
	OnNarrow        OnNarrow    `yaml:"on_narrow,omitempty"`
	Nested          *bool       `yaml:"nested,omitempty"` // role and agent must both say true
}

// Network is the mapping `network:` of permissions.
type Network struct {
	AllowOutbound  *bool    `yaml:"allow_outbound,omitempty"`
	AllowedDomains []string `yaml:"allowed_domains,omitempty"` // nil: every domain that is not blocked
	BlockedIPs     []string `yaml:"blocked_ips,omitempty"`
	AllowedIPs     []string `yaml:"allowed_ips,omitempty"`
}

// PathEntry is one item of `allowed_paths`: a path, or a mapping with a path
// and an access.
type PathEntry struct {
	Path   string `yaml:"path"`
	Access Access `yaml:"access,omitempty"` // empty: as far as the rest of the permissions goes
}

// Duration is a time.Duration that YAML writes as "60s" or "5m".
type Duration time.Duration

// UnmarshalYAML reads a Go duration string.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	v, err := time.ParseDuration(node.Value)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like 60s or 5m", node.Value)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML writes a Go duration string.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }
