//go:build linux || darwin || freebsd || netbsd || openbsd

package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBadFiles: what stands in the config's place and is not a config.
func TestBadFiles(t *testing.T) {
	write := func(text string, mode os.FileMode) func(Options, string) error {
		return func(_ Options, path string) error {
			return errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode))
		}
	}
	link := func(target string) func(Options, string) error {
		return func(_ Options, path string) error { return os.Symlink(target, path) }
	}
	const literal = "providers:\n  openai:\n    api_key: sk-proj-0123456789abcdef\n"
	tests := []struct {
		name string
		make func(o Options, path string) error
		want string // empty: it loads
	}{
		{"absent", func(Options, string) error { return nil }, "is not there"},
		{"folder", func(_ Options, path string) error { return os.Mkdir(path, 0o700) }, "is a folder, not a file"},
		{"2 MiB", write(string(bytes.Repeat([]byte("# x\n"), 1<<19)), 0o600), "is 2097152 bytes; a config holds at most 1048576"},
		{"literal key for all to read", write(literal, 0o644), "holds a secret in the clear and is open to others (mode 0644) (chmod 600"},
		{"literal default for the group", write("gateway: {gateway_token: '${X:-abcdefghi}'}\n", 0o640), "holds a secret in the clear"},
		{"literal key, closed", write(literal, 0o600), ""},
		{"no secret, for all to read", write("", 0o644), ""},
		{"for all to write", write("logging: {}\n", 0o602), "can be written by everyone"},
		{"empty, for all to write", write("", 0o602), "can be written by everyone"},
		{"link out of the folder", func(o Options, path string) error {
			return errors.Join(os.WriteFile(filepath.Join(o.Home, "c.yaml"), nil, 0o600), os.Symlink("../c.yaml", path))
		}, "is a symbolic link that leads out of the state folder"},
		{"link over two steps", func(o Options, path string) error {
			out := filepath.Join(o.Home, "c.yaml")
			return errors.Join(os.WriteFile(out, nil, 0o600), os.Symlink(out, filepath.Join(o.Layout.Root, "b.yaml")), os.Symlink("b.yaml", path))
		}, "is a symbolic link that leads out of the state folder"},
		{"link within the folder", func(o Options, path string) error {
			in := filepath.Join(o.Layout.Root, "b.yaml")
			return errors.Join(os.WriteFile(in, nil, 0o600), os.Symlink(in, path))
		}, ""},
		{"link to nothing", link("x"), "leads nowhere"},
		{"link to itself", link("config.yaml"), "leads nowhere"},
		{"device", link("/dev/zero"), "leads out of the state folder"},
		{"pipe that nobody writes to", func(_ Options, path string) error { return syscall.Mkfifo(path, 0o600) }, "is not a regular file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(t)
			path := options.Layout.Config()
			must(t, test.make(options, path))
			_, err := Load(path, options)
			if test.want == "" {
				must(t, err)
				return
			}
			wantProblems(t, err, test.want)
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), "sk-proj") {
				t.Error("the error holds the secret")
			}
		})
	}
}

// TestForeignOwner: an ordinary user's openclaw obeys no config of another
// ordinary user.
func TestForeignOwner(t *testing.T) {
	file := &readResult{mode: 0o600, owner: ownerForeign, real: "/x"}
	if problems := file.modeProblems("config.yaml", false); len(problems) != 1 || problems[0].Warning {
		t.Errorf("%v", problems)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	must(t, os.WriteFile(path, nil, 0o600))
	owner := os.Geteuid()
	if owner == 0 { // root's files are everybody's: give it away
		owner = 1234
		must(t, os.Chown(path, owner, owner))
	}
	info, err := os.Stat(path)
	must(t, err)
	for user, want := range map[int]ownership{0: ownerOurs, owner: ownerOurs, owner + 1: ownerForeign} {
		if got := ownerFor(info, user); got != want {
			t.Errorf("user %d: %v", user, got)
		}
	}
}

// A config that was made read-only, or is somebody else's to write, is not replaced by an
// edit; the error says what to do.
func TestAReadOnlyFileIsNotEdited(t *testing.T) {
	const text = "logging: {}\n"
	change := func(d *Document) error { return d.Set("logging.level", "warn") }
	store, path := openTest(t, text)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	err := store.Edit(change)
	_, preview := store.Preview(change)
	for _, err := range []error{err, preview} {
		if err == nil || !strings.Contains(err.Error(), "is read-only (mode 0400) (to let openclaw edit it: chmod u+w "+path) {
			t.Errorf("error %v", err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("%v: it was edited: %q", err, got)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Edit(change); err != nil {
		t.Error(err)
	}
}
