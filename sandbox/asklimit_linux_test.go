package sandbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// Whoever answers may pause the clock of the policy, so the cage waits longer than that
// for a yes. It never waits past the cap, whoever says yes then.
func TestACageHoldsAnAskNoLongerThanTheCap(t *testing.T) {
	needBash(t)
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		t.Parallel() // it waits
		w := newWorld(t)
		const timeout = 2 * time.Second
		limit := policy.Duration(timeout)
		w.perms.Ask, w.perms.AskTimeout = []policy.Class{policy.ClassPathRead}, &limit
		w.write("other/paused.txt", "late and in time\n")
		w.write("other/silent.txt", "too late\n")
		spec := w.spec("bash", "-c", "cat "+w.path("other/paused.txt")+"; cat "+w.path("other/silent.txt")+" 2>/dev/null || echo refused")
		var past atomic.Int64
		spec.Asker = askerUntil(func(ctx context.Context, d sandbox.Denial) (bool, error) {
			asked := time.Now()
			if d.Target == w.path("other/paused.txt") {
				select {
				case <-ctx.Done():
				case <-time.After(timeout + timeout/4):
				}
				return true, nil
			}
			<-ctx.Done()
			past.Store(int64(time.Since(asked)))
			return true, nil
		})
		_, wait := startBy(t, way, spec)
		if res := wait(); res.out != "late and in time\nrefused\n" {
			t.Errorf("out %q, err %q", res.out, res.err)
		}
		if held := time.Duration(past.Load()); held < timeout || held > policy.AskCap(timeout)+20*time.Second {
			t.Errorf("held for %v", held)
		}
	})
}
