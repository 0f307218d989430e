package darwin

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"openclaw/sandbox/policy"
)

// Options is what a profile needs beside the policy.
type Options struct {
	// Run is the run's name in the tags: at most 128 letters, digits, dots,
	// dashes and underscores.
	Run string

	// Program is the physical path of the command's program, and Interpreters
	// those that the first line of a script names. Under `execute_commands:
	// false` nothing else runs.
	Program      string
	Interpreters []string

	// Supervisor is the physical path of the program that tests the cage from
	// inside and then becomes the command.
	Supervisor string

	// Temp is the run's own folder for temporary files: physical, writable.
	Temp string

	// Terminal is the device of the run's own terminal, or empty.
	Terminal string

	// Ports are the ports of the machine's loopback that may be connected to:
	// the proxy, the gateway's endpoint, and what allowed_ips names there.
	Ports []uint16

	// Resolve finds where a path leads: its physical name, and the links on the
	// way. Nil: Physical, and no links.
	Resolve func(name string) (physical string, links []string)

	// Denied are paths inside allowed ones that exist and that the policy
	// denies, physical: what its patterns match now.
	Denied []string

	// FoldCase denies a path in either case of its letters, as file systems
	// that ignore case need.
	FoldCase bool
}

// Profile writes the Seatbelt profile of a run. An error means that the policy
// cannot be said in a profile; then there is none.
func Profile(p *policy.Policy, o Options) (string, error) {
	if p == nil {
		return "", errors.New("write profile: there is no policy")
	}
	if err := checkRun(o.Run); err != nil {
		return "", fmt.Errorf("write profile: %w", err)
	}
	for _, name := range append([]string{o.Program, o.Supervisor, o.Temp, o.Terminal}, slices.Concat(o.Interpreters, o.Denied)...) {
		if name != "" && !cleanPath(name) {
			return "", fmt.Errorf("write profile: %q is not an absolute path", name)
		}
	}
	w := &writer{policy: p, o: o}
	if w.o.Resolve == nil {
		w.o.Resolve = func(name string) (string, []string) { return Physical(name), nil }
	}
	if err := w.place(); err != nil {
		return "", fmt.Errorf("write profile: %w", err)
	}
	w.base()
	w.allowed()
	w.network()
	if err := w.denied(); err != nil {
		return "", fmt.Errorf("write profile: %w", err)
	}
	if err := w.pins(); err != nil {
		return "", fmt.Errorf("write profile: %w", err)
	}
	w.programs()
	w.ways()
	return w.text.String(), nil
}

// placed is a rule of the policy at its physical place.
type placed struct {
	index int
	rule  *policy.PathRule
	path  string // physical; of a pattern, up to where it stops to be one name
	links []string
	but   []string // physical places of Except
}

type writer struct {
	policy *policy.Policy
	o      Options
	text   strings.Builder
	allow  []placed
	deny   []placed
}

// place finds the physical place of every rule, and the order of the rules.
func (w *writer) place() error {
	for i := range w.policy.Paths {
		rule := &w.policy.Paths[i]
		if !cleanPath(rule.Path) {
			return fmt.Errorf("rule %d: %q is not an absolute path", i, rule.Path)
		}
		at := placed{index: i, rule: rule}
		if rule.Glob {
			at.path, at.links = resolvePattern(rule.Path, w.o.Resolve)
		} else {
			at.path, at.links = w.o.Resolve(rule.Path)
		}
		if !cleanPath(at.path) || slices.ContainsFunc(at.links, func(link string) bool { return !cleanPath(link) }) {
			return fmt.Errorf("rule %d: %q leads to no absolute path", i, rule.Path)
		}
		for _, but := range rule.Except {
			if !cleanPath(but) {
				return fmt.Errorf("rule %d: %q is not an absolute path", i, but)
			}
			physical, _ := w.o.Resolve(but)
			if !cleanPath(physical) {
				return fmt.Errorf("rule %d: %q leads to no absolute path", i, but)
			}
			at.but = append(at.but, physical)
		}
		switch {
		case rule.Effect != policy.Allow:
			w.deny = append(w.deny, at)
		case rule.Glob:
			return fmt.Errorf("rule %d: a pattern cannot allow", i)
		case !foreign(rule):
			w.allow = append(w.allow, at)
		}
	}
	// The last that matches speaks: the deeper after the higher, and of two for
	// one place the lesser.
	slices.SortStableFunc(w.allow, func(a, b placed) int {
		if d := len(a.path) - len(b.path); d != 0 || a.path != b.path {
			return d
		}
		return strings.Compare(string(b.rule.Access), string(a.rule.Access)) // write, then read
	})
	// Every denial holds; the order is for the name of the one that spoke.
	slices.SortStableFunc(w.deny, func(a, b placed) int {
		if own := order(a.rule) - order(b.rule); own != 0 {
			return own
		}
		return len(a.rule.Path) - len(b.rule.Path)
	})
	return nil
}

func order(rule *policy.PathRule) int {
	if rule.Origin.BuiltIn != "" {
		return 0
	}
	return 1
}

// foreign reports whether a system folder is one that macOS does not have, or
// does not have as the policy means it.
func foreign(rule *policy.PathRule) bool {
	if !rule.System {
		return false
	}
	for _, folder := range []string{"/proc", "/dev/shm", "/dev/pts", "/dev/ptmx", "/dev/full", "/lib", "/lib32", "/lib64", "/libx32", "/tmp"} {
		if under(rule.Path, folder) {
			return true
		}
	}
	return false
}

// rule writes one rule: an effect, operations, filters of which one must
// match, and a tag if there is one.
func (w *writer) rule(effect, operations string, filters []string, tag string) {
	w.text.WriteString("(" + effect + " " + operations)
	for _, filter := range filters {
		w.text.WriteString("\n  " + filter)
	}
	if tag != "" {
		w.text.WriteString("\n  " + w.message(tag))
	}
	w.text.WriteString(")\n")
}

func (w *writer) message(tag string) string {
	return "(with message " + quote(Tag{w.o.Run, tag}.String()) + ")"
}

func (w *writer) section(title string) { w.text.WriteString("\n; " + title + "\n") }

func literal(name string) string { return "(literal " + quote(name) + ")" }
func subpath(name string) string { return "(subpath " + quote(name) + ")" }
func regex(expr string) string   { return "(regex " + quote(expr) + ")" }

func all[T ~[]string](filter func(string) string, names T) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, filter(name))
	}
	return list
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func indexTag(index int) string { return strconv.Itoa(index) }

// cleanPath reports whether a path is absolute, clean and free of NUL.
func cleanPath(name string) bool {
	return name != "" && name[0] == '/' && strings.IndexByte(name, 0) < 0 && path.Clean(name) == name
}
