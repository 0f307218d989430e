package sandbox

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

// watchMasks renews masks as long as the cage runs. When that is not possible,
// the cage ends.
func (p *Process) watchMasks() {
	err := p.watcher.run(func(found changes) error {
		for _, dir := range found.levels {
			p.binder.leaveChanged(dir)
		}
		if !found.masks {
			return nil
		}
		return p.conn.Send(stage.KindRenew, nil)
	})
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, os.ErrClosed) { // the cage has ended
		p.kill()
	}
}

// newTree prepares to watch for what comes to match a denied pattern.
func (p *Process) newTree() (*treeWatcher, error) {
	if len(p.plan.Watched) == 0 {
		return nil, nil
	}
	seen, told := map[string]bool{}, false
	slow := func(name, remains string) {
		if !told || remains != "" {
			told = true
			p.warn(tooMany(name) + remains)
		}
	}
	tree := tree{
		denies: (&denier{policy: p.judge.policy.Load, roots: p.plan.Watched}).denies,
		denied: func(name string) {
			is := p.binder.denied(name)
			switch {
			case !is.was && !is.covered && is.failed == nil: // it was so before
			case seen[name]:
				p.warn(name + " is denied and was replaced from outside during the run; it is refused again, and may have been readable for a moment" + p.remains(is))
			default:
				p.warn(p.nowDenied(name, is))
				if len(seen) < maxWarnings {
					seen[name] = true
				}
			}
			if is.unwatched != "" {
				slow(is.unwatched, "")
			}
		},
		unlisted: func(name string) {
			is := p.binder.unlisted(name)
			p.warn(name + " can be neither listed nor watched; a name that a pattern denies is refused in it from now on" + p.remains(is))
			if is.unwatched != "" {
				slow(is.unwatched, "")
			}
		},
		full: func(name string) { slow(name, p.remains(p.binder.unwatched(name))) },
		away: func(name string) {
			p.warn(name + " came to match a denied pattern in a folder that was moved away from outside during the run; a program that was in that folder, or below it, can read it until the run ends")
		},
	}
	limit := p.cage.watchLimit()
	p.watcher.limit += limit / 2
	return newTreeWatcher(tree, limit)
}

func tooMany(name string) string {
	return "more folders, or deeper ones, than this run can watch: those that it cannot, " + name + " for one, are served file by file, which is slow, so that a name that a pattern denies is refused in them; allow a smaller folder, deny without **, or raise fs.inotify.max_user_watches"
}

// denier answers what the policy in force denies, for one goroutine that looks through
// folders: by the few rules that concern them.
type denier struct {
	policy func() *policy.Policy
	roots  []string

	known  *policy.Policy // that of inside
	inside []*policy.Policy
}

func (d *denier) denies(name string) bool {
	current := d.policy()
	if d.known != current {
		d.known, d.inside = current, nil
		for _, root := range d.roots {
			d.inside = append(d.inside, current.Inside(root))
		}
	}
	for i, root := range d.roots {
		if within(name, root) {
			current = d.inside[i]
			break
		}
	}
	return current.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Deny
}

// watchTree watches as long as the cage runs. When that is not possible, the cage ends.
func (p *Process) watchTree() {
	if err := p.tree.run(p.plan.Watched); err != nil {
		p.endFor(&Error{Op: "watch allowed folders", Err: err, Hint: "what comes to match a denied pattern would be readable; start the run again"})
	}
}

// remains says to whom a path that was closed during the run is open still.
func (p *Process) remains(is closed) string {
	text := ""
	switch {
	case is.failed != nil:
		text = "; it could not be covered for a program that was in its folder before, which can read it until the run ends: " + is.failed.Error()
	case is.inside:
		text = "; a program that was in it before, or had it open, can read what is in it until the run ends"
	}
	if p.spec.Policy.Nested {
		text += "; a sandbox that a program has made in this run sees it still"
	}
	return text
}

// nowDenied says that a name came to be denied, and was closed.
func (p *Process) nowDenied(name string, is closed) string {
	return name + " came to match a denied pattern during the run; it is refused now, and may have been readable for a moment" + p.remains(is)
}

// warn adds to the report what it does not say yet.
func (p *Process) warn(text string) {
	p.mu.Lock()
	news := len(p.report.Warnings) < maxWarnings && !slices.Contains(p.report.Warnings, text)
	if news {
		p.report.Warnings = append(p.report.Warnings, text)
	}
	p.mu.Unlock()
	if news && p.spec.Warned != nil {
		p.spec.Warned()
	}
}

// renewed notes that a denied path was replaced from outside.
func (p *Process) renewed(names []string) {
	for _, name := range names {
		p.warn(name + " is denied and was replaced from outside during the run; it was covered again, and may have been readable for a moment")
	}
}

// maxWarnings bounds what a long run may collect.
const maxWarnings = 200
