package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foldersIn lists what a reduced run has on the disk.
func foldersIn(t *testing.T, temporary string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(temporary, "openclaw-run.*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The temporary files of a reduced run whose supervisor was killed go with the next run,
// and nobody else's: not those of a run that lives, nor what no run of this user made.
func TestLeftFolders(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	killed, _, mark := reducedSupervisor(t, `mkdir -p "$TMPDIR/module/cache"; echo x > "$TMPDIR/module/cache/file"; chmod 0555 "$TMPDIR/module/cache" "$TMPDIR/module"; touch "$TMPDIR/done"; sleep MARK`)
	left := foldersIn(t, temporary)
	if len(left) != 1 {
		t.Fatalf("one run has %q", left)
	}
	eventually(t, "the run has written", func() bool { _, err := os.Stat(filepath.Join(left[0], "tmp/done")); return err == nil })
	kill(t, killed.Process.Pid)
	eventually(t, "no sleeper is left", func() bool { return len(marked(t, mark)) == 0 })
	_ = killed.Wait()

	reducedSupervisor(t, "sleep MARK")
	living := foldersIn(t, temporary)
	if len(living) != 1 || living[0] == left[0] {
		t.Fatalf("beside a run that lives: %q, of one that was killed: %q", living, left)
	}
	// Nothing is followed from there: a link has the name, and one lies in a left folder.
	others := t.TempDir()
	for _, name := range []string{filepath.Join(others, "kept"), filepath.Join(temporary, "openclaw-run.x", "tmp", "y")} {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"openclaw-run.link", "openclaw-run.x/tmp/link"} {
		if err := os.Symlink(others, filepath.Join(temporary, link)); err != nil {
			t.Fatal(err)
		}
	}
	if res := newWorld(t).reduced().sh(`mkdir -p "$TMPDIR/a/b" && chmod 0 "$TMPDIR/a"`); res.status.Code != 0 {
		t.Fatalf("%+v %s", res.status, res.err)
	}
	if now := foldersIn(t, temporary); len(now) != 2 || now[0] != living[0] && now[1] != living[0] {
		t.Errorf("left are %q, of which %q is to stay, and a link", now, living)
	}
	for _, name := range []string{filepath.Join(living[0], "tmp"), filepath.Join(others, "kept"), filepath.Join(temporary, "openclaw-run.link")} {
		if _, err := os.Lstat(name); err != nil {
			t.Error(err)
		}
	}
}

func TestLeftFoldersAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestLeftFolders$") }

// A folder for temporary files that cannot be used is named as what is to be changed, and
// nothing is left there.
func TestReducedWithoutATemporaryFolder(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{long, filepath.Join(long, "none")} {
		t.Setenv("TMPDIR", name)
		w := newWorld(t).reduced()
		if _, _, err := tryStart(t, w.spec("true")); err == nil || !strings.Contains(hintOf(err), "TMPDIR") {
			t.Errorf("%s: %v (%s)", name, err, hintOf(err))
		}
		if left := foldersIn(t, long); len(left) != 0 {
			t.Errorf("left are %q", left)
		}
	}
}
