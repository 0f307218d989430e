package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An agent may make folders, each in the one before, until the last one's path is longer
// than the kernel takes. That bars no later run of it, nor of another agent that shares
// the folder, and what a pattern denies is refused in the rest of the tree.
func TestFoldersWithTooLongAPath(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/file", "a file")
	w.write("project/sub/.env", "PASSWORD")
	deep(t, w.path("project"), "PASSWORD")
	res := w.sh(`cd ~/project; cat file sub/.env; for i in $(seq 20); do cd ` + longName + ` || break; done; cat .env; cd /; cat /proc/self/cwd/.env`)
	if res.out != "a file" {
		t.Errorf("out %q, err %q, warnings %q", res.out, shortened(res.err), res.report.Warnings)
	}
}

func TestFoldersWithTooLongAPathAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestFoldersWithTooLongAPath$")
}

const longName = long50 + long50 + long50 + long50 + long50

const long50 = "dddddddddddddddddddddddddddddddddddddddddddddddddd"

// deep makes 20 folders in one another, with a .env in the last, which no path reaches.
func deep(t *testing.T, start, content string) {
	t.Helper()
	root, err := os.OpenRoot(start)
	for range 20 {
		if err != nil {
			break
		}
		if err = root.Mkdir(longName, 0o700); err != nil {
			break
		}
		var next *os.Root
		next, err = root.OpenRoot(longName)
		_ = root.Close()
		root = next
	}
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // only read
	if err := root.WriteFile(".env", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Join(start, longName)) })
}

func shortened(text string) string { return strings.ReplaceAll(text, longName, "d…") }
