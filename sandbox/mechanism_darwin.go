package sandbox

import (
	"fmt"

	"openclaw/sandbox/darwin"
	"openclaw/sandbox/policy"
)

// mechanism is a row of what a cage rests on. never says why macOS has no way
// to it.
type mechanism struct{ name, purpose, fix, never string }

// The mechanisms that the self-test proves.
const (
	mechanismReads   = "profile: reads"
	mechanismWrites  = "profile: writes"
	mechanismPins    = "profile: pinned folders"
	mechanismLinks   = "profile: no second names"
	mechanismNetwork = "profile: network"
	mechanismSignals = "profile: signals"
	mechanismLog     = "log"
)

// table lists the mechanisms of a cage on macOS, and what Linux has beside.
func table() []mechanism {
	const ours = "report this with the version of macOS: the cage would not hold"
	return []mechanism{
		{mechanismReads, "only what the policy opens can be read", ours, ""},
		{mechanismWrites, "only what the policy opens can be changed", ours, ""},
		{mechanismPins, "a denied path cannot be reached by moving a folder above it", ours, ""},
		{mechanismLinks, "a denied file cannot be reached by another name", ours, ""},
		{mechanismNetwork, "nothing is reached but the run's own ports of the loopback", ours, ""},
		{mechanismSignals, "no process outside of the run can be signalled", ours, ""},
		{mechanismLog, "refusals by the kernel are seen", "`log stream` needs an account that may administer this Mac; without it refusals happen unseen", ""},
		{"gate", "refused files may be asked about while the program waits", "allow what was refused, and run again", "macOS cannot hold a program until an answer comes"},
		{"redirect", "any TCP program is held to the policy, without proxy settings", "use programs that heed HTTP_PROXY", "programs reach the network by proxy variables only"},
		{"private /tmp", "temporary files of others are not there", "use TMPDIR", "/tmp is refused; TMPDIR names a folder of the run"},
		{"own processes", "all processes end with the run", "end what is left by hand", "a process that starts a session of its own outlives the run, in its cage and without network"},
	}
}

func purposeOf(name string) string {
	for _, row := range table() {
		if row.name == name {
			return row.purpose
		}
	}
	return ""
}

// unavailable are the rows that no Mac has.
func unavailable() []Mechanism {
	var list []Mechanism
	for _, row := range table() {
		if row.never != "" {
			list = append(list, Mechanism{Name: row.name, Detail: row.never, Fix: row.fix, Purpose: row.purpose})
		}
	}
	return list
}

// probePolicy opens a workspace and what the system needs.
func probePolicy(workspace string) *policy.Policy {
	p := &policy.Policy{Agent: "probe", Version: "probe", Home: workspace, Workspace: workspace, Enforce: policy.EnforceStrict, Exec: policy.Exec{Commands: true}}
	p.Paths = append(p.Paths, policy.PathRule{Path: workspace, Effect: policy.Allow, Access: policy.AccessWrite})
	for _, folder := range []string{"/usr", "/bin", "/sbin"} {
		p.Paths = append(p.Paths, policy.PathRule{Path: folder, Effect: policy.Allow, Access: policy.AccessRead, System: true})
	}
	return p
}

// refuseUnheld refuses what macOS cannot hold where the policy wants all of it
// held, and says the rest.
func refuseUnheld(p *policy.Policy, exists func(string) bool) (warnings []string, err error) {
	for _, u := range darwin.Unholdable(p, exists) {
		if u.Strict && p.Enforce != policy.EnforceReduced {
			return nil, &Error{Op: "write profile", Kind: KindMissing, Err: fmt.Errorf("%s: %s", u.Rule, u.Why), Hint: u.Cure}
		}
		warnings = append(warnings, u.Rule+": "+u.Why)
	}
	return warnings, nil
}
