package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

type askerUntil func(context.Context, sandbox.Denial) (bool, error)

func (a askerUntil) Ask(ctx context.Context, d sandbox.Denial) (bool, error) { return a(ctx, d) }

// A program that hangs up before the person has answered, and lives on, is not
// asked for any longer.
func TestAskEndsWithItsConnection(t *testing.T) {
	needBash(t)
	ways(t, testAskEndsWithItsConnection)
}

func testAskEndsWithItsConnection(t *testing.T, way string) {
	t.Helper()
	w := newWorld(t)
	yes := true
	w.perms.NetworkAccess, w.perms.Ask = &yes, []policy.Class{policy.ClassNet}
	w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}}
	spec := w.spec("bash", "-c", `await() { for i in {1..2400}; do [ -e $1 ] && return; sleep 0.05; done; exit 1; }
		exec 9<>/dev/tcp/asked.test/7000; printf 'GET / HTTP/1.1\r\n\r\n' >&9; await asked; exec 9>&-; await over; echo lived`)
	mark := func(name string) {
		if err := os.WriteFile(w.path(".openclaw/agents/coder/"+name), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
	ended := make(chan error, 1)
	spec.Asker = askerUntil(func(ctx context.Context, d sandbox.Denial) (bool, error) {
		defer mark("over")
		mark("asked")
		select {
		case <-ctx.Done():
			ended <- ctx.Err()
		case <-time.After(time.Minute):
			ended <- fmt.Errorf("the ask of process %d for %s goes on", d.PID, d.Target)
		}
		return false, ctx.Err()
	})
	_, wait := startBy(t, way, spec)
	res := wait()
	err := errors.New("nobody was asked")
	select {
	case err = <-ended:
	default:
	}
	if !errors.Is(err, context.Canceled) || res.out != "lived\n" {
		t.Errorf("%v, out %q, err %q", err, res.out, res.err)
	}
}
