package main

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker in a release: -ldflags "-X main.version=1.2.3".
var version = "0.1.0-dev" //nolint:gochecknoglobals // the linker sets it; nothing writes it at run time

func versionCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(0), Example: "  openclaw version --json",
		RunE: func(*cobra.Command, []string) error {
			other := shadowedBy(t.getenv("PATH"))
			if asJSON {
				return t.json(map[string]string{
					"version": version, "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH,
					"revision": revision(), "other": other,
				})
			}
			t.print("openclaw %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if other != "" {
				t.print("another program named openclaw stands earlier in PATH: %s", other)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// shadowedBy returns the first openclaw of PATH when it is not this program.
func shadowedBy(path string) string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	own, err := os.Stat(self)
	if err != nil {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, "openclaw")
		info, err := os.Stat(candidate)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		if os.SameFile(info, own) {
			return ""
		}
		return candidate
	}
	return ""
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}
