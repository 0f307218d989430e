package configs

import (
	"fmt"
	"path/filepath"
	"strings"
)

// NewAgent is an agent that is to be added to a config, with what it may do.
type NewAgent struct {
	Name    string
	Role    string   // of the config's roles; empty: none
	Paths   []string // folders that it may read and write: absolute, or with "~" or a variable in front
	Domains []string // that it may reach
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
		if !filepath.IsAbs(path) && !strings.HasPrefix(path, "~") && !strings.HasPrefix(path, "$") {
			return fmt.Errorf("%q is not an absolute path: write it from / or ~ on", path)
		}
	}
	agent, permissions := map[string]any{}, map[string]any{}
	if a.Role != "" {
		agent["role"] = a.Role
	}
	if len(a.Paths) > 0 {
		permissions["allowed_paths"] = a.Paths
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
