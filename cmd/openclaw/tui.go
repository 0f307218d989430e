package main

import (
	"context"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/gateway/client"
	"openclaw/tui"
)

func tuiCommand(t *terminal) *cobra.Command {
	var readOnly, plain, demo bool
	cmd := &cobra.Command{
		Use: "tui", Short: "Open the screen; start the gateway if none runs", Args: exactly(0),
		Long: "Open the screen. It attaches to the gateway of this state folder, or starts one as a process of its own,\n" +
			"which goes on when the screen is closed if you say so.",
		Example: "  openclaw tui\n  openclaw tui --plain     # for screen readers and pipes\n  openclaw tui --demo      # a fixed script, no gateway",
		RunE: func(cmd *cobra.Command, _ []string) error {
			plain = plain || t.getenv("OPENCLAW_PLAIN") == "1" || t.getenv("TERM") == "dumb"
			if !plain && !term.IsTerminal(int(t.out.Fd())) {
				return usage("use --plain where there is none", "the screen needs a terminal")
			}
			return t.openScreen(cmd.Context(), readOnly, plain, demo)
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "show only; no key changes anything")
	cmd.Flags().BoolVar(&plain, "plain", false, "labelled lines instead of a screen (also OPENCLAW_PLAIN=1)")
	cmd.Flags().BoolVar(&demo, "demo", false, "play a fixed script with a fixed clock")
	return cmd
}

func (t *terminal) openScreen(ctx context.Context, readOnly, plain, demo bool) error {
	options := tui.Options{
		In: t.in, Out: t.out, ReadOnly: readOnly, Plain: plain, Version: version, NoColor: t.getenv("NO_COLOR") != "",
	}
	if demo {
		backend := tui.NewDemo()
		options.Backend, options.Now = backend, backend.Now
		_, err := tui.Run(ctx, options)
		return err
	}
	c, p, err := t.dialOrLaunch(ctx)
	if err != nil {
		return err
	}
	backend := client.NewBackend(c, func(ctx context.Context) (*client.Client, error) { return p.dial(ctx) })
	defer backend.Close()
	options.Backend = backend
	if p.here() {
		options.Edit = func() (*exec.Cmd, error) { return t.editor(ctx, p.layout.Config()) }
	}
	outcome, err := tui.Run(ctx, options)
	if err != nil || !outcome.StopGateway {
		return err
	}
	if err := backend.StopGateway(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if !p.here() {
		return nil
	}
	return waitGone(context.WithoutCancel(ctx), p.layout)
}
