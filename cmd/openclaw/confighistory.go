package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func configHistoryCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "history", Short: "List the configs that were in force, newest first", Args: exactly(0), Example: "  openclaw config history",
		Long: "List the configs that were in force, newest first. They are kept in the state folder, for its owner alone: the newest\n" +
			"50, of at most 16 MiB together. One that holds a secret in the clear is listed and not kept a second time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var status event.ConfigStatus
			err := t.ask(cmd.Context(), wire.MethodConfigStatus, nil, &status)
			list := status.History
			if errors.Is(err, errNoGateway) {
				list, err = t.keptVersions()
			}
			switch {
			case err != nil:
				return err
			case asJSON:
				return t.json(map[string]any{"active": status.Version, "history": list})
			case len(list) == 0:
				t.print("no version is kept yet: the gateway keeps each config that comes into force")
			}
			for _, h := range list {
				t.print("%s", versionLine(h, status.Version))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// keptVersions are the versions as they lie in the state folder.
func (t *terminal) keptVersions() ([]event.Applied, error) {
	layout, err := t.layout()
	if err != nil {
		return nil, err
	}
	versions, err := configs.Versions(layout)
	list := make([]event.Applied, 0, len(versions))
	for _, v := range versions {
		list = append(list, event.Applied{Version: v.Version, Time: v.Time, By: v.By, Changes: v.Changes, Kept: v.Kept, Lost: v.Lost})
	}
	return list, err
}

func versionLine(h event.Applied, active int) string {
	text := "#" + strconv.Itoa(h.Version) + "  " + h.Time.Local().Format(time.DateTime) + "  " + h.By
	if h.Version == active {
		text += ", in force"
	}
	if h.Lost != "" {
		text += ", not kept: " + h.Lost
	}
	if len(h.Changes) > 0 {
		text += "  " + strings.Join(h.Changes, "; ")
	}
	return printable(text)
}

func configRollbackCommand(t *terminal) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "rollback VERSION", Short: "Bring a config back that was in force", Args: exactly(1),
		Example: "  openclaw config rollback 12 --dry-run\n  openclaw config rollback 12",
		Long: "Bring a config back that was in force, as a new version. It is judged first, as it would be at a start: one that is\n" +
			"refused changes nothing. A file that is on disk and not in force is kept beside it. Works without a gateway, too.",
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.Atoi(strings.TrimPrefix(args[0], "#"))
			if err != nil || version < 1 {
				return usage("openclaw config history lists them", "%q is not a version", args[0])
			}
			var back event.Rollback
			err = t.ask(cmd.Context(), wire.MethodConfigBack, wire.ConfigRollbackParams{Version: version, Dry: dry}, &back)
			if errors.Is(err, errNoGateway) {
				back, err = t.rollbackFile(version, dry)
			}
			if err != nil {
				return err
			}
			for _, line := range back.Diff {
				t.print("%s", printable(line))
			}
			if back.Saved != "" {
				t.print("the file that was there is now %s", printable(back.Saved))
			}
			if !dry {
				t.print("the config is version #%d again", version)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would change")
	return cmd
}

func (t *terminal) rollbackFile(version int, dry bool) (event.Rollback, error) {
	options, err := t.configOptions()
	if err != nil {
		return event.Rollback{}, err
	}
	back, err := configs.RollbackFile(options, version, dry, func(next *configs.Snapshot) error {
		if err := checkPatterns(next.Config.Logging); err != nil {
			return err
		}
		if err := gateway.CheckStart(next, time.Now); err != nil {
			return fmt.Errorf("a gateway would not start with it: %w (%s)", err, hintOf(err))
		}
		return nil
	})
	return event.Rollback{Changes: back.Changes, Diff: back.Diff, Saved: back.Saved}, err
}
