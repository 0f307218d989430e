package configs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"openclaw/sandbox/policy"
)

// NewAgent is an agent that is to be added to a config, with what it may do.
type NewAgent struct {
	Name    string
	Role    string   // of the config's roles; empty: none
	Paths   []string // folders that it may read and write: absolute, or with "~" or a variable in front
	Read    []string // paths within them that it may only read; see Snapshot.RunByGit
	Domains []string // that it may reach
}

// RunByGit is what git obeys in those of the folders that are repositories: the
// hooks, and the config, which names programs (core.fsmonitor, core.hooksPath,
// aliases, filters: git-config(1)). Git runs them outside any cage, as the person,
// at the next `git status`; an agent that can write them is out of its cage by then.
// Repositories further below, those made later, and whatever else the person runs
// from a folder are not looked for.
func (s *Snapshot) RunByGit(folders []string) []string {
	var found []string
	for _, folder := range folders {
		path, err := s.ExpandPath(folder)
		if err != nil {
			continue // and refused when the config is loaded
		}
		git := filepath.Join(path, ".git")
		info, err := os.Lstat(git)
		if err != nil {
			continue
		}
		written := filepath.Join(folder, ".git")
		if info.Mode()&os.ModeSymlink != 0 { // a rule is for the folder itself, whatever leads to it
			var target string
			if target, err = filepath.EvalSymlinks(git); err == nil {
				info, err = os.Stat(target)
				written = strings.ReplaceAll(target, "$", "$$")
			}
		}
		if err == nil && info.IsDir() {
			found = append(found, filepath.Join(written, "config"), filepath.Join(written, "hooks"))
		}
	}
	return found
}

// AddAgent writes an agent that is not there yet. One that may do nothing yet gets
// the folder that it works in written out, so that its entry is seen. What
// the entry means is judged when the document is loaded.
func (d *Document) AddAgent(a NewAgent, layout Layout) error {
	key := NamedKey("agents", a.Name)
	switch {
	case !ValidName(a.Name):
		return fmt.Errorf("%q is not an agent's name: it has letters, digits, '.', '_' and '-', and begins with a letter or digit", a.Name)
	case d.Get(key):
		return fmt.Errorf("agent %s exists already", a.Name)
	}
	for _, path := range a.Paths {
		if path == "" {
			return errors.New("a path is empty: name a folder")
		}
		if !utf8.ValidString(path) {
			return fmt.Errorf("%q is not UTF-8, which a config is: allow the folder above it, or rename it", path)
		}
		if !filepath.IsAbs(path) && !strings.HasPrefix(path, "~") && !strings.HasPrefix(path, "$") {
			return fmt.Errorf("%q is not an absolute path: write it from / or ~ on", path)
		}
	}
	agent, permissions := map[string]any{}, map[string]any{}
	if a.Role != "" {
		agent["role"] = a.Role
	}
	if len(a.Paths) > 0 {
		paths := make([]any, 0, len(a.Paths)+len(a.Read))
		for _, path := range a.Paths {
			paths = append(paths, path)
		}
		for _, path := range a.Read {
			paths = append(paths, policy.PathEntry{Path: path, Access: policy.AccessRead})
		}
		permissions["allowed_paths"] = paths
	}
	if len(a.Domains) > 0 {
		permissions["network"] = map[string]any{"allowed_domains": a.Domains}
	}
	if len(permissions) > 0 {
		agent["permissions"] = permissions
	}
	if len(agent) == 0 {
		agent["workspace"] = layout.Workspace(a.Name)
	}
	return d.Set(key, agent)
}
