package supervise

import (
	"os"
	"path/filepath"

	"openclaw/sandbox/policy"
)

// workFolder is where a command begins: where the person stands, if its agent may read
// that; else in the first folder that the config gives the agent, one to write in before
// one to read; else in the workspace. The cage has the last word: see elsewhere.
func workFolder(p *policy.Policy, stands string) string {
	if filepath.IsAbs(stands) && isFolder(stands) && mayRead(p, stands) {
		return stands
	}
	for _, access := range []policy.Access{policy.AccessWrite, policy.AccessRead} {
		for i := range p.Paths {
			r := &p.Paths[i]
			own := r.Effect == policy.Allow && !r.Glob && !r.System && r.Origin.BuiltIn == "" && r.Path != p.Workspace
			if own && r.Access == access && isFolder(r.Path) && mayRead(p, r.Path) {
				return r.Path
			}
		}
	}
	return p.Workspace
}

// elsewhere reports that a command did not begin where the person stands.
func elsewhere(began, stands string) bool {
	return began != filepath.Clean(stands) && began != realName(stands)
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// mayRead asks about the folder's own name, too: the shell's may go through a link that
// the agent cannot read.
func mayRead(p *policy.Policy, name string) bool {
	for _, n := range []string{filepath.Clean(name), realName(name)} {
		if p.Decide(policy.Request{Class: policy.ClassPathRead, Path: n}).Effect == policy.Allow {
			return true
		}
	}
	return false
}

func realName(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}
