//go:build linux

package mounts

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// Action is what a step of a plan does.
type Action string

// The actions. Folder and Link make something on the cage's own root. Bind
// puts the host's file or folder in its place. Mask puts the gate there. Level
// does both, the gate on top: it serves the folder, and init can bind what lies
// in it. NoExec keeps what lies in a folder of the cage's own from being executed
// or mapped for execution.
const (
	Folder Action = "folder"
	Link   Action = "link"
	Bind   Action = "bind"
	Mask   Action = "mask"
	Level  Action = "level"
	NoExec Action = "noexec"
)

// Step is one thing to do inside the new root, in the order of the list.
type Step struct {
	Do     Action
	Path   string
	Target string // of Link
	Write  bool   // of Bind
	NoExec bool
	File   bool // it is not a folder
	Make   bool // the place is in the cage's own memory and has to be made

	// Optional says that the gate serves the place as well: a Bind that is left out
	// when its folder is gone by then. Other programs come and go in what is allowed.
	Optional bool
}

// Plan is the file system of one cage.
type Plan struct {
	Steps    []Step
	Policy   *policy.Policy    // the policy with every name that its rules' paths have
	Regions  *Regions          // for who judges calls from outside
	Fixed    map[string]string // names that the gate always shows: "" a folder, "." a file, else a link's text
	Held     []string          // folders that the gate serves and that something is mounted on
	Watched  []string          // folders below which a file may come to match a denied pattern
	Found    []policy.PathRule // denied because of what was found on the host; part of Policy
	Unmet    []policy.Unmet    // rules that are not carried out as they are written
	Warnings []string          // those in words, and what else to tell the person

	missing map[string]bool // what a rule denies that is not there
}

type planner struct {
	plan    *Plan
	policy  *policy.Policy
	noExec  bool
	modes   map[string]fs.FileMode // of boundaries that exist
	builtIn map[string]bool        // boundaries that only the program's own rules name
	links   map[string]string
	lookups *lookups
	aliases []alias
	starts  []string // folders that a pattern with ** begins in
	seen    int
	finder  *finder
	copied  map[string]bool // folders in which copies has looked
	named   int             // of the names that byName has looked at
}

// Make plans the file system for a policy. It changes nothing on the host.
func Make(p *policy.Policy) (*Plan, error) {
	finder, err := newFinder()
	if err != nil {
		return nil, err
	}
	pl := &planner{
		plan:    &Plan{Regions: &Regions{at: map[string]Region{"/": Gate}}, Fixed: map[string]string{}, missing: map[string]bool{}},
		noExec:  !p.Exec.Commands,
		modes:   map[string]fs.FileMode{},
		builtIn: map[string]bool{},
		links:   map[string]string{},
		lookups: newLookups(),
		finder:  finder,
		copied:  map[string]bool{},
	}
	onlyRoots := lookForClosed()
	if err := pl.collect(p); err != nil {
		return nil, err
	}
	if err := pl.deniedElsewhere(); err != nil {
		return nil, err
	}
	if err := pl.byName(); err != nil {
		return nil, err
	}
	if err := pl.patterns(); err != nil {
		return nil, err
	}
	pl.rootOnly(onlyRoots())
	if err := pl.top(); err != nil {
		return nil, err
	}
	pl.serve()
	pl.lay()
	pl.bindLevels()
	pl.fix()
	pl.plan.Policy = pl.policy
	return pl.plan, nil
}

// Preview says what a policy would open, without laying anything out: only
// Policy and Regions of the plan are set, and patterns are not expanded.
func Preview(p *policy.Policy) (*Plan, error) {
	pl := &planner{
		plan:  &Plan{Regions: &Regions{at: map[string]Region{"/": Gate}}, missing: map[string]bool{}},
		modes: map[string]fs.FileMode{}, builtIn: map[string]bool{}, links: map[string]string{}, lookups: newLookups(),
	}
	if err := pl.collect(p); err != nil {
		return nil, err
	}
	at, index := pl.plan.Regions.at, pl.policy.Index()
	for name := range at {
		at[name] = judge(pl.policy, index, name)
	}
	for _, name := range privateRoots() {
		at[name] = Private
	}
	at["/"] = Gate
	pl.plan.Policy = pl.policy
	return pl.plan, nil
}

// collect resolves every rule and adds each name of it to the policy, so that
// a decision about the real path is the decision about the written one.
func (pl *planner) collect(p *policy.Policy) error {
	planted, err := pl.lookups.findPlanted(p)
	if err != nil {
		return err
	}
	whole := *p
	whole.Paths = slices.Grow(slices.Clone(p.Paths), len(p.Paths)/2)
	for i, rule := range p.Paths {
		if rule.Glob {
			same, ok, err := pl.lookups.patternElsewhere(rule)
			if err != nil {
				return err
			}
			if ok {
				whole.Paths = append(whole.Paths, same)
			}
			continue
		}
		place, err := pl.lookups.resolve(rule.Path)
		if err != nil {
			return err
		}
		if rule.Effect != policy.Allow && !place.exists {
			pl.plan.missing[rule.Path], pl.plan.missing[place.real] = true, true
		}
		switch way, ok := planted[i]; {
		case !ok:
		case rule.Effect == policy.Allow && rule.Path == p.Workspace:
			return fmt.Errorf("workspace %s: %w: %s is a link that %s can change", rule.Path, ErrPlanted, way.path, policy.WhoChanges(p.Agent, way.agents))
		default:
			pl.unmet(policy.UnmetByLink(&rule, way.path, p.Agent, way.agents))
			if rule.Effect == policy.Allow {
				continue
			}
		}
		for _, l := range place.links {
			pl.links[l.path] = l.target
		}
		var excepts []string
		for _, name := range rule.Except {
			except, err := pl.lookups.resolve(name)
			if err != nil {
				return err
			}
			for _, l := range except.links {
				pl.links[l.path] = l.target
			}
			excepts = append(excepts, name)
			if except.real != name {
				excepts = append(excepts, except.real)
			}
			pl.boundary(except.real, rule, except)
		}
		if rule.Effect == policy.Allow && !rule.System && place.exists && place.real != rule.Path {
			pl.aliases = append(pl.aliases, alias{real: place.real, named: rule.Path})
		}
		names := []string{place.real}
		if rule.Effect != policy.Allow && place.named != place.real {
			names = append(names, place.named)
		}
		for _, name := range names {
			if name != rule.Path || len(excepts) != len(rule.Except) {
				same := rule
				same.Path, same.Except = name, excepts
				whole.Paths = append(whole.Paths, same)
			}
			if name == place.real {
				pl.boundary(name, rule, place)
			} else {
				pl.boundary(name, rule, resolved{exists: true, mode: fs.ModeSymlink})
			}
		}
		// What nobody wrote nobody misses: of the files that shells start by, most exist nowhere.
		switch own := rule.Effect == policy.Allow && rule.Origin.BuiltIn == ""; {
		case own && slices.Contains(privateRoots(), place.real):
			pl.unmet(policy.Unmet{Path: rule.Path, Kind: policy.UnmetOwn, Reason: rule.Path + " is the cage's own and stays so", Cure: "allow what is meant below it", Origin: rule.Origin})
		case own && !place.exists:
			pl.unmet(policy.Unmet{Path: rule.Path, Kind: policy.UnmetMissing, Reason: rule.Path + " does not exist", Cure: "it is opened when it does, at the latest to the next run", Origin: rule.Origin})
		}
	}
	pl.policy = &whole
	return nil
}

func (pl *planner) boundary(name string, rule policy.PathRule, place resolved) {
	own := rule.Origin.BuiltIn == "" || rule.Effect == policy.Allow
	if was, ok := pl.builtIn[name]; !ok || was {
		pl.builtIn[name] = !own
	}
	if place.exists {
		pl.modes[name] = place.mode
	}
	pl.plan.Regions.at[name] = Gate // judged once all names are known
}

// top makes every name in the host's root a boundary, so that the new root
// holds nothing but them.
func (pl *planner) top() error {
	entries, err := os.ReadDir("/")
	if err != nil {
		return fmt.Errorf("read root: %w", err)
	}
	at, index := pl.plan.Regions.at, pl.policy.Index()
	for name := range at {
		at[name] = judge(pl.policy, index, name)
	}
	for _, entry := range entries {
		name := "/" + entry.Name()
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(name)
			if err != nil {
				return fmt.Errorf("read link: %w", err)
			}
			delete(at, name)
			pl.step(Step{Do: Link, Path: name, Target: target})
			continue
		}
		pl.modes[name] = entry.Type()
		at[name] = judge(pl.policy, index, name)
	}
	for _, name := range privateRoots() {
		at[name] = Private
	}
	at["/"] = Gate
	return nil
}

// lay turns regions into steps, from the root down.
func (pl *planner) lay() {
	regions := pl.plan.Regions
	order := make([]string, 0, len(regions.at))
	for name := range regions.at {
		order = append(order, name)
	}
	slices.SortFunc(order, func(a, b string) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range order {
		region, around := regions.at[name], regions.above(name)
		mode, exists := pl.modes[name]
		top := depth(name) == 1
		served := name != "/" && regions.Served(parent(name)) // the gate stands there already
		bind := Step{
			Do: Bind, Path: name, Write: region == Write, File: !mode.IsDir(),
			Make: top || around == Private, NoExec: region == Write && pl.noExec, Optional: served,
		}
		switch {
		case name == "/" || region == Private:
		case top && !exists:
		case top && region == Gate:
			if mode.IsDir() || mode.IsRegular() {
				pl.step(Step{Do: Mask, Path: name, File: !mode.IsDir(), Make: true})
			}
		case region == Gate && !around.Native() || region == Gate && served:
		case region == Gate && exists:
			pl.step(Step{Do: Mask, Path: name, File: !mode.IsDir()})
		case region == Gate:
			delete(regions.at, name) // the system's, and the program's own rule
		case served && (!exists || !mode.IsDir() || regions.Served(name)):
		case !exists:
			delete(regions.at, name)
		case regions.Served(name) && mode.IsDir():
			bind.Do = Level
			pl.step(bind)
		case region != around || served:
			pl.step(bind)
		}
	}
	if pl.noExec {
		for _, name := range []string{"/tmp", "/dev/shm", "/run"} {
			pl.step(Step{Do: NoExec, Path: name})
		}
	}
}

func (pl *planner) step(s Step) { pl.plan.Steps = append(pl.plan.Steps, s) }

func (pl *planner) unmet(u policy.Unmet) {
	pl.plan.Unmet = append(pl.plan.Unmet, u)
	pl.warn("%s", u.String())
}

func (pl *planner) warn(format string, args ...any) {
	pl.plan.Warnings = append(pl.plan.Warnings, fmt.Sprintf(format, args...))
}

// fix lists what the gate must always show: every ancestor of a place that
// something is bound to, and the links that the policy's own paths go through.
func (pl *planner) fix() {
	fixed := pl.plan.Fixed
	for _, s := range pl.plan.Steps {
		name := s.Path
		if s.Do == Mask && depth(name) == 1 { // listed with the root, so looked at by whoever lists it
			fixed[name] = ""
			if s.File {
				fixed[name] = "."
			}
		}
		if s.Do == Level || s.Optional {
			pl.plan.Held = append(pl.plan.Held, name)
		}
		if s.Do != Bind && s.Do != Level || pl.plan.Regions.above(name) != Gate {
			continue
		}
		switch {
		case s.Do == Level:
		case s.File:
			fixed[name] = "."
		default:
			fixed[name] = ""
		}
		for at := parent(name); at != "/" && pl.plan.Regions.Of(at) == Gate; at = parent(at) {
			fixed[at] = ""
		}
	}
	for name, target := range pl.links {
		if pl.plan.Regions.Of(name) != Gate || pl.denied(name) {
			continue
		}
		fixed[name] = target
		for at := parent(name); at != "/" && pl.plan.Regions.Of(at) == Gate; at = parent(at) {
			if _, ok := fixed[at]; !ok {
				fixed[at] = ""
			}
		}
	}
}

// denied reports whether a rule names the link itself: then it is no way to
// an allowed path.
func (pl *planner) denied(name string) bool {
	for i := range pl.policy.Paths {
		rule := &pl.policy.Paths[i]
		if rule.Effect != policy.Allow && !rule.Glob && rule.Path == name {
			return true
		}
	}
	return false
}
