//go:build linux

package gate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// writableGate serves a folder of its own.
func writableGate(t *testing.T) (g *Gate, dir string, id uint64) {
	t.Helper()
	dir = t.TempDir()
	g = testGate(t, Options{Policy: &policy.Policy{Paths: []policy.PathRule{{Path: dir, Effect: policy.Allow, Access: policy.AccessWrite}}}})
	var entry fuse.EntryOut
	if code := g.entry(dir, &entry); code != 0 {
		t.Fatal(code)
	}
	return g, dir, entry.NodeId
}

// What a program may do with a file that it asks about is what its mode lets it do, as well
// as the policy: git runs a hook for which that says yes.
func TestAccessHeedsTheMode(t *testing.T) {
	g, dir, _ := writableGate(t)
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var entry fuse.EntryOut
	if code := g.entry(name, &entry); code != 0 {
		t.Fatal(code)
	}
	for _, is := range []struct {
		mode os.FileMode
		lets uint32
	}{{0o600, fuse.R_OK | fuse.W_OK}, {0o500, fuse.R_OK | fuse.X_OK}, {0o200, fuse.W_OK}, {0, 0}} {
		if err := os.Chmod(name, is.mode); err != nil {
			t.Fatal(err)
		}
		for mask := uint32(0); mask <= 7; mask++ {
			want := fuse.OK
			if mask&^is.lets != 0 {
				want = fuse.EACCES
			}
			if got := g.Access(nil, &fuse.AccessIn{InHeader: fuse.InHeader{NodeId: entry.NodeId}, Mask: mask}); got != want {
				t.Errorf("mode %o, asked for %o: %v", is.mode, mask, got)
			}
		}
	}
}

// A pipe has the mode that its maker's mask leaves, whatever this process's own mask is.
func TestPipeHasItsMode(t *testing.T) {
	g, dir, id := writableGate(t)
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	g.mask = ownMask()
	in := fuse.MknodIn{InHeader: fuse.InHeader{NodeId: id}, Mode: syscall.S_IFIFO | 0o666, Umask: 0o002}
	if status := g.Mknod(nil, &in, "pipe", new(fuse.EntryOut)); !status.Ok() {
		t.Fatal(status)
	}
	info, err := os.Stat(filepath.Join(dir, "pipe"))
	if err != nil || info.Mode() != os.ModeNamedPipe|0o664 {
		t.Error(info.Mode(), err)
	}
}

// Times are any that a file can have, and not those alone that nanoseconds count.
func TestTimesFarAway(t *testing.T) {
	for _, year := range []int{1901, 1969, 1970, 2026, 2262, 2263, 2446} {
		at := time.Date(year, 12, 31, 0, 0, 0, 123456789, time.UTC)
		if got := timeOrKeep(at, true); got.Sec != at.Unix() || got.Nsec != 123456789 {
			t.Errorf("%d: %+v", year, got)
		}
	}
}
