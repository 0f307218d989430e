//go:build linux

package gate

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// However many listings a cage holds, and however long they are, they take no more
// of the serving process than their bound; what is closed makes room again.
func TestListingsAreBounded(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("file", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := testGate(t, Options{Policy: &policy.Policy{Paths: []policy.PathRule{{Path: dir, Effect: policy.Allow, Access: policy.AccessRead}}}})
	whole, one, code := g.entries(1, dir, true, false, Found)
	if code != 0 || len(whole) != 102 || one == 0 {
		t.Fatal(code, len(whole), one)
	}
	g.handles.give(one)
	g.handles.most = 10 * one
	id := g.nodes.remember(dir, identity{})
	open := func() (uint64, fuse.Status) {
		var out fuse.OpenOut
		status := g.OpenDir(nil, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: id}}, &out)
		return out.Fh, status
	}
	var lock sync.Mutex
	var held []uint64
	for range 10 {
		number, status := open()
		if status != fuse.OK {
			t.Fatal(status)
		}
		held = append(held, number)
	}
	for _, number := range held[5:] {
		g.ReleaseDir(&fuse.ReleaseIn{Fh: number})
	}
	held = held[:5]
	var openers sync.WaitGroup
	for range 40 {
		openers.Go(func() {
			number, status := open()
			lock.Lock()
			defer lock.Unlock()
			if status == fuse.OK {
				held = append(held, number)
			} else if status != fuse.Status(syscall.ENOMEM) {
				t.Error(status)
			}
		})
	}
	openers.Wait()
	if n := g.handles.listed.Load(); len(held) > 10 || n != int64(len(held))*one {
		t.Errorf("%d listings of %d bytes are open, and %d counted", len(held), one, n)
	}
	for _, number := range held { // a listing that is read twice takes no more
		for range 2 {
			out := fuse.NewDirEntryList(make([]byte, 4096), 0)
			if status := g.ReadDir(nil, &fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Fh: number}, out); status != fuse.OK {
				t.Error(status)
			}
		}
		g.ReleaseDir(&fuse.ReleaseIn{Fh: number})
	}
	if n := g.handles.listed.Load(); n != 0 {
		t.Errorf("%d bytes are counted of listings that are closed", n)
	}
	if number, status := open(); status != fuse.OK {
		t.Error(status)
	} else {
		g.ReleaseDir(&fuse.ReleaseIn{Fh: number})
	}
	g.handles.most = one - 1
	if _, status := open(); status != fuse.Status(syscall.ENOMEM) || g.handles.listed.Load() != 0 {
		t.Errorf("a listing that is too long alone: %v", status)
	}
}
