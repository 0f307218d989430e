package sandbox_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// What was held when the policy became stricter is refused by it, whatever a person
// answers afterwards to the question of before: a file, a new one, and a program. The
// denial names the rule of now.
func TestAYesComesTooLateForANarrowerPolicy(t *testing.T) {
	for name, script := range map[string]string{
		"read":    "cat ~/other/notes.txt",
		"create":  "echo new > ~/other/made",
		"program": "~/other/tool",
	} {
		for _, mode := range []string{"full", "reduced", "full, and a no", "reduced, and a no"} {
			mode, no := strings.CutSuffix(mode, ", and a no")
			if name == "program" && mode == "reduced" {
				continue // Landlock does not open it, and nobody is asked
			}
			t.Run(fmt.Sprint(name, " ", mode, " ", !no), func(t *testing.T) {
				w := newWorld(t).allow("project")
				if mode == "reduced" {
					w = w.reduced()
				}
				w.perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassPathWrite}
				if name == "program" {
					w.perms.Ask = []policy.Class{policy.ClassExec}
				}
				w.write("other/notes.txt", "notes\n")
				w.write("other/tool", "#!/bin/sh\necho ran\n")
				if err := os.Chmod(w.path("other/tool"), 0o755); err != nil {
					t.Fatal(err)
				}
				spec := w.spec("sh", "-c", script+" 2>/dev/null && echo done || echo refused")
				w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("other"))
				narrower := w.policy()
				process := make(chan *sandbox.Process, 1)
				var asked atomic.Int64
				spec.Asker = asker(func(d sandbox.Denial) bool {
					asked.Add(1)
					p := <-process
					if _, err := p.Update(narrower); err != nil {
						t.Error(err)
					}
					process <- p
					return !no
				})
				p, wait := start(t, spec)
				process <- p
				res := wait()
				if res.out != "refused\n" || asked.Load() == 0 {
					t.Errorf("out %q, err %q, asked %d times", res.out, res.err, asked.Load())
				}
				if _, err := os.Lstat(w.path("other/made")); !errors.Is(err, fs.ErrNotExist) {
					t.Error("it was made all the same:", err)
				}
				told := false
				for _, d := range res.denials {
					told = told || strings.HasPrefix(d.Rule, "denied_paths")
				}
				if !told {
					t.Errorf("no denial names the rule: %+v", res.denials)
				}
			})
		}
	}
}
