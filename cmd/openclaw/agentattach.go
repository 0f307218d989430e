package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/tui"
)

func agentAttachCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "attach RUN", Short: "Show the terminal of a run that has one of its own, and type to it", Args: exactly(1),
		Long: "Show the terminal of a run that has one of its own, and type to it: one of 'openclaw agent run --detach --terminal', or\n" +
			"of the screen. Every key goes to the run but ctrl+], which leaves it; it goes on. Who may open the state folder's\n" +
			"sockets may attach, as in the screen; nothing but characters and colours reaches this terminal.",
		Example: "  openclaw agent attach 3f9a01c2",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.attachAgent(cmd.Context(), args[0])
		},
	}
}

func (t *terminal) attachAgent(ctx context.Context, run string) error {
	if err := t.onlyHere("agent attach"); err != nil {
		return err
	}
	if !term.IsTerminal(int(t.in.Fd())) || !term.IsTerminal(int(t.out.Fd())) {
		return usage("'openclaw agent output RUN' shows what a run without a terminal says", "agent attach needs a terminal")
	}
	agent, err := t.attachable(ctx, run)
	if err != nil {
		return err
	}
	shown, err := t.attachPane(ctx, run)
	if err != nil {
		return &failure{err: errors.New("the terminal of run " + printable(run) + " does not answer: " + printable(err.Error())), hint: "openclaw agent list --json names the runs"}
	}
	defer func() { _ = shown.Close() }() // the run goes on or has ended
	left, err := tui.Attach(ctx, &tui.AttachOptions{In: t.in, Out: t.out, Terminal: shown, Run: run, Agent: agent, Getenv: t.getenv})
	switch {
	case errors.Is(err, tui.ErrInterrupted):
		return nil
	case err != nil:
		return err
	case left.Ended:
		t.print("run %s of %s ended: %s", run, agent, left.Exit)
	default:
		t.print("run %s of %s goes on; 'openclaw agent attach %s' shows it again", run, agent, run)
	}
	return nil
}

// attachable is the agent of a run that has a terminal to show.
func (t *terminal) attachable(ctx context.Context, run string) (agent string, err error) {
	c, err := t.dial(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var list wire.AgentsResult
	if err := c.Call(ctx, wire.MethodAgents, nil, &list); err != nil {
		return "", err
	}
	for i := range list.Agents {
		for j := range list.Agents[i].Runs {
			row := &list.Agents[i].Runs[j]
			switch {
			case row.ID != run:
			case !row.Ended.IsZero():
				return "", &failure{err: errors.New("run " + run + " has ended: " + printable(row.Exit)), hint: "openclaw agent list --json names those that go on"}
			case row.Terminal == event.Kept:
				return "", &failure{err: errors.New("run " + run + " has no terminal"), hint: "openclaw agent output --follow " + run + " shows what it says"}
			case row.Terminal != event.InPane:
				return "", &failure{err: errors.New("run " + run + " is on the terminal where it was started"), hint: "only one of 'openclaw agent run --detach --terminal' or of the screen can be attached to"}
			default:
				return list.Agents[i].Name, nil
			}
		}
	}
	return "", &failure{err: errors.New("there is no run " + printable(run)), hint: "openclaw agent list --json names the runs"}
}
