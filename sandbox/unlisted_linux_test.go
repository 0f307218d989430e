package sandbox_test

import (
	"os"
	"testing"
)

// A folder that its owner may enter and not list is no place for a denied pattern
// to be missed in: whoever knows the name opens the file.
func TestPatternInUnlistedFolder(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/closed/.env", "PASSWORD=closed")
	w.write("project/closed/deep/.env", "PASSWORD=deep")
	if err := os.Chmod(w.path("project/closed"), 0o300); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(w.path("project/closed"), 0o700) })
	res := w.sh("cd ~/project; cat closed/.env; cat closed/deep/.env; chmod 700 closed; cat closed/.env; cat closed/deep/.env; cat main.go")
	if res.out != "package main" {
		t.Errorf("out %q, err %q, warnings %q", res.out, res.err, res.report.Warnings)
	}
}

func TestPatternInUnlistedFolderAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestPatternInUnlistedFolder$")
}
