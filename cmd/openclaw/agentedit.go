package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/configs"
)

func agentCreateCommand(t *terminal) *cobra.Command {
	var paths, domains []string
	var role string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Add an agent to the config, keeping its comments", Args: exactly(1),
		Example: "  openclaw agent create coder --path ~/projects/demo --domain proxy.golang.org",
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			var guarded, folders []string
			var before *configs.Snapshot
			err := t.editConfig(cmd.Context(), name, func(document *configs.Document, snapshot *configs.Snapshot) error {
				if _, exists := snapshot.Config.Agents[name]; exists {
					return &failure{err: fmt.Errorf("agent %s exists already", name), hint: "edit it: openclaw config edit"}
				}
				before, folders = snapshot, inConfig(paths)
				guarded = snapshot.RunByGit(folders)
				added := configs.NewAgent{Name: name, Role: role, Paths: folders, Read: guarded, Domains: domains}
				return document.AddAgent(added, configs.Layout{Root: filepath.Dir(snapshot.Path)})
			}, "created agent "+name)
			if err != nil {
				return err
			}
			for _, path := range guarded {
				t.print("%s can only be read: git runs what it names outside the cage, as you", printable(path))
			}
			t.warnMissing(before, folders)
			return t.warnOf(name)
		},
	}
	cmd.Flags().StringArrayVar(&paths, "path", nil, "a folder that it may read and write (repeatable)")
	cmd.Flags().StringArrayVar(&domains, "domain", nil, "a domain that it may reach (repeatable)")
	cmd.Flags().StringVar(&role, "role", "", "a role of the config")
	return cmd
}

// warnOf says what the config warns of about one agent.
func (t *terminal) warnOf(agent string) error {
	options, err := t.configOptions()
	if err != nil {
		return err
	}
	snapshot, err := configs.Load(options.Layout.Config(), options)
	if err != nil {
		return err
	}
	for _, problem := range snapshot.Warnings {
		if strings.HasPrefix(problem.Key, configs.NamedKey("agents", agent)+".") {
			t.warn("%s", printable(t.masked(problem.String())))
		}
	}
	return nil
}

// warnMissing names the folders that an agent may use and that are not there: its
// first run would find nothing.
func (t *terminal) warnMissing(snapshot *configs.Snapshot, written []string) {
	for _, folder := range written {
		path, err := snapshot.ExpandPath(folder)
		if err != nil {
			continue // and the config was refused
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			t.warn("%s is not there yet", printable(path))
		}
	}
}

// inConfig is how a config says the folders of a command line. A relative path is from
// the folder that the person stands in. A path that is there as it stands is meant as
// it stands, since the shell has put its variables in by then; another may have a
// variable that the config puts in.
func inConfig(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		if path == "" || strings.HasPrefix(path, "~") || strings.HasPrefix(path, "$") { // an empty one is not the folder one stands in
			out = append(out, path)
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			out = append(out, path) // and refused as it is
			continue
		}
		if _, err = os.Lstat(abs); err == nil || !strings.Contains(path, "$") {
			abs = strings.ReplaceAll(abs, "$", "$$")
		}
		out = append(out, abs)
	}
	return out
}

func agentDeleteCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Remove an agent from the config; its workspace stays", Args: exactly(1),
		Example: "  openclaw agent delete coder", ValidArgsFunction: t.completeAgents,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			return t.editConfig(cmd.Context(), name, func(document *configs.Document, snapshot *configs.Snapshot) error {
				if _, exists := snapshot.Config.Agents[name]; !exists {
					return &failure{err: fmt.Errorf("there is no agent %s", name), hint: "there are: " + strings.Join(snapshot.Agents(), ", ")}
				}
				return document.Remove(configs.NamedKey("agents", name))
			}, "deleted agent "+name+"; its workspace stays")
		},
	}
}

// editConfig changes what the config says of an agent.
func (t *terminal) editConfig(ctx context.Context, agent string, change func(*configs.Document, *configs.Snapshot) error, done string) error {
	if !configs.ValidName(agent) {
		return usage("a name has letters, digits, '.', '_' and '-', and begins with a letter or digit", "%q is not an agent's name", agent)
	}
	return t.changeConfig(ctx, change, done)
}
