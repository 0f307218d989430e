package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"openclaw/sandbox/linux/cgroup"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/network"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

// Cage starts commands in cages. It is safe for concurrent use and holds
// nothing that must be closed, but see Prepare.
type Cage struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the machine's own resolver
	way    network.Way                                                  // of the network; empty: whichever works

	looks       time.Duration // see lookWindow
	watches     int           // folders that are watched for denied patterns; 0: see watchLimit
	landlock    int           // see UpToLandlock
	onlyReduced bool          // see OnlyReduced
	probing     *sync.Once    // of full
	full        *error        // why the full cage cannot be had; nil when it can

	ready *ready // see Prepare

	groups    func() (*cgroup.Place, error) // nil: where there are the controllers of limits
	divideAll bool                          // also the runs that need no control group
}

// New looks at what can be told without building a cage. What a policy needs is
// proven inside each cage before its command starts; Probe does the same for a
// cage without a command.
func New(ctx context.Context) (*Cage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Cage{looks: lookWindow, probing: new(sync.Once), full: new(error), ready: new(ready)}, nil
}

// OnlyReduced returns a cage that starts commands in the reduced mode only, as
// on a machine that refuses namespaces, whatever this machine has: to test that
// mode, or to see what it would be like. A policy must say `enforce: reduced`
// all the same; every other one is refused.
func (c *Cage) OnlyReduced() *Cage {
	reduced := *c
	reduced.onlyReduced = true
	return &reduced
}

// UpToLandlock returns a cage that uses no newer version of Landlock than the
// one given, as on a kernel that has no newer: to test what holds there.
func (c *Cage) UpToLandlock(version int) *Cage {
	older := *c
	older.landlock, older.ready = version, new(ready)
	return &older
}

// reducedBecause says why a policy gets the reduced mode; nil: it gets the full
// cage. Only where the policy accepts it is the full cage tried out first, once.
func (c *Cage) reducedBecause(ctx context.Context, p *policy.Policy) error {
	switch {
	case c.onlyReduced && p.Enforce != policy.EnforceReduced:
		return &Error{
			Op: "read policy", Kind: KindPolicy, Err: errors.New("it does not accept the reduced mode, and nothing else is asked for"),
			Hint: "write `enforce: reduced` for this agent",
		}
	case c.onlyReduced:
		return errors.New("nothing else was asked for")
	case p.Enforce != policy.EnforceReduced:
		return nil
	}
	c.probing.Do(func() {
		if _, err := c.prove(context.WithoutCancel(ctx)); err != nil {
			*c.full = err
		}
	})
	return *c.full
}

// Start builds a cage, proves inside it that it holds, and starts the command.
// It returns once the command's program has been loaded. A refusal is an
// *Error, and then nothing was run. When ctx ends, so does the cage.
func (c *Cage) Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := check(&spec); err != nil {
		return nil, err
	}
	if why := c.reducedBecause(ctx, spec.Policy); why != nil {
		if refused, ok := errors.AsType[*Error](why); ok && refused.Kind == KindPolicy {
			return nil, why
		}
		p, err := launchReduced(ctx, c, spec, why)
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	if err := deviceForGate(); err != nil {
		return nil, orReduced(err, spec.Policy)
	}
	p, planned, err := c.plan(&spec)
	if err != nil {
		return nil, err
	}
	if err := p.launch(ctx, planned); err != nil {
		return nil, orReduced(err, spec.Policy)
	}
	return p, nil
}

// orReduced names the weaker mode to whom the full cage is refused, where this machine has
// it and it can hold the policy.
func orReduced(err error, p *policy.Policy) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Kind != KindMissing || p.Enforce == policy.EnforceReduced || CheckReduced(p) != nil {
		return err
	}
	ruleset, missing := harden.NewRuleset()
	if missing != nil {
		return err
	}
	ruleset.Close()
	named := *refused
	named.Hint = joinHints(refused.Hint, "or have less, which `openclaw doctor` lists, by `enforce: reduced` in this agent's permissions")
	return &named
}

// planned is what a cage will hold.
type planned struct {
	mounts  *mounts.Plan
	program string // the command's, a path inside
	dir     string // that it starts in
}

// plan has the first process begun, which waits for launch, and works out meanwhile
// what it is to build.
func (c *Cage) plan(spec *Spec) (*Process, planned, error) {
	p, err := c.stageFor(spec)
	if err != nil {
		return nil, planned{}, err
	}
	made, err := mounts.Make(spec.Policy)
	if err != nil {
		p.abandon()
		return nil, planned{}, planError(err)
	}
	v := view{native: func(real string) bool { return made.Regions.Of(real).Native() }}
	dir := v.dir(spec)
	program, err := v.program(spec, dir)
	if err != nil {
		p.abandon()
		return nil, planned{}, err
	}
	return p, planned{made, program, dir}, nil
}

// deviceForGate tells what is missing before anything is built.
func deviceForGate() error {
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return &Error{Op: "open /dev/fuse", Kind: KindMissing, Err: errors.Unwrap(err), Hint: fixFor("gate")}
	}
	_ = device.Close()
	return nil
}

func planError(err error) error {
	e := &Error{Op: "plan mounts", Kind: KindPolicy, Err: err}
	switch {
	case errors.Is(err, mounts.ErrTooLarge):
		e.Hint = "allow a smaller folder, or write denied_paths without **"
	case errors.Is(err, mounts.ErrOtherNames):
		e.Hint = "keep the folder on a disk of Linux's own, or allow the folders beside what is denied one by one"
	case errors.Is(err, mounts.ErrPlanted):
		e.Hint = "write the workspace as the folder that the link leads to, if that is meant"
	}
	return e
}

// setupFor is what the stage is told.
func setupFor(spec *Spec, what planned) stage.Setup {
	plan := what.mounts
	setup := stage.Setup{
		UID: os.Getuid(), GID: os.Getgid(), Steps: plan.Steps,
		Gateway: spec.Gateway, Outbound: spec.Policy.Network.Outbound, Forward: forwards(spec.Policy),
		MaxFileSize: spec.Policy.MaxFileSize, Nested: spec.Policy.Nested,
	}
	setup.Resolver = "nameserver " + resolverAddress + "\noptions timeout:2 attempts:2\n"
	setup.Program, setup.Dir = what.program, what.dir
	setup.Arguments, setup.Environment = spec.Command, environment(spec, plan)
	for _, step := range plan.Steps {
		switch name := step.Path + "/" + probeName(); {
		case step.File:
		case step.Do == mounts.Mask && setup.GateProbe == "":
			setup.GateProbe = name
		case step.Do == mounts.Bind && !step.Write && setup.CallProbe == "":
			setup.CallProbe = name // a name: its folder may be gone by then
		}
	}
	return setup
}

// environment is what was given. Where a folder is bound into one that the gate
// serves, git would take the place for the end of the repository's file system;
// this variable (git(1)) makes it look on.
func environment(spec *Spec, plan *mounts.Plan) []string {
	const across = "GIT_DISCOVERY_ACROSS_FILESYSTEM"
	served := slices.ContainsFunc(plan.Steps, func(s mounts.Step) bool { return s.Do == mounts.Level && s.Write })
	if !served || lookupEnv(spec.Env, across) != "" {
		return spec.Env
	}
	return append(slices.Clip(spec.Env), across+"=1")
}

// opRightless is what fails where namespaces are made and then refused every
// use, as AppArmor does on Ubuntu.
const opRightless = "use namespaces"

// fromStage turns the stage's reason into ours.
func fromStage(failed stage.Failed, spec *Spec) error {
	e := &Error{Op: failed.Op, Err: errors.New(failed.Error), Hint: failed.Hint}
	errno := syscall.Errno(failed.Errno)
	switch {
	case failed.Command:
		return startFailed(errno, spec.Command[0])
	case errno == syscall.EPERM && (failed.Op == "build network" || failed.Op == "build mounts"):
		e.Op, e.Kind, e.Hint = opRightless, KindMissing, fixFor("user namespace")
		e.Err = fmt.Errorf("%s: %s: a namespace can be made, but gives no rights", failed.Op, failed.Error)
	case errno == syscall.EMFILE || errno == syscall.ENFILE:
		e.Hint = filesHint
	case failed.Missing:
		e.Kind = KindMissing
		if e.Hint == "" {
			e.Hint = fixFor("user namespace")
		}
	case errno == syscall.ENOSYS:
		e.Kind, e.Hint = KindMissing, filteredHint
	}
	return e
}

// filteredHint is what to do about a call that is not there: every one of them is older
// than what a cage needs of Landlock.
const filteredHint = "use a kernel of 5.19 or later; where it is one, the call filter of a container or a service refuses the call: have it allow it"
