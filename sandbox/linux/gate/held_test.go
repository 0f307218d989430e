//go:build linux

package gate

import (
	"path"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// A name that is let go is looked at again by the cage's first process, with all above it
// that nothing else holds, and that is nothing which the cage came upon: else a folder that
// cannot be bound would be tried for ever. The kernel may believe in it no longer.
func TestLetGo(t *testing.T) {
	folder := t.TempDir()
	var g *Gate
	var again, came []string
	g = testGate(t, Options{
		Policy: &policy.Policy{Paths: []policy.PathRule{{Path: folder, Effect: policy.Allow, Access: policy.AccessRead}}},
		Held:   []string{folder},
		Folder: func(name string, _ Came) { came = append(came, name) },
		LookAgain: func(names []string) {
			again = append(again, names...)
			g.lookUp(t, folder, 0)
		},
	})
	g.lookUp(t, folder, fixedTimeout.Seconds())
	g.LetGo(folder)
	if !slices.Contains(again, folder) || !slices.Contains(again, path.Dir(folder)) || slices.Contains(again, "/") {
		t.Errorf("looked at again: %q", again)
	}
	if came != nil {
		t.Errorf("came upon %q", came)
	}
	g.lookUp(t, folder, 0)
	if !slices.Equal(came, []string{folder}) {
		t.Errorf("came upon %q then", came)
	}
}

// lookUp looks a name up as the kernel does, which may believe the answer for so long.
func (g *Gate) lookUp(t *testing.T, name string, seconds float64) {
	t.Helper()
	var out fuse.EntryOut
	header := &fuse.InHeader{NodeId: g.nodes.remember(path.Dir(name), identity{})}
	if status := g.Lookup(nil, header, path.Base(name), &out); status != fuse.OK || out.EntryTimeout().Seconds() != seconds {
		t.Errorf("%s: %v, believed for %v", name, status, out.EntryTimeout())
	}
}
