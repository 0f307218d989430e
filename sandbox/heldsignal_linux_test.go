package sandbox_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// An open that waits for an answer is held like a slow disk's: what stops a job, lets
// it go on or tells of something changes nothing. What is to end it ends the ask, also
// when another signal came before.
func TestHeldOpenAndSignals(t *testing.T) {
	needBash(t)
	for name, way := range map[string]struct{ signals, says string }{
		"news":     {"TSTP ALRM WINCH CHLD URG TTIN CONT", "it has kept\nstatus 0\n"},
		"end":      {"TSTP CONT ALRM TERM", "told\nstatus 3\n"},
		"kill":     {"TSTP CONT TSTP KILL", "status 137\n"},
		"killed":   {"WINCH KILL", "status 137\n"},
		"by death": {"TSTP HUP CONT", "status 129\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write("other/text", "kept\n")
			w.perms.Ask = []policy.Class{policy.ClassPathRead}
			mark := func(name string) string { return w.path(".openclaw/agents/coder/" + name) }
			spec := w.spec("bash", "-c", `bash -c 'trap : ALRM WINCH CHLD URG CONT; trap "echo told; exit 3" TERM
				read -r line < '"$0"' && echo "it has $line"' &
				until [ -e `+mark("asked")+` ]; do sleep 0.01; done
				for signal in `+way.signals+`; do kill -$signal $!; done
				: > `+mark("sent")+`; wait $!; echo status $?`, w.path("other/text"))
			ended := make(chan error, 1)
			spec.Asker = askerUntil(func(ctx context.Context, d sandbox.Denial) (bool, error) {
				if d.Operation != "open" {
					return true, nil
				}
				if err := os.WriteFile(mark("asked"), nil, 0o600); err != nil {
					return false, err
				}
				for range 9000 {
					if _, err := os.Stat(mark("sent")); err == nil && name == "news" {
						ended <- nil
						return true, nil
					}
					select {
					case <-ctx.Done():
						ended <- ctx.Err()
						return false, ctx.Err()
					case <-time.After(10 * time.Millisecond):
					}
				}
				ended <- errors.New("nothing ended the ask")
				return false, nil
			})
			_, wait := start(t, spec)
			res := wait()
			err := errors.New("nobody was asked")
			select {
			case err = <-ended:
			default:
			}
			var want error
			if name != "news" {
				want = context.Canceled
			}
			if !errors.Is(err, want) || !strings.HasSuffix(res.out, way.says) {
				t.Errorf("%v, out %q, err %q", err, res.out, res.err)
			}
		})
	}
}
