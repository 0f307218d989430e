package gateway

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"openclaw/configs"
)

// leftBehind makes a socket that nobody listens on, as a killed process leaves it.
func leftBehind(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

// What a killed supervisor leaves of its terminal goes, and what somebody listens
// on, is no socket or was made just now stays.
func TestSocketsOfKilledSupervisorsGo(t *testing.T) {
	layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
	if err := os.MkdirAll(layout.Run(), 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	leftBehind(t, layout.Pane("gone"))
	leftBehind(t, layout.Pane("young"))
	live, err := net.Listen("unix", layout.Pane("live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := os.WriteFile(layout.Pane("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, run := range []string{"gone", "live", "file"} {
		if err := os.Chtimes(layout.Pane(run), old, old); err != nil {
			t.Fatal(err)
		}
	}
	there := func(run string) bool { _, err := os.Lstat(layout.Pane(run)); return err == nil }
	build(t, layout, freePort(t), "", nil).run()
	until(t, "the old socket is gone", func() bool { return !there("gone") })
	for _, run := range []string{"young", "live", "file"} {
		if !there(run) {
			t.Errorf("%s was removed", run)
		}
	}
}
