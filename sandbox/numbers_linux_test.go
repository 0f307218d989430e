//go:build linux

package sandbox_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Who looks for a file comes through folders that only lead to what is allowed, and finds
// what is in that.
func TestFindGoesThroughWhatOnlyLeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t).allow("parts/a/b", "parts/c/d/e").deny("**/.env")
	w.write("parts/a/b/one", "1")
	w.write("parts/c/d/e/f/two", "2")
	w.write("parts/c/other", "3")
	res := w.sh(`find ~/parts -type f | sort | sed "s|$HOME/||"; ls -R ~/parts | grep -cx 'one\|two'; stat -c %i ~/parts ~/parts/* ~/parts/*/* ~/parts/c/d/e ~/parts/c/d/e/f | sort | uniq -d`)
	if res.out != "parts/a/b/one\nparts/c/d/e/f/two\n2\n" || res.err != "" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}

func TestFindGoesThroughWhatOnlyLeadsAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestFindGoesThroughWhatOnlyLeads$")
}

// Below an allowed folder two files of two file systems may have the same number. They stay
// two, and a folder is not taken for its own parent.
func TestFilesOfTwoDevices(t *testing.T) { inMountNamespace(t, "TestFilesOfTwoDevicesHere") }

func TestFilesOfTwoDevicesHere(t *testing.T) {
	if os.Getenv(mountsVariable) == "" {
		t.Skip("TestFilesOfTwoDevices runs this in a mount namespace")
	}
	// What is denied in them and not there has the gate serve both folders.
	w := newWorld(t).allow("project").deny("project/one/none", "project/one/two/none")
	for _, name := range []string{"project/one", "project/one/two"} { // each a tmpfs, whose numbers begin anew
		if err := os.Mkdir(w.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", w.path(name), "tmpfs", 0, "inode64"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(w.path(name), unix.MNT_DETACH) })
	}
	number := func(name string) uint64 {
		t.Helper()
		var stat unix.Stat_t
		if err := unix.Lstat(w.path(name), &stat); err != nil {
			t.Fatal(err)
		}
		return stat.Ino
	}
	w.write("project/one/file", "1")
	w.write("project/one/two/file", "2")
	for number("project/one/two/file") < number("project/one/file") { // the folder in the other took a number
		if err := os.Rename(w.path("project/one/two/file"), w.path("project/one/two/old")); err != nil {
			t.Fatal(err)
		}
		w.write("project/one/two/file", "2")
	}
	if number("project/one") != number("project/one/two") || number("project/one/file") != number("project/one/two/file") {
		t.Fatal("the two file systems number their files in different ways: this proves nothing")
	}
	res := w.sh(`cd ~/project; find one -name file | sort; find one -printf '%D %i\n' | sort | uniq -d; cp one/file one/two/file && cat one/two/file; stat -fc %T one one/two`)
	if res.out != "one/file\none/two/file\n1fuseblk\nfuseblk\n" || res.err != "" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}
