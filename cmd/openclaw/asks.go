package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func asksCommand(t *terminal) *cobra.Command {
	var (
		asJSON, all, follow bool
		agent               string
	)
	cmd := &cobra.Command{
		Use: "asks", Short: "Show what agents wait for your leave to do", Args: exactly(0),
		Long: "Show what agents wait for your leave to do. Answer with 'openclaw allow ID' or 'openclaw deny ID';\n" +
			"what nobody answers in time is denied.",
		Example: "  openclaw asks --follow\n  openclaw asks --all --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if follow {
				if err := c.Call(cmd.Context(), wire.MethodSubscribe, wire.SubscribeParams{Kinds: []event.Kind{event.KindAsk}}, nil); err != nil {
					return err
				}
			}
			var result wire.AsksResult
			if err := c.Call(cmd.Context(), wire.MethodAsks, wire.AsksParams{Agent: agent}, &result); err != nil {
				return err
			}
			rows := []event.Ask{}
			for _, row := range result.Asks {
				if all || row.State == event.AskWaiting {
					rows = append(rows, row)
				}
			}
			if follow {
				return t.followAsks(cmd.Context(), c, agent, asJSON, rows)
			}
			return t.showAsks(rows, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; with --follow one object a line")
	cmd.Flags().BoolVar(&all, "all", false, "also those that are answered, missed or gone")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing what changes")
	cmd.Flags().StringVar(&agent, "agent", "", "only this agent's")
	_ = cmd.RegisterFlagCompletionFunc("agent", t.completeAgents) // it fails only for a flag that is not there
	return cmd
}

func (t *terminal) showAsks(rows []event.Ask, asJSON bool) error {
	if asJSON {
		return t.json(rows)
	}
	if len(rows) == 0 {
		t.print("nothing waits for an answer")
		return nil
	}
	cells := make([][]string, 0, len(rows))
	for _, row := range rows {
		cells = append(cells, askCells(row))
	}
	t.table("ID\tSTATE\tAGENT\tPID\tPROGRAM\tOPERATION\tTARGET\tCOUNT\tWHY", cells)
	return nil
}

func askCells(row event.Ask) []string {
	return []string{
		row.ID, askState(row), row.Agent, fmt.Sprint(row.PID), row.Program, row.Operation, row.Target, fmt.Sprint(row.Count), because(row.Rule, row.Origin),
	}
}

// askState is the state with what belongs to it: the time that is left, or how
// far an answer goes.
func askState(row event.Ask) string {
	switch row.State {
	case event.AskWaiting:
		now := time.Now()
		text := "waiting " + row.Left(now).Round(time.Second).String()
		if row.Paused(now) {
			text += ", clock paused"
		}
		return text
	case event.AskAllowed:
		return "allowed " + row.Scope
	}
	return row.State
}

func (t *terminal) followAsks(ctx context.Context, c *client.Client, agent string, asJSON bool, first []event.Ask) error {
	line := func(row event.Ask) error {
		if asJSON {
			return t.jsonLine(row)
		}
		cells := askCells(row)
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		t.print("%s", strings.Join(cells, "  "))
		return nil
	}
	for _, row := range first {
		if err := line(row); err != nil {
			return err
		}
	}
	return follow(ctx, c, func(e event.Event) error {
		if e.Ask == nil || (agent != "" && e.Ask.Agent != agent) {
			return nil
		}
		return line(*e.Ask)
	})
}

func allowCommand(t *terminal) *cobra.Command {
	params := wire.AskDecideParams{Allow: true}
	var asJSON bool
	cmd := &cobra.Command{
		Use: "allow ID", Short: "Allow what an agent waits for", Args: exactly(1),
		Long: "Allow what an agent waits for: this once, until its run ends, or always. Once is for the process that\n" +
			"asked, and for those that are counted with it: the connection, the run of the program, or what it does with\n" +
			"that path within two seconds (it looks at a file, opens it, looks again) and through what it opened. Any\n" +
			"other process is asked for itself. Always writes a rule into the config, where comments stay, and says which;\n" +
			"'openclaw undo' takes it back within 30 seconds.\n" +
			"What was missed can still be allowed for the rest of its run, or always; what a rule denied ('openclaw denials')\n" +
			"by denial-ID, always.",
		Example: "  openclaw allow 4f2a91\n  openclaw allow 4f2a91 --scope run --match folder\n  openclaw allow 4f2a91 --scope always --preview\n" +
			"  openclaw allow denial-91c03e --scope always --match '*.example.com'",
		RunE: func(cmd *cobra.Command, args []string) error {
			params.ID = args[0]
			switch {
			case !slices.Contains([]string{"once", "run", "always"}, params.Scope):
				return usage("it is once, run or always", "there is no scope %q", params.Scope)
			case !slices.Contains([]string{"exact", "host", "folder"}, params.Match) && !strings.HasPrefix(params.Match, "*."):
				return usage("it is exact, host, folder or a domain such as '*.example.com'", "there is no match %q", params.Match)
			}
			return t.decideAsk(cmd.Context(), params, asJSON)
		},
	}
	cmd.Flags().StringVar(&params.Scope, "scope", "once", "how long: once, run or always")
	cmd.Flags().StringVar(&params.Match, "match", "exact", "how far, for run and always: exact, host (every port), folder (all below it) or a domain ('*.example.com')")
	cmd.Flags().BoolVar(&params.Preview, "preview", false, "only show what --scope always would write")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func denyCommand(t *terminal) *cobra.Command {
	var params wire.AskDecideParams
	var asJSON bool
	cmd := &cobra.Command{
		Use: "deny ID", Short: "Deny what an agent waits for", Args: exactly(1),
		Example: "  openclaw deny 4f2a91 --note 'not before the release'",
		RunE: func(cmd *cobra.Command, args []string) error {
			params.ID = args[0]
			return t.decideAsk(cmd.Context(), params, asJSON)
		},
	}
	cmd.Flags().StringVar(&params.Note, "note", "", "why: for the audit log, and beside the denial")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// decideAsk gives an answer and says what it did.
func (t *terminal) decideAsk(ctx context.Context, params wire.AskDecideParams, asJSON bool) error {
	var decided wire.AskDecided
	if err := t.ask(ctx, wire.MethodAskDecide, params, &decided); err != nil {
		return err
	}
	row := decided.Ask
	if asJSON {
		if err := t.json(decided); err != nil {
			return err
		}
	}
	switch {
	case params.Preview:
		if !asJSON {
			t.print("%s, in %s:", printable(row.Where), printable(row.List))
			for _, line := range row.Lines {
				t.print("%s", printable(line))
			}
		}
		return nil
	case !decided.Resolved:
		text := "it is being answered now"
		if row.By != "" {
			text = row.State + " by " + row.By + " at " + clock(row.Decided)
		}
		return &failure{err: errors.New("ask " + row.ID + " has an answer already: " + printable(text)), hint: "the first answer counts; see 'openclaw asks --all'"}
	}
	if !asJSON {
		t.print("%s", printable(askOutcome(row)))
		if row.Wrote != "" {
			t.print("%s: %s", row.Where, printable(row.Wrote))
		}
	}
	if row.Problem != "" {
		t.warn("no rule was written, so the answer holds once: %s", printable(row.Problem))
		return exitStatus(exitFailed)
	}
	return nil
}

func askOutcome(row event.Ask) string {
	text := row.State
	if row.State == event.AskAllowed {
		text += " " + row.Scope
	}
	if row.Scope != "once" && row.Match != "exact" && row.Match != "" {
		text += " (" + row.Match + ")"
	}
	text += ": " + row.Agent + " " + row.Operation + " " + row.Target
	if row.Count > 1 {
		text += fmt.Sprintf(" (%d alike)", row.Count)
	}
	return text
}

func undoCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "undo [ID]", Short: "Take back what an answer allowed, within 30 seconds", Example: "  openclaw undo\n  openclaw undo 4f2a91",
		Long: "Take back what an answer allowed for a run or for always, within 30 seconds; without an ID, the newest\n" +
			"answer. What already happened stays so.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1)(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var params wire.AskUndoParams
			if len(args) == 1 {
				params.ID = args[0]
			}
			var row event.Ask
			if err := t.ask(cmd.Context(), wire.MethodAskUndo, params, &row); err != nil {
				return err
			}
			if asJSON {
				return t.json(row)
			}
			t.print("%s", printable(askOutcome(row)))
			if row.Wrote != "" {
				t.print("taken out of %s: %s", row.Where, printable(row.Wrote))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
