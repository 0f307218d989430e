package gateway

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

func (r *runs) end(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.RunEndParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	one, err := r.ownedRun(params.Run, call.Conn)
	if err != nil {
		return nil, err
	}
	r.finish(context.WithoutCancel(ctx), one, short(params.Exit))
	return nil, nil
}

// finish kills the token first, and then tells. A run that was taken back meanwhile, which
// is another one of the same id, goes on.
func (r *runs) finish(ctx context.Context, one *run, exit string) {
	r.finishAs(ctx, one, exit, false)
}

// finishAs is finish for an end that may stand in a file of the spool as well.
func (r *runs) finishAs(ctx context.Context, one *run, exit string, spooled bool) {
	g, id := r.g, one.id
	r.mu.Lock()
	if r.live[id] != one {
		r.mu.Unlock()
		return
	}
	delete(r.live, id)
	if spooled {
		r.told[id] = true
	}
	r.mu.Unlock()
	g.agents.Revoke(id)
	g.streams.cut(func(caller auth.Caller) bool { return caller.Run == id })
	g.deps.Masker.Remove(maskName(id)) // it is worth nothing now, and its form is known to every rule
	g.asks.inbox.EndRun(id)
	g.endConnections(id, exit)
	if reason, ended := strings.CutPrefix(exit, "stopped: "); ended {
		g.notice("warn", "a run of agent "+one.agent+" was ended: "+reason)
	}
	g.log.Info("a run ended", slog.String("agent", one.agent), slog.String("run", id), slog.String("exit", exit))
	if one.start.wait(ctx) != nil {
		return // it never began
	}
	ended := g.deps.Now()
	g.auditOver(ctx, endEntry(one.agent, id, exit), func(err error) {
		if spooled {
			r.forget(id) // the file of the spool has it still
		} else {
			r.owe(owedEnd{agent: one.agent, run: id, exit: exit, at: ended})
		}
		g.log.Error("the end of a run could not be audited", slog.Any("error", err))
		g.notice("error", "the end of a run could not be written to the audit log, which is tried again: "+err.Error())
	})
}

func endEntry(agent, run, exit string) AuditEntry {
	return AuditEntry{Event: "run_end", Action: "end", Target: agent, Reason: exit, Details: map[string]any{"run": run}}
}

// owedEnd is the end of a run that is on no record yet.
type owedEnd struct {
	agent, run, exit string
	at               time.Time
}

// maxOwedEnds bounds the ends that wait for a disk that is full: no more begin meanwhile.
const maxOwedEnds = 4096

// owe keeps an end until it can be recorded. Whoever reads the spool meanwhile leaves it
// to this.
func (r *runs) owe(end owedEnd) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.owed) < maxOwedEnds {
		r.owed = append(r.owed, end)
		r.told[end.run] = true
	}
}

// recordOwed writes down what is owed, as far as it can be.
func (r *runs) recordOwed(ctx context.Context) {
	r.mu.Lock()
	owed := r.owed
	r.mu.Unlock()
	for _, end := range owed {
		entry := endEntry(end.agent, end.run, end.exit)
		entry.Details["ended"] = end.at.UTC().Format(time.RFC3339Nano)
		if r.g.auditAct(ctx, "local", entry) != nil {
			return // the others would fail as well
		}
		r.mu.Lock()
		r.owed = r.owed[1:] // this alone takes from it
		r.mu.Unlock()
		r.forget(end.run)
	}
}

// forget takes a run out of those whose end need not be recorded from the spool.
func (r *runs) forget(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.told, run)
}

// endConnections ends a run on the screens, and records the end of what was open of it.
func (g *Gateway) endConnections(run, exit string) {
	closed, _ := g.registry.EndRun(run, exit)
	for i := range closed {
		closed[i].Detail = "the run ended"
		g.auditCarried(&closed[i], true)
	}
}

// left notes that a supervisor's connection ended. One whose process is gone
// loses its token at once, any other has resumeTime to come back.
func (r *runs) left(conn *hub.Conn) {
	r.mu.Lock()
	for _, one := range r.live {
		if one.conn == conn {
			one.conn, one.until = nil, r.g.deps.Now().Add(resumeTime)
		}
	}
	r.mu.Unlock()
	if r.giveUp(context.Background()) {
		select {
		case r.parted <- struct{}{}:
		default:
		}
	}
}

// watch gives up runs whose supervisor does not come back, until ctx ends.
func (r *runs) watch(ctx context.Context) {
	r.g.sweepPanes(ctx)
	r.lookForSpooled(ctx)
	spool := time.NewTicker(spoolLook)
	defer spool.Stop()
	var look <-chan time.Time // nil: every run has its supervisor
	for {
		select {
		case <-ctx.Done():
			r.recordOwed(context.WithoutCancel(ctx))
			return
		case <-spool.C:
			r.recordOwed(ctx)
			r.lookForSpooled(ctx)
			continue
		case <-r.parted:
		case <-look:
		}
		if look = nil; r.giveUp(ctx) {
			look = time.After(runLook)
		}
	}
}

// giveUp ends the runs whose supervisor is gone or stayed away for too long. wait says
// that others may still be taken back.
func (r *runs) giveUp(ctx context.Context) (wait bool) {
	now := r.g.deps.Now()
	lost := map[*run]bool{} // whether its supervisor is gone
	r.mu.Lock()
	for _, one := range r.live {
		if one.conn != nil {
			continue
		}
		if gone := !alive(one.pid); gone || now.After(one.until) {
			lost[one] = gone
		} else {
			wait = true
		}
	}
	r.mu.Unlock()
	for one, gone := range lost {
		exit, spooled := "lost", false
		if gone {
			var known bool
			if exit, spooled, known = r.lastWord(one.id); !known {
				r.g.agents.Revoke(one.id) // nobody has a use for it, and the rest is told a moment later
				wait = true
				continue
			}
			r.g.removePane(one.id)
		}
		r.finishAs(context.WithoutCancel(ctx), one, exit, spooled)
	}
	return wait
}
