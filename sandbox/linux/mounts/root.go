//go:build linux

package mounts

import (
	"io/fs"
	"path/filepath"

	"openclaw/sandbox/policy"
)

// settings are the system folders in which root's own secrets lie beside what
// programs need.
func settings() []string { return []string{"/etc", "/usr/local/etc"} }

// rootOnly denies, to an agent that root runs, what no other user could read of
// the system's settings: keys of servers, passwords of services. Root's agent
// has no power over other users' files, but root owns these.
func (pl *planner) rootOnly() {
	for _, dir := range settings() {
		// What cannot be looked at cannot be read either.
		_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				if entry != nil && entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if !entry.IsDir() && !entry.Type().IsRegular() {
				return nil
			}
			info, err := entry.Info()
			if err != nil || info.Mode().Perm()&0o004 != 0 && (!entry.IsDir() || info.Mode().Perm()&0o001 != 0) {
				return nil //nolint:nilerr // it has gone
			}
			if !written(pl.policy, name) {
				pl.found(policy.PathRule{
					Path: name, Effect: policy.Deny, Origin: policy.Origin{BuiltIn: "only root reads it"}, Text: "built-in: only root reads it",
				})
				if _, known := pl.plan.Regions.at[name]; !known {
					pl.plan.Regions.at[name], pl.modes[name] = Gate, entry.Type()
				}
			}
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		})
	}
}

// found adds a rule that the host's files gave rise to.
func (pl *planner) found(rule policy.PathRule) {
	pl.plan.Found = append(pl.plan.Found, rule)
	pl.policy.Paths = append(pl.policy.Paths, rule)
}
