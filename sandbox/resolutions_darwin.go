package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/darwin"
	"openclaw/sandbox/darwin/places"
	"openclaw/sandbox/policy"
)

// resolutions finds where paths lead, each once: another agent may put a link in the place
// of what has been looked at. Not safe for concurrent use.
type resolutions struct {
	known  map[string]resolution
	failed error // why one was not found
}

type resolution struct {
	physical string
	links    []string
}

func newResolutions() *resolutions { return &resolutions{known: map[string]resolution{}} }

// resolve is as darwin.Options has it.
func (r *resolutions) resolve(name string) (physical string, links []string) {
	at, ok := r.known[name]
	if !ok {
		found, links, err := places.Resolve(name, true)
		if err != nil {
			r.failed = err
		}
		at = resolution{darwin.Physical(found), links}
		r.known[name] = at
	}
	return at.physical, at.links
}

// unplanted is darwin.Unplanted on this machine.
func (r *resolutions) unplanted(p *policy.Policy) (*policy.Policy, []policy.Unmet, error) {
	opened, unmet, err := darwin.Unplanted(p, r.resolve, changeable)
	if err = errors.Join(r.failed, err); err != nil {
		e := &Error{Op: "write profile", Kind: KindPolicy, Err: err}
		if errors.Is(err, darwin.ErrPlanted) {
			e.Hint = "write the workspace as the folder that the link leads to, if that is meant"
		}
		return nil, nil, e
	}
	return opened, unmet, nil
}

// changeable reports whether a program of this user can put a link into a folder.
func changeable(dir string) bool {
	var stat unix.Stat_t
	if dir == "/" || unix.Lstat(dir, &stat) != nil {
		return false
	}
	return int(stat.Uid) == os.Geteuid() || unix.Access(dir, unix.W_OK) == nil
}
