package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/spool"
)

const (
	spoolBatch = 1000             // rows that go on record together
	spoolWait  = 30 * time.Second // for a supervisor that lives to take its run back
)

// RunRecord is what the audit log holds of one run.
type RunRecord struct {
	Rows  map[uint64]bool // numbers of the refusals that are on record
	Ended bool
}

// spooled puts on record what a cage refused while no gateway ran. With a run
// it is that run's supervisor who waits for it; without one it is what nobody
// came back for. What is on record is taken away; what could not be recorded
// stays, and an error says so.
func (r *runs) spooled(ctx context.Context, run string) error {
	g := r.g
	r.spooling.Lock()
	defer r.spooling.Unlock()
	files, err := spool.Files(g.deps.Layout.Spool(), run)
	problems := []error{err} // one file that cannot be read keeps no other from the record
	for _, file := range files {
		if run != "" || r.unclaimed(file) {
			problems = append(problems, r.recordFile(ctx, file))
		}
		file.Close()
	}
	return errors.Join(problems...)
}

// unclaimed reports whether no supervisor will come back for a file.
func (r *runs) unclaimed(file *spool.File) bool {
	r.mu.Lock()
	live := r.live[file.Header.Run] != nil
	r.mu.Unlock()
	return !live && (!supervised(&file.Header) || r.g.deps.Now().Sub(file.Header.Begun) > spoolWait)
}

// supervised reports whether the supervisor that wrote a file may live still.
func supervised(by *spool.Header) bool { return alive(by.PID) && !by.Replaced() }

// recordFile goes by the numbers of the rows: a gateway may have died over this
// file, or over the report that its first rows came from.
func (r *runs) recordFile(ctx context.Context, file *spool.File) error {
	g, header := r.g, file.Header
	if !configs.ValidName(header.Run) || !configs.ValidName(header.Agent) {
		return fmt.Errorf("read %s: %w", file.Path, spool.ErrBroken)
	}
	known, err := g.deps.AuditRun(ctx, header.Run)
	if err != nil {
		return fmt.Errorf("read what is on record: %w", err)
	}
	exit, refusals := "", 0
	var batch []event.Denial
	record := func() error {
		defer func() { batch = batch[:0] }()
		return g.registry.DenyKept(ctx, batch...)
	}
	damaged, err := file.Entries(func(e spool.Entry) error {
		if e.Exit != "" {
			exit = short(e.Exit)
		}
		if e.Denial == nil || known.Rows[e.Row] {
			return nil
		}
		d := *e.Denial
		d.Agent, d.Run, d.ID, d.Row = header.Agent, header.Run, "", e.Row
		batch = append(batch, d)
		refusals += max(d.Count, 1)
		if len(batch) < spoolBatch {
			return nil
		}
		return record()
	})
	if err == nil && len(batch) > 0 {
		err = record()
	}
	if err != nil {
		return fmt.Errorf("record what was refused without a gateway: %w", err)
	}
	// It may have ended while this was recorded: then another file says how.
	if exit == "" && !supervised(&header) && !file.Others() {
		exit = "lost"
	}
	r.mu.Lock()
	told := r.told[header.Run]
	r.mu.Unlock()
	if exit != "" && !known.Ended && !told {
		if err := g.auditAct(ctx, "local", AuditEntry{
			Event: "run_end", Action: "end", Target: header.Agent, Reason: exit, Details: map[string]any{"run": header.Run},
		}); err != nil {
			return err
		}
	}
	g.log.Info("refusals of a time without a gateway are on record", slog.String("agent", header.Agent), slog.String("run", header.Run), slog.Int("count", refusals))
	if !file.Others() {
		r.forget(header.Run)
	}
	if damaged == 0 {
		return file.Remove()
	}
	name, err := file.SetAside()
	if err != nil {
		return err
	}
	g.log.Error("refusals of a time without a gateway are lost: lines of their file are damaged", slog.String("file", name), slog.Int("lines", damaged))
	g.notice("error", fmt.Sprintf("refusals of agent %s are lost: %d lines of %s are damaged", header.Agent, damaged, name))
	return nil
}

// lastWord is how a run ended whose supervisor is gone, as that left it on the disk
// because this gateway was too busy to be told. spooled says that there is a file of it.
// Nothing is known yet while files are read.
func (r *runs) lastWord(run string) (exit string, spooled, known bool) {
	if !r.spooling.TryLock() {
		return "", false, false
	}
	defer r.spooling.Unlock()
	exit = "lost"
	files, _ := spool.Files(r.g.deps.Layout.Spool(), run) // who records them tells of what is wrong with them
	for _, file := range files {
		if said, err := file.Exit(); err == nil && said != "" {
			exit = short(said)
		}
		file.Close()
	}
	return exit, len(files) > 0, true
}

// lookForSpooled tells of what nobody came back for, and of what cannot be
// recorded once, until that changes.
func (r *runs) lookForSpooled(ctx context.Context) {
	problem := ""
	if err := r.spooled(ctx, ""); err != nil && ctx.Err() == nil {
		problem = err.Error()
	}
	if problem != "" && problem != r.spoolProblem {
		r.g.log.Error("refusals of a time without a gateway are not on record", slog.String("error", problem))
		r.g.notice("error", "refusals of a time without a gateway are not on record: "+problem)
	}
	r.spoolProblem = problem
}
