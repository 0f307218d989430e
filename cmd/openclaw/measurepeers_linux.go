package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// contestant is one way to run a command.
type contestant struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Missing string `json:"missing,omitempty"` // why it does not take part

	// wrap makes the command line that runs a command; nil: the command is run
	// by a cage of this very process.
	wrap func(command []string) []string
}

const (
	bare     = "bare"
	own      = "openclaw"
	ownInner = "cage alone"
)

// contestants are bare, this program, and the peers that this machine has.
// modules is a node_modules folder with the sandbox runtime in it.
func (b *cageBench) contestants(ctx context.Context, modules string) ([]contestant, error) {
	settings := filepath.Join(b.home, "srt.json")
	text, err := json.Marshal(map[string]any{
		"network":    map[string]any{"allowedDomains": []string{}, "deniedDomains": []string{}},
		"filesystem": map[string]any{"denyRead": []string{b.secret}, "allowWrite": []string{b.project}, "denyWrite": []string{}},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(settings, text, 0o600); err != nil {
		return nil, err
	}
	srt := "srt"
	if modules != "" {
		srt = filepath.Join(modules, ".bin", "srt")
	}
	before := func(words ...string) func([]string) []string {
		return func(command []string) []string { return append(slices.Clip(words), command...) }
	}
	list := []contestant{
		{Name: bare, wrap: before()},
		{Name: own, Version: version, wrap: before(b.self, "agent", "run", agentName, "--")},
		{Name: ownInner, Version: version},
		b.peer(ctx, "bubblewrap", "--version", "install Debian's package bubblewrap",
			"bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
			"--tmpfs", "/tmp", "--bind", b.project, b.project, "--tmpfs", b.secret, "--chdir", b.project),
		b.peer(ctx, "firejail", "--version", "install Debian's package firejail", "firejail", "--quiet", "--noprofile", "--net=none"),
		b.peer(ctx, "sandbox-runtime", "--version", "npm install @anthropic-ai/sandbox-runtime, and name its node_modules with --node-modules",
			srt, "--settings", settings),
	}
	for i, c := range list {
		if b.only[c.Name] || len(b.only) == 0 || c.Missing != "" {
			continue
		}
		list[i].Missing = "not chosen"
	}
	return list, nil
}

// peer looks for a program and asks it for its version.
func (b *cageBench) peer(ctx context.Context, name, ask, cure string, words ...string) contestant {
	c := contestant{Name: name}
	program, err := exec.LookPath(words[0])
	if err != nil {
		c.Missing = "not found: " + cure
		return c
	}
	cmd := exec.CommandContext(ctx, program, ask)
	cmd.Env = b.environ()
	out, err := cmd.Output()
	if err != nil {
		c.Missing = "does not run: " + err.Error()
		return c
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	c.Version = strings.TrimSpace(first)
	words[0] = program
	c.wrap = func(command []string) []string { return append(slices.Clip(words), command...) }
	return c
}

// policy is what the gateway compiles from the configuration, for a cage that
// this process builds itself.
func (b *cageBench) policy() (*policy.Policy, error) {
	compiled, problems := policy.Compile(policy.Input{
		Agent: agentName, Home: b.home, StateDir: filepath.Join(b.home, ".openclaw"),
		Own: policy.Permissions{
			AllowedPaths: []policy.PathEntry{{Path: b.project}}, DeniedPaths: []string{b.secret},
			Network: &policy.Network{AllowedIPs: []string{b.download.address()}},
		},
	})
	for _, problem := range problems {
		if !problem.Warning {
			return nil, fmt.Errorf("%s: %s", problem.Key, problem.Message)
		}
	}
	return compiled, nil
}

// caged runs a command in a cage of this process and returns once all of the
// cage is gone, with what the command printed.
func (b *cageBench) caged(ctx context.Context, command []string, out *os.File) error {
	compiled, err := b.policy()
	if err != nil {
		return err
	}
	cage, err := sandbox.New(ctx)
	if err != nil {
		return err
	}
	process, err := cage.Start(ctx, sandbox.Spec{
		Agent: agentName, Run: "measure", Policy: compiled, Command: command, Dir: b.project, Env: b.environ(), Stdout: out, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	status, err := process.Wait()
	if err == nil && status.Code != 0 {
		err = fmt.Errorf("exit status %d", status.Code)
	}
	return err
}
