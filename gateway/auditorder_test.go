package gateway

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"

	"openclaw/gateway/wire"
)

// A process of the person's own is let in while the disk that the audit log is on takes
// its time; what it then does waits for that disk, and is on record behind its entry.
func TestOwnProcessIsLetInBeforeTheDisk(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	answer := sync.OnceFunc(func() { close(slow) })
	defer answer()
	var mu sync.Mutex
	var order []string
	note := func(e AuditEntry) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, e.Event+" "+e.Action)
	}
	h := build(t, newFolder(t), freePort(t), "", func(d *Deps) {
		d.Audit = func(ctx context.Context, e AuditEntry) error {
			if e.Event == "run_start" || e.Event == "authentication" {
				select {
				case <-slow:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			note(e)
			return nil
		}
		d.AuditLater = func(e AuditEntry, _ func(error)) { note(e) }
	}).run()
	h.writeConfig("", asksConfig)
	c := h.local()
	started := make(chan error, 1)
	go func() {
		started <- c.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder", Command: []string{"true"}, PID: os.Getpid()}, nil)
	}()
	select {
	case err := <-started:
		t.Errorf("a run was started before it was on record: %v", err)
	default:
	}
	answer()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	in, act := slices.Index(order, "authentication connect cli"), slices.Index(order, "run_start run")
	if in < 0 || act < in {
		t.Errorf("on record: %q", order)
	}
}
