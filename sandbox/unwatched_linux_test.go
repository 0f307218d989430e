package sandbox_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox"
)

// Where there are more folders than can be watched, which another program of the same
// user can see to, what comes to match a denied pattern is refused all the same: the
// gate serves what is not watched.
func TestMoreFoldersThanCanBeWatched(t *testing.T) {
	for _, folders := range []int{6, 200} { // a few are left to the gate one by one
		w := newWorld(t).allow("project")
		w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
		for i := range folders {
			w.write(fmt.Sprintf("project/many/%03d/deep/file", i), "a file")
		}
		k := talkTo(t, w.spec("sh"), watchingAtMost(4))
		k.run(`cat ~/project/many/*/deep/file >/dev/null`)
		k.warns("than this run can watch: those that it cannot, ")
		open := func() (names []string) {
			for i := range folders {
				if i%50 != 5 && i%50 != 1 {
					continue
				}
				name := fmt.Sprintf("project/many/%03d/deep", i)
				w.write(name+"/.env", "PASSWORD")
				if k.works("cat ~/" + name + "/.env") {
					names = append(names, name)
				}
				if !k.works("cat ~/" + name + "/file && touch ~/" + name + "/new") {
					t.Errorf("%s is closed", name)
				}
			}
			return names
		}
		for range 200 { // until the first look at all of them is over
			if len(open()) == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		for i := range folders {
			if err := os.RemoveAll(w.path(fmt.Sprintf("project/many/%03d/deep/.env", i))); err != nil {
				t.Fatal(err)
			}
		}
		if names := open(); len(names) != 0 {
			t.Errorf("of %d folders, readable: %q", folders, names)
		}
		k.end()
	}
}

// watchingAtMost is start for a run that watches so many folders.
func watchingAtMost(folders int) func(testing.TB, sandbox.Spec) (*sandbox.Process, func() result) {
	return func(tb testing.TB, spec sandbox.Spec) (*sandbox.Process, func() result) {
		tb.Helper()
		cage, err := sandbox.New(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		cage.WatchAtMost(folders)
		process, err := cage.Start(tb.Context(), spec)
		if err != nil {
			tb.Fatal(err)
		}
		return process, func() result {
			_, err := process.Wait()
			if err != nil {
				tb.Error(err)
			}
			return result{}
		}
	}
}

// Nor do folders that hold something denied, and that are watched twice for it: past the
// limit they are left to the gate with all below.
func TestServedFoldersPastTheLimit(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	for i := range 12 {
		w.write(fmt.Sprintf("project/many/%02d/deep/file", i), "a file")
	}
	k := talkTo(t, w.spec("sh"), watchingAtMost(40)) // 30 are there
	for i := range 12 {
		k.run(fmt.Sprintf("cat ~/project/many/%02d/deep/file", i))
		w.write(fmt.Sprintf("project/many/%02d/deep/.env", i), "PASSWORD")
		k.warns(fmt.Sprintf("project/many/%02d/deep/.env came to match", i))
	}
	k.warns("more folders, or deeper ones, than this run can watch")
	for i := range 12 {
		dir := fmt.Sprintf("project/many/%02d/deep", i)
		w.write(dir+"/new/.env", "PASSWORD")
		w.write(dir+"/new/file", "a file")
		// It is open until it is seen, which may be after the gate has refused it: the
		// folder was bound just before the file was there.
		reads := "cd ~/" + dir + "; cat file new/file; cat .env new/.env 2>&1 | grep -c denied"
		const closed, lasting = "a filea file2", 20
		got, times := "", 0
		for range 500 {
			if got = k.run(reads); got != closed {
				times = 0
			} else if times++; times == lasting {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if times != lasting {
			t.Errorf("%s: %q", dir, got)
		}
	}
	k.end()
}

// A run whose folders cannot be watched any more does not go on unwatched.
func TestWatchThatFailsEndsTheRun(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	k := newTalk(t, w)
	defer func() { _ = k.in.Close() }()
	k.run("true")
	if err := k.process.EndWatch(); err != nil {
		t.Fatal(err)
	}
	status, err := k.process.Wait()
	if typed, ok := errors.AsType[*sandbox.Error](err); !ok || typed.Op != "watch allowed folders" || typed.Hint == "" || status.Signal != int(syscall.SIGKILL) {
		t.Errorf("%+v, %v", status, err)
	}
}

// In folders that lie very deep, which nobody looks through or watches, what a pattern
// denies is refused as everywhere, whenever it was made.
func TestPatternsInDeepFolders(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	before := "project/before" + strings.Repeat("/d", 200)
	w.write(before+"/.env", "PASSWORD")
	w.write(before+"/file", "a file")
	k := newTalk(t, w)
	if got := k.run(`cat ~/` + before + `/file; cd ~/` + before + ` && cat .env 2>&1 | grep -c denied`); got != "a file1" {
		t.Errorf("before: %q", got)
	}
	during := "project/during" + strings.Repeat("/d", 100)
	w.write(during+"/file", "a file")
	k.warns("than this run can watch: those that it cannot, ")
	w.write(during+"/.env", "PASSWORD")
	if got := k.run(`cat ~/` + during + `/file; cat ~/` + during + `/.env 2>&1 | grep -c denied; cd ~/` + before + `; cat .env 2>&1 | grep -c denied`); got != "a file1 1" {
		t.Errorf("during: %q", got)
	}
	k.end()
}

// Another program that moves a large folder to and fro, as fast as it can, does not keep
// the watch from what matters: what comes to match a pattern is refused meanwhile.
func TestWatchBesideAFolderThatNeverRests(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	for i := range 100 {
		for j := range 100 {
			w.write(fmt.Sprintf("project/large/one/%d/%d", i, j), "")
		}
	}
	w.write("project/other/deep/file", "a file")
	k := newTalk(t, w)
	if got := k.run(`cat ~/project/other/deep/file`); got != "a file" {
		t.Fatal(got)
	}
	over, ended, many := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		names := []string{w.path("project/large/one"), w.path("project/large/two")}
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			default:
				_ = os.Rename(names[i%2], names[1-i%2])
			}
			if i == 40_000 { // more than the kernel keeps for who has not read them yet
				close(many)
			}
		}
	}()
	defer func() { close(over); <-ended }()
	<-many
	for _, name := range []string{"project/other/deep/.env", "project/other/new/folder/.env"} {
		w.write(name, "PASSWORD")
		tries := 0
		for ; tries < 1000 && k.works("cat ~/"+name); tries++ {
			time.Sleep(10 * time.Millisecond)
		}
		if tries == 1000 {
			t.Fatalf("%s stays readable", name)
		}
	}
	k.end()
}

// Nor does a large folder that is looked through for the first time: what comes to a
// folder that is watched already is seen before the rest of it.
func TestWhatComesIsSeenBeforeALargeFolder(t *testing.T) {
	const folders = 400
	w := newWorld(t)
	name := func(i int) string { return fmt.Sprintf("large/%03d", i) }
	for i := range folders {
		w.write(name(i)+"/file", "")
	}
	came, seen, before := w.path(name(0)+"/.env"), 0, make(chan int, 1)
	stop, err := sandbox.WatchTree(w.path("large"), func(at string) bool {
		switch {
		case at == came:
			select {
			case before <- seen:
			default: // it was seen already
			}
		case strings.HasSuffix(at, "/file"):
			if seen++; seen == folders/4 {
				w.write(name(0)+"/.env", "PASSWORD")
			}
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case seen := <-before:
		if seen > folders/2 {
			t.Errorf("it is seen after %d of %d folders", seen, folders)
		}
	case <-time.After(time.Minute):
		t.Error("it is not seen")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
