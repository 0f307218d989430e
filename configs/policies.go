package configs

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"openclaw/sandbox/policy"
)

// Policy returns the compiled policy of an agent: its role and its own
// permissions, intersected. The policy is shared and must not be changed; its
// Version changes whenever it does. An unknown agent is an *Error whose Hint
// names those that exist.
func (s *Snapshot) Policy(agent string) (*policy.Policy, error) {
	if compiled := s.policies[agent]; compiled != nil {
		return compiled, nil
	}
	names := s.Agents()
	hint := "add it below agents: in the config"
	if near := nearest(agent, names); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		hint = fmt.Sprintf("the config has %v", names)
	}
	return nil, &Error{
		Op: "find agent", Path: s.Path, Hint: hint,
		Problems: []Problem{{File: filepath.Base(s.Path), Key: "agents", Message: "there is no agent " + quote(agent), Hint: hint}},
	}
}

// policyInput is what the policy of one agent is compiled from.
func (s *Snapshot) policyInput(name string) policy.Input {
	input := s.ownInput(name)
	writers := map[string][]string{}
	for _, other := range slices.Sorted(maps.Keys(s.Config.Agents)) {
		if other == name {
			continue
		}
		workspace := s.workspaces[childKey("agents", other)]
		if workspace == "" {
			workspace = s.options.Layout.Workspace(other)
		}
		input.OtherWorkspaces = append(input.OtherWorkspaces, workspace)
		for _, place := range policy.Writes(s.ownInput(other)) {
			writers[place] = append(writers[place], other)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(writers)) {
		input.OthersWrite = append(input.OthersWrite, policy.SharedPath{Path: place, Agents: writers[place]})
	}
	return input
}

// ownInput is policyInput without what it says of the other agents.
func (s *Snapshot) ownInput(name string) policy.Input {
	agent := s.Config.Agents[name]
	key := childKey("agents", name)
	input := policy.Input{
		Agent:     name,
		Workspace: s.workspaces[key],
		Home:      s.options.Home,
		StateDir:  s.options.Layout.Root,
		Own:       agent.Permissions,
		OwnKey:    key,
		Env:       agent.Env,
		Limits:    agent.Limits.resources(),
		Getenv:    s.options.Getenv,
		Where: func(key string) (string, int) {
			line, _ := s.Where(key)
			if line == 0 {
				return "", 0
			}
			return filepath.Base(s.Path), line
		},
	}
	if role, ok := s.Config.Roles[agent.Role]; ok {
		input.Role, input.RoleKey = role.Permissions, childKey("roles", agent.Role)
	}
	return input
}
