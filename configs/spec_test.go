package configs

import (
	"os"
	"path/filepath"
	"testing"
)

// testOptions is a state folder and a home of the test's own, with no variable
// set.
func testOptions(tb testing.TB) Options {
	tb.Helper()
	home := tb.TempDir()
	root := filepath.Join(home, ".openclaw")
	if err := os.MkdirAll(root, 0o700); err != nil {
		tb.Fatal(err)
	}
	return Options{Layout: Layout{Root: root}, Home: home, Getenv: func(string) string { return "" }}
}

// TestSpecificationLoads: every block that the specification prints loads as it
// stands, with no error.
func TestSpecificationLoads(t *testing.T) {
	files, err := filepath.Glob("testdata/spec/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			options := testOptions(t)
			path := filepath.Join(options.Layout.Root, "config.yaml")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			snapshot, err := Load(path, options)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range snapshot.Warnings {
				t.Log(w)
			}
		})
	}
}
