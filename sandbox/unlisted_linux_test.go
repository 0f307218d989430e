package sandbox_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A folder that its owner may enter and not list is no place for a denied pattern
// to be missed in: whoever knows the name opens the file.
func TestPatternInUnlistedFolder(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/closed/.env", "PASSWORD=closed")
	w.write("project/closed/deep/.env", "PASSWORD=deep")
	w.write("project/closed/deep/file", "deep file")
	if err := os.Chmod(w.path("project/closed"), 0o300); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(w.path("project/closed"), 0o700) })
	res := w.sh(`cd ~/project; cat closed/.env; ls closed/deep >/dev/null; cat closed/deep/.env; chmod 700 closed; ls closed/deep >/dev/null;
		cat closed/.env closed/deep/.env; cd closed; cat .env; cd deep; cat .env file`)
	if res.out != "deep file" {
		t.Errorf("out %q, err %q, warnings %q", res.out, res.err, res.report.Warnings)
	}
}

func TestPatternInUnlistedFolderAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestPatternInUnlistedFolder$")
}

// Nor is one that the agent makes during the run, in which somebody outside leaves
// what is denied: nobody can watch it.
func TestPatternInFolderMadeUnlisted(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	made := w.path("project/made")
	_, try, end := shellIn(t, w)
	defer end()
	if !try("mkdir " + made + " && mkdir -m 0300 " + made + "/closed && mkdir -m 0700 " + made + "/closed/deep && ls " + made) {
		t.Fatal("the folders cannot be made")
	}
	for _, name := range []string{"closed/.env", "closed/deep/.env"} {
		if err := os.WriteFile(filepath.Join(made, name), []byte("PASSWORD"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(made, "closed"), 0o700) })
	// What comes during the run is closed when it is seen.
	for _, name := range []string{"closed/.env", "closed/deep/.env"} {
		for end := time.Now().Add(time.Minute); try("cat " + filepath.Join(made, name)); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s stays readable", name)
			}
		}
	}
}

func TestPatternInFolderMadeUnlistedAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestPatternInFolderMadeUnlisted$")
}
