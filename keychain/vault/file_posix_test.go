//go:build unix

package vault

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"openclaw/keychain"
)

// A vault file proves by itself what it is, whoever owns it: one that is read-only, open to
// others or somebody else's is read, and the next change puts one in its place that is its
// writer's alone. In a folder that cannot be written to a change is refused, says so,
// and the vault stays as it was.
func TestAVaultFileIsItsWritersAlone(t *testing.T) {
	t.Parallel()
	v, path := newVault(t)
	set(t, v, "a", "1")
	loosen := map[string]func() error{
		"read-only":      func() error { return os.Chmod(path, 0o400) },
		"open to others": func() error { return os.Chmod(path, 0o644) },
	}
	if os.Geteuid() == 0 { // nobody else may give a file away
		loosen["somebody else's"] = func() error { return os.Chown(path, 65534, 65534) }
	}
	for name, change := range loosen {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		want(t, v, "a", "1")
		set(t, v, "b", name)
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 || ownerOf(t, info) != os.Geteuid() {
			t.Errorf("%s, and after a change it is %v of %d: %v", name, info.Mode(), ownerOf(t, info), err)
		}
		want(t, v, "b", name)
	}
	if os.Geteuid() == 0 {
		return // nothing is read-only to root
	}
	folder := filepath.Dir(path)
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	wantKind(t, v.Set(t.Context(), "a", keychain.NewSecret([]byte("2"))), keychain.KindFailed)
	want(t, v, "a", "1")
}

func ownerOf(t *testing.T, info fs.FileInfo) int {
	t.Helper()
	status, is := info.Sys().(*syscall.Stat_t)
	if !is {
		t.Fatal("the system does not say whose the file is")
	}
	return int(status.Uid)
}
