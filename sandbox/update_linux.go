package sandbox

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// Update puts a policy that changed into force as far as a running cage allows,
// and says what is in force now and what only from the next run on. What the
// gate serves and the network change at once, both ways; what is bound natively
// stays as it is.
func (p *Process) Update(next *policy.Policy) (Change, error) {
	if next == nil {
		return Change{}, &Error{Op: "update policy", Kind: KindPolicy, Err: errors.New("there is none")}
	}
	p.updating.Lock()
	defer p.updating.Unlock()
	if p.reduced != nil {
		return p.updateReduced(next)
	}
	before := p.current
	preview, err := mounts.Preview(next)
	if err != nil {
		return Change{}, planError(err)
	}
	was, err := mounts.Preview(before)
	if err != nil {
		return Change{}, planError(err)
	}
	var change Change
	p.comparePaths(&change, was.Regions, preview.Regions)
	p.compareRest(&change, before, next)

	whole := *preview.Policy
	whole.Paths = append(slices.Clip(whole.Paths), p.plan.Found...)
	p.judge.policy.Store(&whole)
	p.gate.SetPolicy(&whole)
	p.network.egress.SetPolicy(next)
	p.current = next
	p.mu.Lock()
	p.report.Policy = next.Version
	p.mu.Unlock()
	return change, nil
}

// comparePaths looks at every path where the old or the new policy changes its
// answer, beside what is mounted there.
func (p *Process) comparePaths(change *Change, was, will *mounts.Regions) {
	names := append(was.Boundaries(), will.Boundaries()...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		before, after := was.Of(name), will.Of(name)
		if before == after {
			continue
		}
		switch mounted := p.plan.Regions.Of(name); {
		case mounted == after: // as it was mounted, or closed again
			change.Applied = append(change.Applied, fmt.Sprintf("%s: %s", name, words(after)))
		case mounted == mounts.Gate && p.served(name):
			change.Applied = append(change.Applied, fmt.Sprintf("%s: %s, through the gate", name, words(after)))
		default:
			change.NeedsRun = append(change.NeedsRun, fmt.Sprintf("%s: %s; still %s in this run", name, words(after), words(mounted)))
		}
	}
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
	if !reflect.DeepEqual(before.Network, next.Network) {
		built := p.spec.Policy.Network.Outbound
		if next.Network.Outbound && !built {
			change.NeedsRun = append(change.NeedsRun, "network: this run was built without a way out")
		} else {
			change.Applied = append(change.Applied, "network rules")
			if missing := newForwards(p.spec.Policy, next); missing != "" {
				change.NeedsRun = append(change.NeedsRun, "network: "+missing+" of this machine's loopback")
			}
		}
	}
	if before.Exec.Commands != next.Exec.Commands || before.Exec.System != next.Exec.System {
		change.Applied = append(change.Applied, "rules for programs")
		if next.Exec.Commands && !p.spec.Policy.Exec.Commands {
			change.NeedsRun = append(change.NeedsRun, "programs in writable folders cannot be executed in this run")
		}
	}
	if before.MaxFileSize != next.MaxFileSize {
		change.NeedsRun = append(change.NeedsRun, "max_file_size")
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
