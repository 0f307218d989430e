package sandbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// BenchmarkTree reads 20,000 small files, and asks git for the state of 5,000,
// bare and in cages: one without a denied path in the tree, one with a denied
// file in its root, and one with a denied pattern, for which the whole tree is
// served by the gate.
func BenchmarkTree(b *testing.B) {
	w := newWorld(b)
	big, repository := w.tree("big", 20_000), w.tree("repository", 5_000)
	w.write("repository/.gitignore", ".env\n") // as people have it: git does not look at the file then
	git := exec.CommandContext(b.Context(), "sh", "-c", "git init -q . && git add -A && git -c user.name=a -c user.email=a@b.c commit -qm x && git status >/dev/null")
	git.Dir = repository
	if out, err := git.CombinedOutput(); err != nil {
		b.Skipf("git: %v %s", err, out)
	}
	for _, task := range []struct{ name, script string }{
		{"read", "cd " + big + " && find . -type f -exec cat {} + | wc -c"},
		{"status", "cd " + repository + " && git -c core.fsmonitor=false status --porcelain"},
	} {
		b.Run(task.name+"/bare", func(b *testing.B) {
			for b.Loop() {
				if out, err := exec.CommandContext(b.Context(), "sh", "-c", task.script).CombinedOutput(); err != nil {
					b.Fatalf("%v %s", err, out)
				}
			}
		})
		for _, kind := range []struct {
			name string
			deny []string
		}{{"open", nil}, {"denied file", []string{"big/.env", "repository/.env"}}, {"denied pattern", []string{"big/**/.env", "repository/**/.env"}}} {
			b.Run(task.name+"/"+kind.name, func(b *testing.B) {
				w.perms.AllowedPaths, w.perms.DeniedPaths = nil, nil
				spec := w.allow("big", "repository").deny(kind.deny...).spec("sh", "-c", task.script)
				for b.Loop() {
					_, wait := start(b, spec)
					if res := wait(); res.status.Code != 0 || len(res.denials) != 0 {
						b.Fatalf("%+v", res)
					}
				}
			})
		}
	}
}

// tree makes folders of 100 small files.
func (w *world) tree(name string, files int) string {
	w.t.Helper()
	for i := range files {
		w.write(fmt.Sprintf("%s/sub%d/dir%d/file%d.go", name, i%10, i/100, i), fmt.Sprintf("package p%d\n", i))
	}
	w.write(name+"/.env", "PASSWORD=x")
	if err := os.Chmod(w.path(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}
