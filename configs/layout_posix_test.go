//go:build linux || darwin || freebsd || netbsd || openbsd

package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Another user who was there first, in a state folder under /tmp for one, gets
// none of what is kept there.
func TestFoldersOfAnotherUserAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make another user's folder")
	}
	const stranger = 4711
	for name, prepare := range map[string]func(root string) error{
		"root": func(root string) error { return errors.Join(os.Mkdir(root, 0o777), os.Chown(root, stranger, stranger)) },
		"a part": func(root string) error {
			keys := filepath.Join(root, "keys")
			return errors.Join(os.MkdirAll(keys, 0o777), os.Chown(keys, stranger, stranger))
		},
		"a link to a folder of ours": func(root string) error {
			ours, link := root+"-ours", filepath.Join(root, "logs")
			return errors.Join(os.Mkdir(ours, 0o700), os.Mkdir(root, 0o777), os.Symlink(ours, link), os.Lchown(link, stranger, stranger))
		},
		"our link to theirs": func(root string) error {
			theirs := root + "-theirs"
			return errors.Join(os.Mkdir(theirs, 0o700), os.Chown(theirs, stranger, stranger), os.Symlink(theirs, root))
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "s")
			if err := prepare(root); err != nil {
				t.Fatal(err)
			}
			if err := (Layout{Root: root}).Make(); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestFoldersAreTightenedAndLinksOfOursFollowed(t *testing.T) {
	base := t.TempDir()
	elsewhere, root := filepath.Join(base, "elsewhere"), filepath.Join(base, "s")
	if err := errors.Join(os.Mkdir(elsewhere, 0o755), os.Chmod(elsewhere, 0o755), os.Symlink(elsewhere, root), os.Mkdir(filepath.Join(elsewhere, "keys"), 0o777)); err != nil {
		t.Fatal(err)
	}
	layout := Layout{Root: root}
	if err := errors.Join(layout.Make(), layout.Make()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, layout.Keys(), layout.Logs(), layout.Run(), layout.State()} {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

// A home folder that is not a full path would be another one wherever openclaw
// is started: two gateways, two configs.
func TestARelativeHomeIsRefused(t *testing.T) {
	of := func(home, state string) func(string) string {
		return func(name string) string { return map[string]string{"HOME": home, "OPENCLAW_HOME": state}[name] }
	}
	if _, err := FindLayout(of("home", "")); err == nil || !strings.Contains(err.Error(), `HOME is "home"`) {
		t.Errorf("got %v", err)
	}
	for _, getenv := range []func(string) string{of("/home", ""), of("home", "state")} {
		if layout, err := FindLayout(getenv); err != nil || !filepath.IsAbs(layout.Root) {
			t.Errorf("got %q, %v", layout.Root, err)
		}
	}
}
