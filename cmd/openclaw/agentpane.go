package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/creack/pty"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/supervise"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/tui"
	"openclaw/tui/pane"
	"openclaw/tui/view"
)

// paneFlag makes a process the supervisor of a run in a terminal of its own.
const paneFlag = "pane"

// startInPane starts a run in a session of its own, with a terminal of its own that
// outlives this screen.
func (t *terminal) startInPane(ctx context.Context, agent string, command []string, columns, rows int) (run string, err error) {
	return t.startAside(ctx, agent, command, event.InPane, fmt.Sprintf("--%s=%dx%d", paneFlag, columns, rows))
}

// detachWithTerminal starts a run in a terminal of its own, and returns once the gateway
// has it.
func (t *terminal) detachWithTerminal(ctx context.Context, agent string, command []string) error {
	columns, rows := 80, 24
	if width, height, err := term.GetSize(int(t.out.Fd())); err == nil { // a pipe has none
		columns, rows = view.PaneSize(width, height)
	}
	run, err := t.startInPane(ctx, agent, command, columns, rows)
	if err != nil {
		return err
	}
	t.print("run %s of %s goes on; 'openclaw agent attach %s' shows its terminal", run, agent, run)
	return nil
}

// attachPane connects to the terminal of such a run.
func (t *terminal) attachPane(ctx context.Context, run string) (tui.Terminal, error) {
	layout, err := t.layout()
	if err != nil {
		return nil, err
	}
	if !configs.ValidName(run) {
		return nil, errors.New("not a run's name: " + printable(run))
	}
	return pane.Dial(ctx, layout.Pane(run))
}

// paneAgent is the process behind a pane: its terminal is one that it made, is the
// controlling one of its session, and is seen by whoever connects to its socket.
func (t *terminal) paneAgent(ctx context.Context, agent string, command []string, size string) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	var columns, rows int
	if n, err := fmt.Sscanf(size, "%dx%d", &columns, &rows); n != 2 || err != nil {
		return usage("it is such as 80x24", "there is no size %q", size)
	}
	unmade := func(err error) error {
		return &failure{err: fmt.Errorf("make the run's terminal: %w", err), code: exitNotStarted}
	}
	master, slave, err := pty.Open()
	if err != nil {
		return unmade(err)
	}
	defer slave.Close()
	host, err := pane.NewHost(master, columns, rows)
	if err == nil {
		err = controlled(slave)
	}
	if err != nil {
		master.Close()
		return unmade(err)
	}
	reading := make(chan struct{})
	go func() { host.Run(); close(reading) }()
	last := &panes{host: host, layout: layout}
	defer last.close()
	run := *t
	run.in, run.out, run.err = slave, slave, slave
	status, err := run.again(func() (sandbox.ExitStatus, error) {
		status, err := run.caged(ctx, agent, command, cagedOptions{terminal: event.InPane, begin: last.begin})
		if errors.Is(err, supervise.ErrRestart) {
			host.End(ending(status, err))
		}
		return status, err
	})
	slave.Close() // nothing is left in the cage, so this was the last of it
	<-reading
	if last.listener != nil {
		host.End(ending(status, err))
	}
	if err != nil {
		return err
	}
	if status.Code != exitOK {
		return exitStatus(status.Code)
	}
	return nil
}

// panes is the socket of the newest run of a terminal: the same command that is
// started again is another run.
type panes struct {
	host     *pane.Host
	layout   configs.Layout
	listener net.Listener
}

func (p *panes) begin(started wire.RunStarted) error {
	p.close()
	listener, err := pane.Listen(p.layout.Pane(started.Run))
	if err != nil {
		return fmt.Errorf("make the socket of the run's terminal: %w", err)
	}
	p.listener = listener
	p.host.Begin()
	go p.host.Serve(listener) // until it is closed
	return nil
}

func (p *panes) close() {
	if p.listener != nil {
		_ = p.listener.Close() // it takes its file along
	}
}

// ending is how a run ended, for whoever looks at its terminal.
func ending(status sandbox.ExitStatus, err error) string {
	switch {
	case errors.Is(err, supervise.ErrRestart):
		return "started again as a new run"
	case err != nil:
		return printable(err.Error())
	case status.Signal != 0:
		return fmt.Sprintf("signal %d", status.Signal)
	}
	return fmt.Sprintf("exit %d", status.Code)
}
