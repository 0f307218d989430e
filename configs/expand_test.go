package configs

import (
	"path/filepath"
	"testing"
)

// What is written into a config for a path is read as that path, whatever is in its
// name and in the home folder's.
func FuzzWrittenPath(f *testing.F) {
	for _, seed := range [][2]string{
		{"/home/ada/a$b", "/home/ada"}, {"/home/$ada/x", "/home/$ada"}, {"/home/$$/${HOME}/~", "/home/$$/"}, {"/", "/"}, {"/home/adas", "/home/ada"},
		{"/home/ada", "/home/ada"}, {"/~/x", "/"}, {"/a//b/../c", "/a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, home string) {
		if !filepath.IsAbs(path) || !filepath.IsAbs(home) {
			return
		}
		path = filepath.Clean(path)
		written := WrittenPath(path, home)
		read, err := expandPath(written, home, func(name string) string {
			t.Errorf("%q asks for the variable %s", written, name)
			return "/"
		})
		if err != nil || read != path {
			t.Errorf("%q below %q is written %q and read %q, %v", path, home, written, read, err)
		}
	})
}
