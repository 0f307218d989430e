package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/learn"
	"openclaw/gateway/spool"
	"openclaw/gateway/supervise"
	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/sandbox"
)

// The statuses of a command that was not run, as a shell gives them.
const (
	exitNotStarted = 126
	exitNotFound   = 127
)

func agentRunCommand(t *terminal) *cobra.Command {
	var redacted, detach, kept, own bool
	var size string
	cmd := &cobra.Command{
		Use: "run NAME [-- CMD…]", Short: "Run a command in the agent's cage on this terminal",
		Long: "Run a command in the agent's cage on this terminal; without a command, the agent's own of the config.\n" +
			"The exit status is the command's; 126: refused to start, 127: not found, 128+n: ended by signal n.\n" +
			"With --detach it goes on without this terminal and without input; what it says is kept, redacted, the newest 4 to 8 MB:\n" +
			"'openclaw agent output RUN' shows it, 'openclaw agent stop RUN' ends it.\n" +
			"It begins in this folder if the agent may read it, else in the first that the agent is given, else in its workspace.",
		Example: "  openclaw agent run coder -- claude\n  openclaw agent run coder -- sh -c 'make test'\n  openclaw agent run --redact coder -- make test > build.log\n  openclaw agent run --detach coder -- make test",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("openclaw agent run NAME -- CMD…", "which agent?")
			}
			return nil
		},
		ValidArgsFunction: t.completeAgents,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash > 1 || (dash < 0 && len(args) > 1) {
				return usage("put -- before the command: openclaw agent run "+args[0]+" -- "+args[1], "one agent's name, then the command")
			}
			t.knowByGateway(cmd.Context())
			switch {
			case own && !detach:
				return usage("openclaw agent run --detach --terminal "+args[0]+" -- CMD…", "a run that stays here has this terminal")
			case own:
				return t.detachWithTerminal(cmd.Context(), args[0], args[1:])
			case detach:
				return t.detachAgent(cmd.Context(), args[0], args[1:])
			case size != "":
				return t.paneAgent(cmd.Context(), args[0], args[1:], size)
			case kept:
				return t.keepAgent(cmd.Context(), args[0], args[1:])
			}
			return t.runAgent(cmd.Context(), args[0], args[1:], redacted)
		},
	}
	cmd.Flags().BoolVar(&redacted, "redact", false, "take out of the command's output what looks like a secret; it then writes to a pipe, not to a terminal")
	cmd.Flags().BoolVar(&detach, "detach", false, "let it go on without this terminal; what it says is kept")
	cmd.Flags().BoolVar(&own, "terminal", false, "with --detach: give it a terminal of its own, which 'openclaw agent attach' and the screen show; nothing is kept then")
	cmd.Flags().BoolVar(&kept, keptFlag, false, "be the process behind --detach")
	cmd.Flags().StringVar(&size, paneFlag, "", "be the process behind a pane of the screen, of a size such as 80x24")
	_ = cmd.Flags().MarkHidden(paneFlag) // as below
	_ = cmd.Flags().MarkHidden(keptFlag) // it fails only for a flag that is not there
	return cmd
}

func (t *terminal) runAgent(ctx context.Context, agent string, command []string, redacted bool) error {
	status, err := t.again(func() (sandbox.ExitStatus, error) {
		run := t
		if redacted {
			masked, done, err := t.redacted()
			if err != nil {
				return sandbox.ExitStatus{}, &failure{err: err, hint: hintOf(err), code: exitNotStarted}
			}
			defer done()
			run = masked
		}
		return run.caged(ctx, agent, command, cagedOptions{terminal: t.terminalKind()})
	})
	if err != nil {
		return err
	}
	if status.Code != exitOK {
		return exitStatus(status.Code)
	}
	return nil
}

// again runs a command, and once more as often as a person says so from outside.
func (t *terminal) again(run func() (sandbox.ExitStatus, error)) (sandbox.ExitStatus, error) {
	for {
		status, err := run()
		if !errors.Is(err, supervise.ErrRestart) {
			return status, err
		}
		t.warn("the run is started again, as somebody at this gateway said")
	}
}

// terminalKind is what a run on this terminal is connected to: one whose input
// is not typed cannot be started again with the same.
func (t *terminal) terminalKind() string {
	if term.IsTerminal(int(t.in.Fd())) {
		return event.OnTerminal
	}
	return event.OnPipe
}

// cagedOptions is what differs between kinds of runs.
type cagedOptions struct {
	terminal string
	recorder *learn.Recorder             // nil: it does not learn
	begin    func(wire.RunStarted) error // nil: nobody needs to know
}

// caged runs a command to its end; an error means that it was not run, or, with
// supervise.ErrRestart, that it is to be run again.
func (t *terminal) caged(ctx context.Context, agent string, command []string, o cagedOptions) (sandbox.ExitStatus, error) {
	defer fewCollections()()
	if err := keychain.ShowMemory(); err != nil { // of a run before, which is started again
		return sandbox.ExitStatus{}, err
	}
	cage, lacking := sandbox.New(ctx)
	if lacking == nil { // its first process gets ready while the config is read and the gateway is asked
		defer cage.Prepare(t.in, t.out, t.err)()
	}
	layout, err := t.layout()
	if err != nil {
		return sandbox.ExitStatus{}, err
	}
	if err := t.onlyHere("agent run"); err != nil {
		return sandbox.ExitStatus{}, &failure{err: err, hint: hintOf(err), code: exitNotStarted}
	}
	if !configs.ValidName(agent) {
		return sandbox.ExitStatus{}, &failure{err: errors.New("not an agent's name: " + printable(agent)), hint: "openclaw agent list", code: exitNotStarted}
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = layout.Workspace(agent)
	}
	status, err := supervise.Run(ctx, supervise.Options{
		Agent: agent, Command: command, Dir: dir, Environ: t.environ, Stdin: t.in, Stdout: t.out, Stderr: t.err,
		Dial: func(ctx context.Context, launch bool) (supervise.Conn, error) {
			if !launch {
				return dial(ctx, layout)
			}
			return t.dialOrLaunchHere(ctx, layout, asCommand)
		},
		Cage:  func(context.Context) (*sandbox.Cage, error) { return cage, lacking },
		Spool: func(started wire.RunStarted) *spool.Writer { return t.spool(layout, agent, started) },
		Hide:  keychain.HideMemory,
		Learn: o.recorder, Terminal: o.terminal, Begin: o.begin,
		Warn: func(text string) { t.warn("%s", printable(text)) },
		Line: func(text string) string { return t.warning(printable(text)) },
	})
	if err != nil && !errors.Is(err, supervise.ErrRestart) {
		return status, &failure{err: err, hint: hintOf(err), code: notRun(err)}
	}
	return status, err
}

// spool is where a run's refusals wait for a gateway. The rules of redaction
// and the run's own token are known here; the values in the keychain are not, and
// the gateway that puts the rows on record takes those out.
func (t *terminal) spool(layout configs.Layout, agent string, started wire.RunStarted) *spool.Writer {
	masker, err := t.runMasker()
	if err != nil {
		return nil
	}
	masker.Add("agent token", []byte(started.Token))
	return spool.NewWriter(layout.Spool(), spool.Header{Run: started.Run, Agent: agent, PID: os.Getpid()}, masker.Text)
}

// notRun is the exit code of a command that the cage did not start.
func notRun(err error) int {
	var caged *sandbox.Error
	if errors.As(err, &caged) && caged.Kind == sandbox.KindNotFound {
		return exitNotFound
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == "FORBIDDEN" {
		return exitRefused
	}
	return exitNotStarted
}
