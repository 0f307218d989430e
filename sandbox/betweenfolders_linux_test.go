package sandbox_test

import "testing"

// Between the folders of a project everything is moved and linked as it is outside: a
// folder with all in it by one rename, which build tools and package managers take for
// granted, and a file by a second name.
func TestMovesBetweenFolders(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		res := newWorld(t).allow("project").sh(`cd ~/project && mkdir -p a/full/of b && echo x > a/full/of/it && echo y > a/file && perl -e '
			rename("a/full", "b/full") or die "folder: $!";
			rename("a/file", "b/file") or die "file: $!";
			link("b/file", "a/second") or die "link: $!";
			print((stat "b/file")[3]);' && cat b/full/of/it a/second`)
		if res.out != "2x\ny\n" || len(res.denials) > 0 {
			t.Errorf("out %q, err %q, %d refusals", res.out, res.err, len(res.denials))
		}
	})
}

func TestMovesBetweenFoldersAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestMovesBetweenFolders$")
}
