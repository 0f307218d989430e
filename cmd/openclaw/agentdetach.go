package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/logs"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// keptFlag makes a process the supervisor of a run without a terminal.
const keptFlag = "kept"

func (t *terminal) detachAgent(ctx context.Context, agent string, command []string) error {
	run, err := t.startDetached(ctx, agent, command)
	if err != nil {
		return err
	}
	t.print("run %s of %s goes on; 'openclaw agent output %s' shows what it says", run, agent, run)
	return nil
}

// startDetached starts a run in a session of its own, without input, and returns
// once the gateway has it. When it was not started, its own words are the error.
func (t *terminal) startDetached(ctx context.Context, agent string, command []string) (run string, err error) {
	return t.startAside(ctx, agent, command, event.Kept, "--"+keptFlag)
}

// startAside starts the supervisor of a run of some kind with flags of its own.
func (t *terminal) startAside(ctx context.Context, agent string, command []string, kind string, flags ...string) (run string, err error) {
	layout, err := t.layout()
	if err != nil {
		return "", err
	}
	if err := t.onlyHere("agent run"); err != nil {
		return "", err
	}
	if !configs.ValidName(agent) {
		return "", &failure{err: errors.New("not an agent's name: " + printable(agent)), hint: "openclaw agent list", code: exitNotStarted}
	}
	c, err := t.dialOrLaunchHere(ctx, layout, asCommand)
	if err != nil {
		return "", err
	}
	defer c.Close()
	output, err := newWords("the run", filepath.Join(layout.Logs(), "run.stderr")) // what the command itself says is kept elsewhere
	if err != nil {
		return "", fmt.Errorf("open the run's output: %w", err)
	}
	defer output.close()
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the program itself: %w", err)
	}
	arguments := append(append([]string{"agent", "run"}, flags...), agent)
	if len(command) > 0 {
		arguments = append(append(arguments, "--"), command...)
	}
	cmd := exec.Command(self, arguments...) //nolint:noctx // it outlives this program on purpose
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.SysProcAttr = output.file, output.file, withoutManager(os.Environ()), ownSession()
	since := time.Now()
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the run: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its words are in the file, its status in ProcessState
		close(ended)
	}()
	over := false
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		row, known, err := runOfProcess(ctx, c, agent, kind, cmd.Process.Pid, since)
		switch {
		case err != nil:
			return "", err
		case known && row.Exit != "refused" && (len(row.Mechanisms) > 0 || !row.Ended.IsZero()): // its command runs, or has run
			return row.ID, nil
		case over: // it ended before it was a run
			return "", refusedRun(output, cmd.ProcessState)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ended:
			ended, over = nil, true
		case <-time.After(wait):
		}
	}
}

// refusedRun is what a supervisor said that started nothing.
func refusedRun(output *words, state *os.ProcessState) error {
	err := output.said()
	known, is := errors.AsType[*failure](err)
	if !is {
		return err
	}
	known.code = state.ExitCode()
	return known
}

// runOfProcess is the newest run of a supervisor that was started at a time.
func runOfProcess(ctx context.Context, c *client.Client, agent, kind string, pid int, since time.Time) (event.Run, bool, error) {
	var list wire.AgentsResult
	if err := c.Call(ctx, wire.MethodAgents, nil, &list); err != nil {
		return event.Run{}, false, err
	}
	for i := range list.Agents {
		for j := len(list.Agents[i].Runs) - 1; j >= 0 && list.Agents[i].Name == agent; j-- {
			if row := list.Agents[i].Runs[j]; row.PID == pid && row.Terminal == kind && !row.Started.Before(since) {
				return row, true, nil
			}
		}
	}
	return event.Run{}, false, nil
}

// keepAgent is the process behind --detach: it has no terminal, and keeps what
// the command says.
func (t *terminal) keepAgent(ctx context.Context, agent string, command []string) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	status, err := t.again(func() (sandbox.ExitStatus, error) {
		kept := &keptOutput{}
		masker, err := t.runMasker()
		if err != nil {
			return sandbox.ExitStatus{}, &failure{err: err, hint: hintOf(err), code: exitNotStarted}
		}
		from, in, err := os.Pipe()
		if err != nil {
			return sandbox.ExitStatus{}, &failure{err: fmt.Errorf("keep the output: %w", err), code: exitNotStarted}
		}
		var copying sync.WaitGroup
		copying.Go(func() {
			defer from.Close()
			out := masker.Eager(kept)
			_, _ = io.Copy(out, from) // it never fails to write
			_ = out.Close()           // as above
			kept.close()
		})
		run := *t
		run.out, run.err = in, in
		defer copying.Wait()
		defer in.Close()
		return run.caged(ctx, agent, command, cagedOptions{terminal: event.Kept, begin: func(started wire.RunStarted) error {
			return kept.begin(layout.Output(started.Run))
		}})
	})
	if err != nil {
		return err
	}
	if status.Code != exitOK {
		return exitStatus(status.Code)
	}
	return nil
}

// keptOutput is where the words of a run go once it has a name; before that
// there are none.
type keptOutput struct {
	mu   sync.Mutex
	file *logs.Output
}

func (k *keptOutput) begin(path string) error {
	file, err := logs.OpenOutput(path)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.file = file
	return err
}

func (k *keptOutput) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil {
		return len(p), nil
	}
	return k.file.Write(p)
}

func (k *keptOutput) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file != nil {
		_ = k.file.Close() // nothing follows
	}
}

func agentOutputCommand(t *terminal) *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use: "output RUN", Short: "Show what a run without a terminal says", Args: exactly(1),
		Long:    "Show what a run without a terminal says: one of 'openclaw agent run --detach', or of the screen.",
		Example: "  openclaw agent output 3f9a01c2 --follow",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			return t.showOutput(cmd.Context(), c, args[0], lines, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing what it says, until it ends")
	cmd.Flags().IntVar(&lines, "lines", 0, "the newest so many lines (default 500, at most 5000)")
	return cmd
}

// showOutput prints lines, made harmless for a terminal.
func (t *terminal) showOutput(ctx context.Context, c *client.Client, run string, lines int, follow bool) error {
	cursor, quiet := int64(0), 0
	for {
		live, known, err := runByID(ctx, c, run)
		if err != nil {
			return err
		}
		var out wire.RunOutput
		if err := c.Call(ctx, wire.MethodRunOutput, wire.RunOutputParams{Run: run, Cursor: cursor, Lines: lines}, &out); err != nil {
			return err
		}
		if cursor == 0 && !known && len(out.Lines) == 0 {
			return &failure{err: errors.New("nothing is kept of a run " + printable(run)), hint: "openclaw agent list --json names the runs; only one without a terminal keeps its output"}
		}
		for _, line := range out.Lines {
			t.print("%s", printable(line))
		}
		quiet++
		if len(out.Lines) > 0 {
			quiet = 0
		}
		if cursor == out.Cursor || cursor == 0 { // all that there is for now
			if !follow || !live && quiet > 1 { // its last words may come after its end
				if out.Open != "" {
					t.print("%s", printable(out.Open))
				}
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		}
		cursor = out.Cursor
	}
}

// runByID says whether the gateway knows a run, and whether it goes on.
func runByID(ctx context.Context, c *client.Client, run string) (live, known bool, err error) {
	var list wire.AgentsResult
	if err := c.Call(ctx, wire.MethodAgents, nil, &list); err != nil {
		return false, false, err
	}
	for i := range list.Agents {
		for j := range list.Agents[i].Runs {
			if row := &list.Agents[i].Runs[j]; row.ID == run {
				return row.Ended.IsZero(), true, nil
			}
		}
	}
	return false, false, nil
}

func agentStopCommand(t *terminal) *cobra.Command {
	params := wire.RunStopParams{}
	cmd := &cobra.Command{
		Use: "stop RUN", Short: "End a run", Args: exactly(1), Example: "  openclaw agent stop 3f9a01c2",
		Long: "End a run, wherever it was started: it is asked to, and killed after five seconds; with --kill at once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			params.Run = args[0]
			return t.ask(cmd.Context(), wire.MethodRunStop, params, nil)
		},
	}
	cmd.Flags().BoolVar(&params.Kill, "kill", false, "at once, with all that it started")
	return cmd
}

func agentRestartCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "restart RUN", Short: "Have a run end and its command start again, as a new run", Args: exactly(1), Example: "  openclaw agent restart 3f9a01c2",
		Long: "Have a run end and its command start again, as a new run: on the terminal where it was started, or without one where\n" +
			"it had none. A run whose input is a pipe or a file is refused: what was read of it is gone.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.ask(cmd.Context(), wire.MethodRunStop, wire.RunStopParams{Run: args[0], Restart: true}, nil)
		},
	}
}
