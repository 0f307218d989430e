package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/cgroup"
	"openclaw/sandbox/policy"
)

// The mechanisms that bound what a run takes. They are proven only where the
// policy asks for them.
const (
	memoryLimit    = "memory limit"
	processLimit   = "process limit"
	processorLimit = "processor limit"
)

// bounds holds one run to its policy's limits: by a control group where there
// is a place for one, by what else is a true bound otherwise.
type bounds struct {
	group *cgroup.Group // nil: none was needed, or there is no place
	alone bool          // RLIMIT_NPROC counts this run's processes only

	mu      sync.Mutex
	wanted  policy.Resources
	failed  error       // why the command could not be bounded
	without []Mechanism // what the policy wants and nothing enforces
}

// newBounds makes ready what the policy asks for. A limit that nothing here
// enforces is a refusal, unless the policy accepts less. own says that the cage
// has a user namespace of its own.
func newBounds(c *Cage, p *policy.Policy, own bool) (*bounds, error) {
	b := &bounds{wanted: p.Resources, alone: own && countedAlone()}
	if p.Resources.None() && !p.Nested && !c.divideAll { // a nested sandbox may see its control group
		return b, nil
	}
	find := c.groups
	if find == nil {
		find = cgroup.Find
	}
	place, err := find()
	if err != nil {
		return b, b.withoutGroup(p, func(string) error { return err })
	}
	b.group, err = place.Make()
	if err != nil {
		return b, b.withoutGroup(p, func(string) error { return err })
	}
	err = b.withoutGroup(p, func(controller string) error {
		if b.group.Has(controller) {
			return nil
		}
		return &cgroup.Error{
			Op: "limit " + controller, Kind: cgroup.KindMissing, Hint: cgroup.Delegation(controller),
			Err: fmt.Errorf("%s does not have the controller", place.Path()),
		}
	})
	if err == nil {
		err = b.group.Set(b.forGroup(p.Resources))
	}
	if err != nil {
		b.close()
		return b, boundError(err)
	}
	return b, nil
}

// forGroup are the limits that the group has controllers for.
func (b *bounds) forGroup(r policy.Resources) cgroup.Limits {
	var l cgroup.Limits
	if b.group.Has(cgroup.Memory) {
		l.Memory = r.Memory
	}
	if b.group.Has(cgroup.PIDs) {
		l.PIDs = r.PIDs
	}
	if b.group.Has(cgroup.CPU) {
		l.CPU = r.CPU
	}
	return l
}

// withoutGroup looks at each limit for which missing has a reason, and refuses
// those that nothing else bounds.
func (b *bounds) withoutGroup(p *policy.Policy, missing func(controller string) error) error {
	for _, limit := range limitsOf(p.Resources) {
		err := missing(limit.controller)
		if limit.value == 0 || err == nil || limit.controller == cgroup.PIDs && b.alone {
			continue
		}
		if p.Enforce != policy.EnforceReduced {
			return boundError(fmt.Errorf("%s (%s) cannot be enforced here: %w", limit.words, limit.from, err))
		}
		b.without = append(b.without, Mechanism{Name: limit.mechanism, Detail: notBounded(limit.controller, err), Fix: fixOf(err), Purpose: purposeOfLimit(limit.mechanism)})
	}
	return nil
}

func boundError(err error) *Error {
	return &Error{Op: "limit the run", Kind: KindMissing, Err: err, Hint: fixOf(err) + "; or remove the limit from the config"}
}

func fixOf(err error) string {
	if typed, ok := errors.AsType[*cgroup.Error](err); ok {
		return typed.Hint
	}
	return "look at the control groups (/sys/fs/cgroup)"
}

// notBounded says what holds instead.
func notBounded(controller string, err error) string {
	if controller == cgroup.Memory {
		return "each process alone is held to it (RLIMIT_DATA: its own writable memory); all of them together are not: " + err.Error()
	}
	return "not enforced: " + err.Error()
}

// limit is one of the policy's limits.
type limit struct {
	controller, mechanism, words string
	value                        int64
	from                         policy.Origin
}

func limitsOf(r policy.Resources) []limit {
	return []limit{
		{cgroup.Memory, memoryLimit, "memory of " + policy.SizeText(r.Memory), r.Memory, r.MemoryFrom},
		{cgroup.PIDs, processLimit, strconv.FormatInt(r.PIDs, 10) + " processes", r.PIDs, r.PIDsFrom},
		{cgroup.CPU, processorLimit, policy.CPUText(r.CPU) + " cores", r.CPU, r.CPUFrom},
	}
}

// countedAlone reports whether RLIMIT_NPROC bounds a cage. Since Linux 5.14 it
// counts the processes that a user has in one user namespace, and every cage
// has its own; but the kernel never holds the machine's root to it.
func countedAlone() bool {
	return os.Getuid() != 0 && kernelAtLeast(5, 14)
}

func kernelAtLeast(major, minor int) bool {
	var a, b int
	if _, err := fmt.Sscanf(kernelRelease(), "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}

// take bounds the command's process while its first execve is held: it has one
// thread and has run nothing of the agent's. init is the cage's first process.
func (b *bounds) take(pid, init int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.group != nil {
		if err := b.group.Take(pid); err != nil {
			b.failed = err
			return err
		}
		if !b.group.Holds(pid) || !b.group.Holds(init) {
			b.failed = errors.New("the command is not in its control group")
			return b.failed
		}
	}
	err := b.rlimits(pid, init)
	if err != nil {
		b.failed = err
	}
	return err
}

func (b *bounds) rlimits(pid, init int) error {
	if err := spareDescriptors(pid); err != nil {
		return fmt.Errorf("limit open files: %w", err)
	}
	if most := b.wanted.PIDs; most != 0 && (b.group == nil || !b.group.Has(cgroup.PIDs)) && b.alone {
		if !ownUserNamespace(pid) {
			return errors.New("limit processes: the cage has no user namespace of its own to count them in")
		}
		own, err := threadsOf(init)
		if err != nil {
			return err
		}
		// The count of the namespace holds the cage's first process, too.
		if err := setLimit(pid, unix.RLIMIT_NPROC, uint64(most)+own); err != nil {
			return fmt.Errorf("limit processes: %w", err)
		}
	}
	if size := b.wanted.Memory; size != 0 && (b.group == nil || !b.group.Has(cgroup.Memory)) {
		if err := setLimit(pid, unix.RLIMIT_DATA, uint64(size)); err != nil {
			return fmt.Errorf("limit memory: %w", err)
		}
	}
	return nil
}

// setLimit lowers a limit of another process of this user, for good.
func setLimit(pid, resource int, value uint64) error {
	var was, is unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &was); err != nil {
		return err
	}
	value = min(value, was.Max)
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil); err != nil {
		return err
	}
	if err := unix.Prlimit(pid, resource, nil, &is); err != nil {
		return err
	}
	if is.Cur != value || is.Max != value {
		return fmt.Errorf("it is %d after %d was set", is.Cur, value)
	}
	return nil
}

// spareDescriptors leaves something of what the kernel keeps for all programs of a
// user together. It counts their descriptors that are on the way in a socket's queue,
// and compares that with the limit of open files of who sends one (unix(7),
// ETOOMANYREFS): with the same limit as this program an agent could see to it that none
// of the user's programs can pass one on, and no other cage be made.
func spareDescriptors(pid int) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return err
	}
	limit.Max -= limit.Max / 8
	limit.Cur = min(limit.Cur, limit.Max)
	return unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil)
}

func ownUserNamespace(pid int) bool {
	ours, err1 := os.Readlink("/proc/self/ns/user")
	theirs, err2 := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user")
	return err1 == nil && err2 == nil && ours != theirs
}

func threadsOf(pid int) (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Threads:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		}
	}
	return 0, fmt.Errorf("the kernel does not say how many threads process %d has", pid)
}

// mechanisms says what is enforced, once the command has been taken.
func (b *bounds) mechanisms() ([]Mechanism, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed != nil {
		return nil, b.failed
	}
	list := append([]Mechanism(nil), b.without...)
	for _, limit := range limitsOf(b.wanted) {
		m := Mechanism{Name: limit.mechanism, Enforced: true, Purpose: purposeOfLimit(limit.mechanism)}
		switch {
		case limit.value == 0:
			continue
		case b.group != nil && b.group.Has(limit.controller):
			m.Detail = limit.words + ", by control group; the command was found in it"
		case limit.controller == cgroup.PIDs && b.alone:
			m.Detail = limit.words + ", counted in the cage's user namespace (RLIMIT_NPROC); a refused one is not reported"
		default:
			continue
		}
		list = append(list, m)
	}
	return list, nil
}

func purposeOfLimit(name string) string {
	return map[string]string{
		memoryLimit:    "a run cannot use up the machine's memory",
		processLimit:   "a run cannot fill the machine with processes",
		processorLimit: "a run leaves processor time to others",
	}[name]
}

// update puts changed limits into force.
func (b *bounds) update(change *Change, next policy.Resources) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := limitsOf(b.wanted)
	b.wanted = next
	var set error
	tried := false
	for i, limit := range limitsOf(next) {
		if limit.value == before[i].value {
			continue
		}
		words := "limits: " + limit.words
		if limit.value == 0 {
			words = "limits: no " + limit.mechanism
		}
		if b.group == nil || !b.group.Has(limit.controller) {
			change.NeedsRun = append(change.NeedsRun, words)
			continue
		}
		if !tried {
			set, tried = b.group.Set(b.forGroup(next)), true
		}
		if set != nil {
			change.NeedsRun = append(change.NeedsRun, words+": "+set.Error())
			continue
		}
		change.Applied = append(change.Applied, words)
	}
}

// kill ends every process of the run, in addition to the end of its namespace.
func (b *bounds) kill() {
	if b.group != nil {
		_ = b.group.Kill() // kernels before 5.14 cannot; the namespace's end is enough
	}
}

// close removes the group; all that was refused has then been told.
func (b *bounds) close() {
	if b.group != nil {
		_ = b.group.Remove() // what stays, because the kernel keeps it busy, the next run removes
	}
}

// start is where the stage is born.
func (b *bounds) cgroupFD() (fd int, ok bool) {
	if b.group == nil {
		return -1, false
	}
	return b.group.FD(), true
}

// watch reports what the limits refuse.
func (b *bounds) watch(tell func(cgroup.Event)) error {
	if b.group == nil {
		return nil
	}
	return b.group.Watch(tell)
}

// atBound reports that a limit was met.
func (j *judge) atBound(event cgroup.Event) {
	r := j.policy.Load().Resources
	decision := policy.Decision{Rule: "limits: pids " + strconv.FormatInt(r.PIDs, 10), Origin: r.PIDsFrom}
	operation, target := "fork", "a process or thread"
	if event.Controller == cgroup.Memory {
		decision = policy.Decision{Rule: "limits: memory " + policy.SizeText(r.Memory), Origin: r.MemoryFrom}
		operation, target = "allocate", "memory; the kernel ended the run"
	}
	d := j.denial(0, policy.ClassLimit, operation, target, "limit", decision)
	d.Count = event.Count
	j.process.reporter.add(d)
}

// probeLimits says which limits could be enforced here.
func probeLimits() []Mechanism {
	place, err := cgroup.Find()
	var list []Mechanism
	for _, limit := range limitsOf(policy.Resources{}) {
		m := Mechanism{Name: limit.mechanism, Purpose: purposeOfLimit(limit.mechanism)}
		switch {
		case err == nil && place.Has(limit.controller):
			m.Enforced, m.Detail = true, "by a control group below "+place.Path()
		case limit.controller == cgroup.PIDs && countedAlone():
			m.Enforced, m.Detail = true, "counted in the cage's user namespace (RLIMIT_NPROC)"
		case err != nil:
			m.Detail, m.Fix = err.Error(), fixOf(err)
		default:
			m.Detail, m.Fix = place.Path()+" does not have the controller", cgroup.Delegation(limit.controller)
		}
		list = append(list, m)
	}
	return list
}
