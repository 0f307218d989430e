package sandbox_test

import (
	"os"
	"syscall"
	"testing"
)

// What another program makes of a folder on the way to a denied path keeps no command
// from running: a pipe without a writer would hold whoever opens it for ever.
func TestStartBesideAPipeOnTheWay(t *testing.T) {
	for _, denied := range []string{"project/secret/key", "project/secret/*/key", "project/secret/**/key"} {
		w := newWorld(t).allow("project").deny(denied)
		if err := os.RemoveAll(w.path("project/secret")); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(w.path("project/secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if res := w.sh(`cat ~/project/main.go; stat -c %F ~/project/secret`); res.out != "package mainfifo\n" {
			t.Errorf("%s: %+v", denied, res)
		}
	}
}
