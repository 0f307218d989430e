package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// access is what a reduced cage opens natively at a path.
type access int

const (
	accessNone access = iota
	accessRead
	accessWrite
)

// reach is what Landlock opens in a reduced cage. It is immutable once made.
type reach struct {
	at    map[string]access // a path, and all below it
	files map[fileID]access // standard descriptors, opened again by a name
	rules int
}

type fileID struct{ device, inode uint64 }

// of returns what is open at a path with no symbolic link in it. Where rules
// overlap the greater counts, as for the kernel.
func (r *reach) of(name string) access {
	found := accessNone
	for {
		found = max(found, r.at[name])
		if name == "/" || name == "" || name == "." {
			return found
		}
		name = path.Dir(name)
	}
}

// maxRules bounds what is laid out one by one beside a denied path in a system
// folder. 5,000 rules take the kernel about a tenth of a second.
const maxRules = 5000

// reachPlanner turns a policy into rules of a Landlock ruleset. Landlock cannot
// deny inside what it allows, so a policy that needs that of the person's own
// folders is refused. In the system's folders, which no agent can change, what
// lies beside the denied path is opened entry by entry; then the folders above
// it cannot be listed, and what is made in them later is not there.
type reachPlanner struct {
	policy   *policy.Policy
	ruleset  *harden.Ruleset
	reach    *reach
	names    []string // of every rule, with no link in them
	warnings []string
}

func planReach(p *policy.Policy, ruleset *harden.Ruleset) (*reach, []string, error) {
	pl := &reachPlanner{policy: p, ruleset: ruleset, reach: &reach{at: map[string]access{}, files: map[fileID]access{}}}
	for i := range p.Paths {
		if rule := &p.Paths[i]; !rule.Glob {
			pl.names = append(pl.names, rule.Path)
			pl.names = append(pl.names, rule.Except...)
		}
	}
	slices.Sort(pl.names)
	pl.names = slices.Compact(pl.names)
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect != policy.Allow || rule.Glob || rule.System && notShared(rule.Path) {
			continue
		}
		if err := pl.allow(rule); err != nil {
			return nil, nil, err
		}
	}
	return pl.reach, pl.warnings, nil
}

// CheckReduced says why the reduced mode cannot hold a policy on this machine,
// or nil. It changes nothing.
func CheckReduced(p *policy.Policy) error {
	plan, err := mounts.Names(p)
	if err != nil {
		return planError(err)
	}
	_, _, err = planReach(plan.Policy, nil)
	return err
}

// terminals is where the machine has the pseudo-terminals of all.
const terminals = "/dev/pts"

// notShared reports whether a system folder is one that a full cage has of its
// own. Of the host's, only the devices that hold nothing are opened.
func notShared(name string) bool {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty":
		return false
	}
	return within(name, "/proc") || within(name, "/dev") || within(name, "/tmp")
}

func within(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

// decided is what the policy gives a path.
func decided(p *policy.Policy, name string) access {
	switch {
	case p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect != policy.Allow:
		return accessNone
	case p.Decide(policy.Request{Class: policy.ClassPathWrite, Path: name}).Effect != policy.Allow:
		return accessRead
	}
	return accessWrite
}

func (pl *reachPlanner) allow(rule *policy.PathRule) error {
	name := rule.Path
	given := decided(pl.policy, name)
	real, err := filepath.EvalSymlinks(name)
	if given == accessNone || err != nil || real != name { // a link's target has a rule of its own
		return nil //nolint:nilerr // what is not there cannot be opened; the plan warns of it
	}
	if !rule.System && (within(terminals, name) || within(name, terminals)) {
		return cannotDeny(rule, "a run has a terminal of its own, and no other", "the person's terminals lie")
	}
	var lesser []string
	for _, other := range pl.names {
		if other != name && within(other, name) && decided(pl.policy, other) < given {
			lesser = append(lesser, other)
		}
	}
	for i := range pl.policy.Paths {
		glob := &pl.policy.Paths[i]
		if fixed := fixedPart(glob.Path); glob.Glob && (within(fixed, name) || within(name, fixed)) {
			return cannotDeny(rule, glob.Text, "a pattern may match")
		}
	}
	if len(lesser) == 0 {
		return pl.add(name, given)
	}
	if !rule.System {
		what := pl.policy.Decide(policy.Request{Class: policy.ClassPathWrite, Path: lesser[0]})
		return cannotDeny(rule, what.Rule, lesser[0]+" lies")
	}
	return pl.beside(name, given, lesser)
}

// cannotDeny is the refusal of a policy that denies inside what it allows.
func cannotDeny(rule *policy.PathRule, denied, why string) error {
	return &Error{
		Op: "open " + rule.Path, Kind: KindPolicy,
		Err:  fmt.Errorf("%s inside it, and a reduced cage cannot give less inside what it opens (%s)", why, denied),
		Hint: "allow the folders beside it one by one, or get the full cage: openclaw doctor",
	}
}

// opensAllBelow reports whether a policy denies nothing at all below a folder that it
// opens to change. It is so of whatever a run may change when it starts (see allow); a
// policy that came later may deny in it.
func opensAllBelow(p *policy.Policy, folder string) bool {
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Glob {
			if fixed := fixedPart(rule.Path); within(fixed, folder) || within(folder, fixed) {
				return false
			}
			continue
		}
		for _, name := range append([]string{rule.Path}, rule.Except...) {
			if within(name, folder) && decided(p, name) < accessWrite {
				return false
			}
		}
	}
	return true
}

// fixedPart is the folder that every match of a pattern lies below.
func fixedPart(pattern string) string {
	if at := strings.IndexAny(pattern, `*?[{\`); at >= 0 {
		pattern = pattern[:at]
		pattern = pattern[:strings.LastIndexByte(pattern, '/')+1]
	}
	return path.Clean("/" + pattern)
}

// beside opens everything in a system folder but what is given less.
func (pl *reachPlanner) beside(folder string, given access, lesser []string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return &Error{Op: "read " + folder, Err: err}
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		var inside []string
		for _, other := range lesser {
			if within(other, name) {
				inside = append(inside, other)
			}
		}
		switch {
		case slices.Contains(inside, name) || entry.Type()&fs.ModeSymlink != 0:
		case len(inside) > 0 && entry.IsDir():
			if err := pl.beside(name, given, inside); err != nil {
				return err
			}
		case len(inside) == 0:
			if err := pl.add(name, given); err != nil {
				return err
			}
		}
	}
	return nil
}

// add opens one path, which must still have no link in it.
func (pl *reachPlanner) add(name string, given access) error {
	if pl.reach.of(name) >= given {
		return nil
	}
	if pl.reach.rules++; pl.reach.rules > maxRules {
		return &Error{
			Op: "open " + name, Kind: KindPolicy, Err: fmt.Errorf("more than %d places beside denied paths", maxRules),
			Hint: "deny fewer paths in the system's folders, or get the full cage: openclaw doctor",
		}
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
			return nil // it has gone, or is out of reach anyway
		}
		e := &Error{Op: "open " + name, Err: fmt.Errorf("openat2: %w", err)}
		if errors.Is(err, unix.ENOSYS) {
			e.Kind, e.Hint = KindMissing, filteredHint
		}
		return e
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return &Error{Op: "open " + name, Err: err}
	}
	if pl.ruleset == nil { // only to see whether it can be done
		pl.reach.at[name] = given
		return nil
	}
	kind := harden.Read
	switch {
	case stat.Mode&unix.S_IFMT == unix.S_IFCHR:
		kind = harden.Device
	case given == accessWrite:
		kind = harden.Write
	}
	if err := pl.ruleset.Allow(fd, kind); err != nil {
		return &Error{Op: "open " + name, Err: err}
	}
	pl.reach.at[name] = given
	return nil
}

// standard lets the command open its own standard files again, by names such as
// /dev/stdin, in the way in which they were opened.
func (r *reach) standard(ruleset *harden.Ruleset, files ...*os.File) error {
	for _, file := range files {
		if file == nil {
			continue
		}
		conn, err := file.SyscallConn()
		if err != nil {
			return err
		}
		var failed error
		err = conn.Control(func(fd uintptr) { failed = r.reopen(ruleset, int(fd)) })
		if err := errors.Join(err, failed); err != nil {
			return &Error{Op: "look at " + file.Name(), Err: err}
		}
	}
	return nil
}

func (r *reach) reopen(ruleset *harden.Ruleset, fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && kind == unix.SOCK_DGRAM {
		return errors.New("it is a datagram socket, which reaches any other")
	}
	id := fileID{uint64(stat.Dev), stat.Ino} //nolint:unconvert // not the same on every architecture
	if flags&unix.O_ACCMODE != unix.O_WRONLY {
		if err := ruleset.Allow(fd, harden.Reread); err != nil {
			return err
		}
		r.files[id] = max(r.files[id], accessRead)
	}
	if flags&unix.O_ACCMODE != unix.O_RDONLY {
		if err := ruleset.Allow(fd, harden.Rewrite); err != nil {
			return err
		}
		r.files[id] = accessWrite
	}
	return nil
}
