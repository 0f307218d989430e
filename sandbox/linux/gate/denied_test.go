//go:build linux

package gate

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// Who opens what nobody may read has its answer once no other way leads there, and no refusal
// if that is not sure. What may be read has other ways: it was refused for another reason.
func TestRefusedOnceClosed(t *testing.T) {
	dir := t.TempDir()
	readable, denied := filepath.Join(dir, "readable"), filepath.Join(dir, "denied")
	for _, name := range []string{readable, denied} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var heard, refused []string
	late := false
	g := testGate(t, Options{
		Policy:  &policy.Policy{Paths: []policy.PathRule{{Path: readable, Effect: policy.Allow, Access: policy.AccessRead}}},
		Refused: func(r Refusal) { refused = append(refused, r.Path) },
		Denied: func(done <-chan struct{}, name string) bool {
			if !slices.Contains(refused, name) {
				t.Error("closed before it is reported")
			}
			heard = append(heard, name)
			return !late || done == nil
		},
	})
	open := func(done chan struct{}, name string, flags uint32) fuse.Status {
		var entry fuse.EntryOut
		if code := g.entry(name, &entry); code != 0 {
			t.Fatal(code)
		}
		return g.Open(done, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: entry.NodeId}, Flags: flags}, new(fuse.OpenOut))
	}
	if status := open(nil, readable, syscall.O_WRONLY); status != fuse.EACCES || heard != nil {
		t.Errorf("to write what may be read only: %v, %q is closed", status, heard)
	}
	if status := open(nil, denied, syscall.O_RDONLY); status != fuse.EACCES || !slices.Equal(heard, []string{denied}) {
		t.Errorf("what is denied: %v, %q is closed", status, heard)
	}
	given := make(chan struct{})
	close(given)
	if status := open(given, denied, syscall.O_RDONLY); status != fuse.EACCES {
		t.Error("interrupted by a signal of the program's own when all is closed:", status)
	}
	late = true
	if status := open(given, denied, syscall.O_RDONLY); status != fuse.EINTR {
		t.Error("given up:", status)
	}
}
