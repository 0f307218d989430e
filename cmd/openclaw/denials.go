package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func denialsCommand(t *terminal) *cobra.Command {
	var (
		asJSON, follow bool
		agent          string
		limit          int
	)
	cmd := &cobra.Command{
		Use: "denials", Short: "Show what the cages refused", Args: exactly(0),
		Long:    "Show what the cages refused since the gateway started, oldest first; repeats are counted in one row.",
		Example: "  openclaw denials --agent coder --follow\n  openclaw denials --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if follow { // before the list: nothing falls between the two
				if err := c.Call(cmd.Context(), wire.MethodSubscribe, wire.SubscribeParams{Kinds: []event.Kind{event.KindDenial}}, nil); err != nil {
					return err
				}
			}
			var result wire.DenialsResult
			if err := c.Call(cmd.Context(), wire.MethodDenials, wire.DenialsParams{Agent: agent, Limit: limit}, &result); err != nil {
				return err
			}
			if asJSON {
				if !follow {
					t.warnOpen(t.present(cmd.Context()), agent)
					return t.json(result.Denials)
				}
			} else {
				t.table("LAST\tAGENT\tPID\tPROGRAM\tOPERATION\tTARGET\tRULE\tCOUNT\tID", denialRows(result.Denials))
			}
			t.warnOpen(t.present(cmd.Context()), agent)
			if !follow {
				return nil
			}
			return followDenials(cmd.Context(), t, c, agent, asJSON, result.Denials)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; with --follow one object a line")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing new ones")
	cmd.Flags().StringVar(&agent, "agent", "", "only this agent's")
	_ = cmd.RegisterFlagCompletionFunc("agent", t.completeAgents) // it fails only for a flag that is not there
	cmd.Flags().IntVar(&limit, "limit", 0, "at most this many, the newest (default 1000)")
	return cmd
}

func denialRows(denials []event.Denial) [][]string {
	rows := make([][]string, 0, len(denials))
	for _, d := range denials {
		rows = append(rows, denialRow(d))
	}
	return rows
}

func denialRow(d event.Denial) []string {
	return []string{
		clock(d.Last), d.Agent, strconv.Itoa(d.PID), d.Program, d.Operation, d.Target,
		because(d.Rule, d.Origin), fmt.Sprint(d.Count), event.PastID(d.ID),
	}
}
