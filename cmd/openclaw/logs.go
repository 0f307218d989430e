package main

import (
	"strings"

	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/logs"
	"openclaw/gateway/wire"
)

// levels orders the words of --level.
func levels() []string { return []string{"debug", "info", "warn", "error"} }

func logsCommand(t *terminal) *cobra.Command {
	var (
		asJSON, following bool
		level             string
		limit             int
	)
	cmd := &cobra.Command{
		Use: "logs", Short: "Show the gateway's log, redacted", Args: exactly(0),
		Example: "  openclaw logs --follow --level warn",
		RunE: func(cmd *cobra.Command, _ []string) error {
			least := severity(level)
			if least < 0 {
				return usage("it is one of "+strings.Join(levels(), ", "), "unknown level %q", level)
			}
			p, err := t.place()
			if err != nil {
				return err
			}
			show := func(line event.LogLine) error {
				if severity(line.Level) < least {
					return nil
				}
				if asJSON {
					t.print("%s", line.Raw)
					return nil
				}
				t.print("%s  %-5s  %-10s %s  %s", clock(line.Time), strings.ToUpper(line.Level), printable(line.Source),
					printable(line.Message), printable(line.Text))
				return nil
			}
			if !following && p.here() { // the file tells it also when no gateway runs
				lines, err := logs.Tail(p.layout.GatewayLog(), limit)
				if err != nil {
					return err
				}
				for _, line := range lines {
					if err := show(line); err != nil {
						return err
					}
				}
				return nil
			}
			c, err := p.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if following {
				if err := c.Call(cmd.Context(), wire.MethodSubscribe, wire.SubscribeParams{Kinds: []event.Kind{event.KindLog}}, nil); err != nil {
					return err
				}
			}
			var result wire.LogsResult
			if err := c.Call(cmd.Context(), wire.MethodLogs, wire.LogsParams{Limit: limit}, &result); err != nil {
				return err
			}
			for _, line := range result.Lines {
				if err := show(line); err != nil {
					return err
				}
			}
			if !following {
				return nil
			}
			return follow(cmd.Context(), c, func(e event.Event) error {
				if e.Log == nil {
					return nil
				}
				return show(*e.Log)
			})
		},
	}
	cmd.AddCommand(logsScrubCommand(t))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the lines as they are in the file")
	cmd.Flags().BoolVarP(&following, "follow", "f", false, "go on showing new lines")
	cmd.Flags().StringVar(&level, "level", "debug", "least level: debug, info, warn, error")
	cmd.Flags().IntVar(&limit, "limit", 1000, "at most this many, the newest")
	return cmd
}

// severity is a level's place, -1 for a word that is none.
func severity(level string) int {
	for i, name := range levels() {
		if strings.EqualFold(level, name) {
			return i
		}
	}
	return -1
}
