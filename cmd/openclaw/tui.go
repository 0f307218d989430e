package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/tui"
	"openclaw/tui/desktop"
	"openclaw/tui/view"
)

func tuiCommand(t *terminal) *cobra.Command {
	var readOnly, plain, demo, ascii, keys bool
	var language string
	cmd := &cobra.Command{
		Use: "tui", Short: "Open the screen; start the gateway if none runs", Args: exactly(0),
		Long: "Open the screen. It attaches to the gateway of this state folder, or starts one as a process of its own,\n" +
			"which goes on when the screen is closed if you say so. Keys are yours to change, by the name of the action that\n" +
			"--keys lists, in the config: tui.keys. A screen that is open takes up a change within seconds.",
		Example: "  openclaw tui\n  openclaw tui --plain     # for screen readers and pipes\n  openclaw tui --demo      # a fixed script, no gateway",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if keys {
				return t.listKeys()
			}
			plain = plain || t.getenv("OPENCLAW_PLAIN") == "1" || t.getenv("TERM") == "dumb"
			if !plain && !term.IsTerminal(int(t.out.Fd())) {
				return usage("use --plain where there is none", "the screen needs a terminal")
			}
			if language != "" && !slices.Contains(view.Languages(), language) {
				return usage("it is "+strings.Join(view.Languages(), " or "), "there is no language %q", language)
			}
			return t.openScreen(cmd.Context(), demo, tui.Options{ReadOnly: readOnly, Plain: plain, ASCII: ascii, Language: language})
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "show only; no key changes anything")
	cmd.Flags().BoolVar(&plain, "plain", false, "labelled lines instead of a screen (also OPENCLAW_PLAIN=1)")
	cmd.Flags().BoolVar(&demo, "demo", false, "play a fixed script with a fixed clock")
	cmd.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII characters alone")
	cmd.Flags().BoolVar(&keys, "keys", false, "list the actions of the screen and their keys, and open nothing")
	cmd.Flags().StringVar(&language, "lang", "", "language: en or zh; without it as LANG says")
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(view.Languages(), cobra.ShellCompDirectiveNoFileComp)) // it fails only for a flag that is not there
	return cmd
}

func (t *terminal) openScreen(ctx context.Context, demo bool, options tui.Options) error {
	options.In, options.Out, options.Version, options.Getenv, options.Mask = t.in, t.out, version, t.getenv, t.masked
	if demo {
		backend := tui.NewDemo()
		options.Backend, options.Now = backend, backend.Now
		_, err := tui.Run(ctx, options)
		return err
	}
	c, p, err := t.dialOrLaunch(ctx, asScreen)
	if err != nil {
		return err
	}
	backend := client.NewBackend(c, func(ctx context.Context) (*client.Client, error) { return p.dial(ctx) })
	defer backend.Close()
	backend.Mask, backend.Open = t.masked, t.maskedOpen
	options.Backend = backend
	notifier := desktop.New(t.getenv)
	defer notifier.Close()
	options.Desktop, options.SaveFilter = notifier, t.saveFilter
	if p.here() {
		options.Start, options.Folder = t.startDetached, t.projectFolder(p.layout)
		options.Tokens, options.Importer = t.tokenMaker(p), t.importer(options.Folder)
		options.Open, options.Attach = t.startInPane, t.attachPane
		options.Edit = func(line int) (*exec.Cmd, error) {
			if err := refuseEditor(p.layout.Config()); err != nil {
				return nil, err
			}
			return t.editor(ctx, p.layout.Config(), line)
		}
	} else {
		options.Settings = t.ownSettings(p.layout)
	}
	outcome, err := tui.Run(ctx, options)
	if err != nil || !outcome.StopGateway {
		return t.keepCrash(p.layout, err)
	}
	if err := backend.StopGateway(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if !p.here() {
		return nil
	}
	return waitGone(context.WithoutCancel(ctx), p.layout)
}

// projectFolder is the folder that the screen was opened in, if a new agent could be
// meant to work there: one inside the home folder, and no hidden one.
func (t *terminal) projectFolder(layout configs.Layout) string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	below, err := filepath.Rel(t.getenv("HOME"), folder)
	if err != nil || strings.HasPrefix(below, ".") || strings.Contains(below, "/.") || folder == layout.Root {
		return ""
	}
	return configs.WrittenPath(folder, t.getenv("HOME"))
}
