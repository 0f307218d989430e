package sandbox_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// An answer that comes with an error is a denial, whatever it says: to a file, a
// program and a connection.
func TestAYesWithAnErrorIsANo(t *testing.T) {
	for class, script := range map[policy.Class]string{
		policy.ClassPathRead:  "cat ~/other/notes.txt",
		policy.ClassPathWrite: "echo new > ~/other/made",
		policy.ClassExec:      "~/other/tool",
		policy.ClassNet:       `perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); connect(S, pack_sockaddr_in(7000, inet_aton("allowed.test"))) or exit 1; syswrite(S, "x"); exit !sysread(S, $x, 1)'`,
	} {
		t.Run(string(class), func(t *testing.T) {
			w := newWorld(t).allow("project")
			w.write("other/tool", "#!/bin/sh\necho ran\n")
			if err := os.Chmod(w.path("other/tool"), 0o755); err != nil {
				t.Fatal(err)
			}
			w.perms.Ask = []policy.Class{class}
			spec := w.spec("sh", "-c", script+" 2>/dev/null && echo done || echo refused")
			var asked atomic.Int64
			spec.Asker = askerUntil(func(context.Context, sandbox.Denial) (bool, error) {
				asked.Add(1)
				return true, errors.New("the gateway is away")
			})
			_, wait := start(t, spec)
			res := wait()
			if res.out != "refused\n" || asked.Load() == 0 || len(res.denials) == 0 || w.exists("other/made") {
				t.Errorf("out %q, err %q, asked %d times, denials %q", res.out, res.err, asked.Load(), w.brief(res.denials))
			}
		})
	}
}
