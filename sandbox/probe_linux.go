package sandbox

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// Probe builds a cage without a command and reports each mechanism, with what
// proved it or what failed and how to get it. It takes about as long as the
// start of a command and leaves nothing behind.
func Probe(ctx context.Context) Capabilities { return (&Cage{}).probe(ctx) }

func (c *Cage) probe(ctx context.Context) Capabilities {
	capabilities := Capabilities{Kernel: kernelRelease()}
	proven, err := c.prove(ctx)
	blamed := ""
	if err != nil {
		blamed = blame(err, proven)
	}
	_, other := proven[instead]
	for _, row := range table() {
		if row.name == instead && !other || row.name == "redirect" && other {
			continue // one of the two is in force
		}
		m := Mechanism{Name: row.name, Purpose: row.purpose}
		switch detail, ok := proven[row.name]; {
		case ok:
			m.Enforced, m.Detail = true, detail
		case row.name == blamed:
			m.Detail, m.Fix = err.Error(), row.fix
			if typed, ok := errors.AsType[*Error](err); ok && typed.Hint != "" {
				m.Fix = typed.Hint
			} else if spentFiles(err) {
				m.Fix = filesHint // the first step that was not proven is blamed for what failed before all of them
			}
		default:
			m.Detail = "not tried, because " + blamed + " failed"
		}
		capabilities.Mechanisms = append(capabilities.Mechanisms, m)
	}
	capabilities.Reduced = probeReduced(ctx)
	capabilities.Limits = probeLimits()
	return capabilities
}

// probeReduced builds a reduced cage without a command.
func probeReduced(ctx context.Context) []Mechanism {
	nobody := nobody()
	nobody.Enforce = policy.EnforceReduced
	p, err := launchReduced(ctx, &Cage{}, Spec{Agent: "probe", Policy: nobody}, errors.New("it was only tried out"))
	var proven []Mechanism
	if p != nil {
		<-p.finished
		for _, m := range p.Report().Mechanisms {
			if m.Name != FullCage {
				proven = append(proven, m)
			}
		}
	}
	if err != nil {
		m := Mechanism{Name: "reduced mode", Detail: err.Error(), Purpose: "agents that say `enforce: reduced` run where the full cage cannot be had"}
		if typed, ok := errors.AsType[*Error](err); ok {
			m.Fix = typed.Hint
		}
		proven = append(proven, m)
	}
	return proven
}

// nobody is the policy of a cage that is only tried out.
func nobody() *policy.Policy {
	return &policy.Policy{
		Agent: "probe", Workspace: "/", Enforce: policy.EnforceStrict,
		Paths:   []policy.PathRule{{Path: "/usr", Effect: policy.Allow, Access: policy.AccessRead, System: true}},
		Network: policy.NetworkRules{Outbound: true},
	}
}

func (c *Cage) prove(ctx context.Context) (map[string]string, error) {
	nobody := nobody()
	p, err := startStage(c, nil, nil, nil, &bounds{})
	if err != nil {
		return nil, err
	}
	p.adopt(&Spec{Agent: "probe", Policy: nobody})
	plan, err := mounts.Make(nobody)
	if err != nil {
		p.abandon()
		return nil, planError(err)
	}
	proven := map[string]string{}
	if err = p.launch(ctx, planned{mounts: plan, dir: "/"}); err == nil {
		<-p.finished
	}
	for _, m := range p.Report().Mechanisms {
		proven[m.Name] = m.Detail
	}
	return proven, err
}

// blame names the mechanism that a failure is about: the one that the failing
// step builds, otherwise the first that was not proven.
func blame(err error, proven map[string]string) string {
	if typed, ok := errors.AsType[*Error](err); ok {
		switch typed.Op {
		case "make namespaces", opRightless:
			return "user namespace"
		case "build network", "serve network":
			return "redirect"
		case "mount gate", "serve gate", "test gate":
			return "gate"
		case "build mounts":
			return "mount namespace"
		case "test read-only folders":
			return "read-only binds"
		case "install call filter":
			return "call filter"
		case "give up rights":
			if typed.Kind == KindMissing {
				return "landlock scopes"
			}
		case "serve calls":
			return "call notification"
		}
	}
	for _, row := range table() {
		if _, ok := proven[row.name]; !ok && row.name != instead {
			return row.name
		}
	}
	return ""
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
