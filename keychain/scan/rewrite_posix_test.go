//go:build unix

package scan

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
)

func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantText(t *testing.T, path, want string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Fatalf("%s: %q %v, want %q", path, got, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Fatalf("%s: %v %v, want %v", path, info.Mode(), err, mode)
	}
}

func TestRewriteKeepsModeAndLink(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range []os.FileMode{0o600, 0o644, 0o755} {
		path := put(t, filepath.Join(dir, "profile"), "old", mode)
		link := filepath.Join(dir, "link")
		_ = os.Remove(link)
		if err := os.Symlink("profile", link); err != nil {
			t.Fatal(err)
		}
		if err := Rewrite(link, []byte("old"), []byte("new")); err != nil {
			t.Fatal(err)
		}
		wantText(t, path, "new", mode)
		if target, err := os.Readlink(link); err != nil || target != "profile" {
			t.Fatalf("the link is gone: %v", err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Fatalf("left %v %v", entries, err)
	}
}

func TestRewriteRefuses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	refuse := func(path string, want error) {
		t.Helper()
		before, _ := os.ReadFile(path)
		if err := Rewrite(path, []byte("old"), []byte("new")); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
	refuse(put(t, at("changed"), "other", 0o600), ErrChanged)
	refuse(put(t, at("readonly"), "old", 0o444), ErrReadOnly)
	put(t, at("linked"), "old", 0o600)
	if err := os.Link(at("linked"), at("other name")); err != nil {
		t.Fatal(err)
	}
	refuse(at("linked"), ErrLinked)
	refuse(dir, ErrKind)
	refuse(at("none"), os.ErrNotExist)
	if os.Getuid() == 0 {
		path := put(t, at("foreign"), "old", 0o666)
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		refuse(path, ErrOwner)
		if err := os.Symlink(path, at("link to it")); err != nil {
			t.Fatal(err)
		}
		refuse(at("link to it"), ErrOwner)
	} else {
		closed := at("closed")
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		path := put(t, filepath.Join(closed, "f"), "old", 0o600)
		if err := os.Chmod(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		refuse(path, os.ErrPermission)
		_ = os.Chmod(closed, 0o700)
	}
}

// TestRewriteTwoAtOnce: of two that read the same text one writes, and the other
// is told.
func TestRewriteTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "f"), "0", 0o600)
	var group sync.WaitGroup
	var wrote atomic.Int64
	for i := range 16 {
		group.Go(func() {
			release, err := Lock(t.Context(), filepath.Join(dir, "lock"))
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			switch err := Rewrite(path, []byte("0"), []byte{'a' + byte(i)}); {
			case err == nil:
				wrote.Add(1)
			case !errors.Is(err, ErrChanged):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if wrote.Load() != 1 {
		t.Fatalf("%d wrote", wrote.Load())
	}
}

const (
	oldText = "A_API_KEY=sk-canary-0123456789abcdef\n"
	newText = "# A_API_KEY is kept by openclaw\n"
)

// TestMain is also the child that writes until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("OPENCLAW_TEST_REWRITE"); path != "" {
		for {
			if Rewrite(path, []byte(oldText), []byte(newText)) != nil {
				os.Exit(1)
			}
			if os.WriteFile(path+".next", []byte(oldText), 0o640) != nil || os.Rename(path+".next", path) != nil {
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// TestRewriteKilled: kill -9 at any point leaves the old or the new text whole, no
// temporary file with the key, and nothing at all after the next rewrite.
func TestRewriteKilled(t *testing.T) {
	leftovers := 0
	for round := range 30 {
		dir := t.TempDir()
		path := put(t, filepath.Join(dir, "f"), oldText, 0o640)
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), "OPENCLAW_TEST_REWRITE="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// When it is killed does not matter to the outcome, only to what is covered.
		time.Sleep(time.Duration(20+round*3) * time.Millisecond)
		_ = child.Process.Kill()
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("the child failed by itself: %v", err)
		}
		text, err := os.ReadFile(path)
		if err != nil || (string(text) != oldText && string(text) != newText) {
			t.Fatalf("after a kill it holds %q, %v", text, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			left, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			if strings.Contains(e.Name(), leftover) {
				leftovers++
				if strings.Contains(string(left), "canary") {
					t.Fatalf("%s holds the key", e.Name())
				}
			}
		}
		_ = os.Remove(path + ".next") // the child's own
		if err := Rewrite(path, text, []byte(newText)); err != nil {
			t.Fatal(err)
		}
		if entries, err = os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Fatalf("left %v %v", entries, err)
		}
	}
	t.Logf("%d kills left a temporary file", leftovers)
}

func TestBackup(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "b.age")
	files := []Original{{Path: "/x/.env", Content: []byte(oldText), After: Sum([]byte(newText))}}
	if err := WriteBackup(path, files, identity.Recipient()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("canary")) || bytes.Contains(raw, []byte(".env")) || IsBackup(path) != nil {
		t.Fatalf("%v: it is not encrypted", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	got, err := ReadBackup(path, identity)
	if err != nil || len(got) != 1 || string(got[0].Content) != oldText || got[0].Path != "/x/.env" {
		t.Fatal(got, err)
	}
	if _, err := ReadBackup(path, other); err == nil {
		t.Fatal("another key opens it")
	}
	if err := WriteBackup(path, files, identity.Recipient()); !errors.Is(err, os.ErrExist) {
		t.Fatalf("a backup was overwritten: %v", err)
	}
	raw[len(raw)-1] ^= 1
	put(t, path, string(raw), 0o600)
	if _, err := ReadBackup(path, identity); err == nil {
		t.Fatal("a damaged backup was taken")
	}
	if err := IsBackup(put(t, path, oldText, 0o600)); !errors.Is(err, ErrBackup) {
		t.Fatal(err)
	}
}

// TestFind: files that cannot be read are said; one file under two names is read
// once.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, ".env"), oldText, 0o600)
	put(t, filepath.Join(dir, ".env.local"), "this is no assignment\n", 0o600)
	put(t, filepath.Join(dir, ".env.big"), strings.Repeat("#", maxFile+1), 0o600)
	if err := os.Symlink(".env", filepath.Join(dir, ".env.link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".gemini"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".gemini", "settings.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, notes := Find(Project(dir))
	if len(files) != 1 || len(files[0].Findings) != 1 || files[0].Findings[0].Name() != "a" || len(notes) != 3 {
		t.Fatalf("%d files, notes %v", len(files), notes)
	}
}
