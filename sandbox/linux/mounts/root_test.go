//go:build linux

package mounts

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// What others cannot read is found wherever it lies, and nothing else: a folder
// that is closed stands for all that is in it, and a link for nothing.
func TestWhatOnlyRootReadsIsFound(t *testing.T) {
	dir := t.TempDir()
	want := []string{}
	for _, place := range []struct {
		name   string
		mode   fs.FileMode
		folder bool
		closed bool
	}{
		{name: "open", mode: 0o644},
		{name: "key", mode: 0o600, closed: true},
		{name: "group", mode: 0o640, closed: true},
		{name: "a", mode: 0o755, folder: true},
		{name: "a/b", mode: 0o755, folder: true},
		{name: "a/b/fine", mode: 0o444},
		{name: "a/b/key", mode: 0o600, closed: true},
		{name: "closed", mode: 0o700, folder: true, closed: true},
		{name: "closed/key", mode: 0o600},
		{name: "listed", mode: 0o754, folder: true, closed: true},
		{name: "entered", mode: 0o751, folder: true, closed: true},
	} {
		name := filepath.Join(dir, place.name)
		if place.folder {
			if err := os.Mkdir(name, 0o700); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.Chmod(name, 0o700) }()
		} else if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if place.closed {
			want = append(want, name)
		}
		if err := os.Chmod(name, place.mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("key", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, place := range appendIfClosed(nil, unix.AT_FDCWD, dir, dir, fs.ModeDir) {
		got = append(got, place.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found %q instead of %q", got, want)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if all := appendIfClosed(nil, unix.AT_FDCWD, dir, dir, fs.ModeDir); len(all) != 1 || all[0].name != dir {
		t.Errorf("a closed folder: %v", all)
	}
}
