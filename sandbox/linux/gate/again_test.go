//go:build linux

package gate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// A file that came to be denied is opened once by the name that it has for that, which gives
// nothing of what is in it; by no other name, not again, and nowhere but in the gate's root.
func TestOpenAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	allowed := &policy.Policy{Paths: []policy.PathRule{{Path: filepath.Dir(name), Effect: policy.Allow, Access: policy.AccessRead}}}
	var g *Gate
	asked := 0
	create := func(dir uint64, name string) (fuse.CreateOut, fuse.Status) {
		var out fuse.CreateOut
		status := g.Create(nil, &fuse.CreateIn{InHeader: fuse.InHeader{NodeId: dir}}, name, &out)
		return out, status
	}
	var id uint64
	g = testGate(t, Options{Policy: allowed, OpenAgain: func(prefix string, count int) {
		asked += count
		if _, status := create(id, prefix+"0"); status.Ok() {
			t.Error("it is opened in another folder")
		}
		if _, status := create(fuse.FUSE_ROOT_ID, prefix+"1"); status != fuse.EIO {
			t.Error("by another name:", status)
		}
		out, status := create(fuse.FUSE_ROOT_ID, prefix+"0")
		if !status.Ok() || out.NodeId != id || out.OpenFlags&fuse.FOPEN_KEEP_CACHE != 0 || out.Size != 6 {
			t.Errorf("%v %+v", status, out)
		}
		read := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Fh: out.Fh, Size: 6}
		if _, status := g.Read(nil, &read, make([]byte, 6)); status != fuse.EBADF {
			t.Error("it is read:", status)
		}
		if _, status := create(fuse.FUSE_ROOT_ID, prefix+"0"); status != fuse.EIO {
			t.Error("once more:", status)
		}
	}})
	var entry fuse.EntryOut
	if code := g.entry(name, &entry); code != 0 {
		t.Fatal(code)
	}
	id = entry.NodeId
	var open fuse.OpenOut
	if status := g.Open(nil, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: id}}, &open); !status.Ok() {
		t.Fatal(status)
	}
	g.SetPolicy(allowed)
	if asked != 0 {
		t.Error("what is allowed is forgotten")
	}
	g.SetPolicy(&policy.Policy{})
	if asked != 1 {
		t.Errorf("%d files are forgotten", asked)
	}
}
