package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// Update puts a policy that changed into force as far as a running cage allows,
// and says what is in force now and what only from the next run on. What the
// gate serves and the network change at once, both ways; what is bound natively
// stays as it is. NeedsRun holds all that this run and the policy differ in, not
// only what this change added.
func (p *Process) Update(next *policy.Policy) (Change, error) {
	if next == nil {
		return Change{}, &Error{Op: "update policy", Kind: KindPolicy, Err: errors.New("there is none")}
	}
	p.updating.Lock()
	defer p.updating.Unlock()
	if p.reduced != nil {
		return p.updateReduced(next)
	}
	p.network.egress.SetPolicy(next) // it needs no path, so it does not wait for one
	before := p.current
	preview, err := mounts.Preview(next)
	if err != nil {
		return Change{}, planError(err)
	}
	was, err := mounts.Preview(before)
	if err != nil {
		return Change{}, planError(err)
	}
	built, err := mounts.Preview(p.spec.Policy)
	if err != nil {
		return Change{}, planError(err)
	}
	var change Change
	compared := policy.Compare(before, next)
	if compared.Paths && compared.Wider { // else it is applied at once, and looked at then: that may take as long as to plan a run
		if err := byName(next); err != nil {
			return Change{}, planError(err)
		}
	}
	p.comparePaths(&change, built.Regions, was.Regions, preview.Regions)
	p.comparePatterns(&change, next)
	p.compareRest(&change, before, next)

	whole := *preview.Policy
	whole.Paths = append(slices.Clip(whole.Paths), p.plan.Found...)
	p.judge.policy.Store(&whole)
	p.judge.unmet.Store(&preview.Unmet)
	p.gate.SetPolicy(&whole)
	p.current = next
	p.mu.Lock()
	p.report.Policy = next.Version
	p.mu.Unlock()
	if compared.Paths && !compared.Wider {
		if err := byName(next); err != nil {
			change.waits(true, "paths: "+err.Error())
		}
	}
	return change, nil
}

// byName says whether the rules of a policy hold by the names in them. What else a
// plan of it may lack is for the next run to say.
func byName(p *policy.Policy) error {
	_, err := mounts.Make(p)
	if errors.Is(err, mounts.ErrOtherNames) {
		return err
	}
	return nil
}

// CutConnection ends a connection out of the cage, by its Connection's ID, and has
// that Connection say why. It reports whether it was open.
func (p *Process) CutConnection(id, why string) bool {
	switch {
	case p.reduced == nil:
		return p.network.egress.Cut(id, why)
	case p.reduced.way != nil:
		return p.reduced.way.proxy.Cut(id, why)
	}
	return false
}

// comparePaths looks at every path where one of the policies changes its answer,
// beside what is mounted there. built is the policy that the cage was built by.
func (p *Process) comparePaths(change *Change, built, was, will *mounts.Regions) {
	names := slices.Concat(built.Boundaries(), was.Boundaries(), will.Boundaries())
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		before, after, mounted := was.Of(name), will.Of(name), p.plan.Regions.Of(name)
		switch {
		case mounted == after || built.Of(name) == after: // as it was mounted, or closed again
			if before != after {
				change.Applied = append(change.Applied, fmt.Sprintf("%s: %s", name, words(after)))
			}
		case mounted == mounts.Gate && p.served(name):
			if before != after {
				change.Applied = append(change.Applied, fmt.Sprintf("%s: %s, through the gate", name, words(after)))
			}
		default:
			change.waits(opens(mounted) > opens(after), fmt.Sprintf("%s: %s; still %s in this run", name, words(after), words(mounted)))
		}
	}
}

// opens orders regions by how much of the host they let through.
func opens(r mounts.Region) int {
	switch r {
	case mounts.Read:
		return 1
	case mounts.Write:
		return 2
	case mounts.Gate, mounts.Private:
	}
	return 0
}

// comparePatterns names the patterns that came since the cage was built, where
// they may match something that is bound natively: nothing looks there by name.
func (p *Process) comparePatterns(change *Change, next *policy.Policy) {
	for i := range next.Paths {
		rule := &next.Paths[i]
		had := func(r policy.PathRule) bool { return r.Glob && r.Effect == rule.Effect && r.Path == rule.Path }
		if !rule.Glob || rule.Effect == policy.Allow || slices.ContainsFunc(p.spec.Policy.Paths, had) || !p.bindsBelow(literal(rule.Path)) {
			continue
		}
		change.waits(true, fmt.Sprintf("%s: refused; what it matches in folders that this run has bound stays open in it", rule.Path))
	}
}

// literal is the folder that a pattern begins with.
func literal(pattern string) string {
	head, _, _ := strings.Cut(pattern, "*")
	if at := strings.IndexAny(head, `?[\`); at >= 0 {
		head = head[:at]
	}
	return path.Dir(head + "x")
}

// bindsBelow reports whether a folder, or something below it, is bound natively.
func (p *Process) bindsBelow(folder string) bool {
	if p.plan.Regions.Of(folder).Native() {
		return true
	}
	return slices.ContainsFunc(p.plan.Regions.Boundaries(), func(name string) bool {
		return (folder == "/" || strings.HasPrefix(name, folder+"/")) && p.plan.Regions.Of(name).Native()
	})
}

// served reports whether the gate stands at a path inside the cage.
func (p *Process) served(name string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	_, err := os.Lstat("/" + top)
	return err == nil
}

func words(r mounts.Region) string {
	switch r {
	case mounts.Read:
		return "readable"
	case mounts.Write:
		return "writable"
	case mounts.Private:
		return "private to the run"
	case mounts.Gate:
	}
	return "refused"
}

func (p *Process) compareRest(change *Change, before, next *policy.Policy) {
	built := p.spec.Policy
	if !reflect.DeepEqual(before.Network, next.Network) && (built.Network.Outbound || !next.Network.Outbound) {
		change.Applied = append(change.Applied, "network rules")
	}
	if next.Network.Outbound && !built.Network.Outbound {
		change.waits(false, "network: this run was built without a way out")
	} else if missing := newForwards(built, next); missing != "" {
		change.waits(false, "network: "+missing+" of this machine's loopback")
	}
	if before.Exec.Commands != next.Exec.Commands || before.Exec.System != next.Exec.System {
		change.Applied = append(change.Applied, "rules for programs")
	}
	switch {
	case next.Exec.Commands && !built.Exec.Commands:
		change.waits(false, "programs in writable folders cannot be executed in this run")
	case !next.Exec.Commands && built.Exec.Commands:
		change.waits(true, "programs: none is started any more; what runs already may still load code from a writable folder")
	}
	if built.MaxFileSize != next.MaxFileSize {
		change.waits(next.MaxFileSize != 0 && (built.MaxFileSize == 0 || built.MaxFileSize > next.MaxFileSize), "max_file_size")
	}
	for _, name := range built.Env {
		if !slices.Contains(next.Env, name) && lookupEnv(p.spec.Env, name) != "" {
			change.waits(true, "env: this run has "+name+" already")
		}
	}
	for _, name := range next.Env {
		if !slices.Contains(built.Env, name) {
			change.waits(false, "env: "+name)
		}
	}
	if p.reduced != nil && next.Enforce != policy.EnforceReduced {
		change.waits(true, "enforce: this run is in the reduced mode")
	}
	p.bounds.update(change, next.Resources)
	if built.Nested != next.Nested {
		change.waits(built.Nested, "nested: what its programs may make of namespaces and mounts stays as this run was built")
	}
}

// newForwards names the loopback addresses that were not forwarded when the
// cage was built.
func newForwards(built, next *policy.Policy) string {
	have := forwards(built)
	var missing []string
	for _, address := range forwards(next) {
		if !slices.Contains(have, address) {
			missing = append(missing, address.String())
		}
	}
	return strings.Join(missing, ", ")
}
