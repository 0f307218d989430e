//go:build linux

package gate

import (
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"openclaw/sandbox/policy"
)

// A path keeps its number as long as the kernel knows it, so that mounts on it
// stay, and a rename takes numbers along.
func TestNodes(t *testing.T) {
	n := newNodes()
	home := n.remember("/home", identity{})
	if n.remember("/home", identity{}) != home || n.path(home) != "/home" || n.child(home, "a") != "/home/a" || n.child(fuse.FUSE_ROOT_ID, "x") != "/x" {
		t.Error("a number changed")
	}
	inner := n.remember("/home/a/b", identity{})
	n.moved("/home/a", "/home/c")
	if n.path(inner) != "/home/c/b" {
		t.Errorf("moved to %q", n.path(inner))
	}
	other := n.remember("/home/d", identity{})
	n.swapped("/home/c", "/home/d")
	if n.path(inner) != "/home/d/b" || n.path(other) != "/home/c" {
		t.Errorf("swapped to %q and %q", n.path(inner), n.path(other))
	}
	n.gone("/home/c")
	if n.path(other) != "" || n.child(other, "x") != "" {
		t.Error("a removed name still has a path")
	}
	n.forget(home, 1)
	if n.path(home) == "" {
		t.Error("forgotten too early")
	}
	n.forget(home, 5)
	if n.path(home) != "" || n.remember("/home", identity{}) == home {
		t.Error("not forgotten, or the number used again")
	}
	n.forget(fuse.FUSE_ROOT_ID, 100)
	if n.path(fuse.FUSE_ROOT_ID) != "/" {
		t.Error("the root was forgotten")
	}
}

// A folder that is moved over another takes its place with all that is in it, and
// what was in the other has no path any more.
func TestNodesMovedOver(t *testing.T) {
	n := newNodes()
	file, over, under := n.remember("/a/b/file", identity{}), n.remember("/c", identity{}), n.remember("/c/file", identity{})
	n.moved("/a/b", "/c")
	if n.path(file) != "/c/file" || n.path(over) != "" || n.path(under) != "" || n.known("/a/b/file") != 0 || n.known("/c/file") != file {
		t.Errorf("%q %q %q", n.path(file), n.path(over), n.path(under))
	}
	n.swapped("/c", "/d/e") // of which the kernel knows nothing
	if n.path(file) != "/d/e/file" || n.known("/c/file") != 0 {
		t.Errorf("%q", n.path(file))
	}
	for _, id := range []uint64{file, over, under} {
		n.forget(id, 1)
	}
	if len(n.root.below) != 0 || len(n.byID) != 1 {
		t.Errorf("names and numbers are kept that nobody knows: %v %v", n.root.below, n.byID)
	}
}

// A name far down takes no more of this process than its own part: the ways to many
// such names would fill it.
func TestNodesAreSmall(t *testing.T) {
	const count, most = 10_000, 1000 // bytes each; with a way of its own it would be more than 4000
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	n := newNodes()
	dir := strings.Repeat("/"+strings.Repeat("d", 250), 16)
	before := heap()
	for i := range count {
		n.remember(dir+"/"+strconv.Itoa(i), identity{1, uint64(i)})
	}
	if after := heap(); after > before+count*most {
		t.Errorf("%d bytes a name", (after-before)/count)
	}
	if id := n.known(dir + "/77"); n.path(id) != dir+"/77" {
		t.Error("not the same path")
	}
	runtime.KeepAlive(n)
}

// No name that the kernel sends makes a path that is not directly below its
// folder.
func FuzzChild(f *testing.F) {
	for _, name := range []string{"", ".", "..", "a", "a/b", "\x00", "a\nb", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := newNodes()
		child := n.child(n.remember("/home/user", identity{}), name)
		if child == "" {
			return
		}
		if path.Clean(child) != child || path.Dir(child) != "/home/user" || strings.IndexByte(child, 0) >= 0 {
			t.Errorf("%q gave %q", name, child)
		}
	})
}

func testGate(t *testing.T, o Options) *Gate {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.Enforce()
	return g
}

// What is refused shows nothing but its kind.
func TestVeil(t *testing.T) {
	g := testGate(t, Options{Policy: &policy.Policy{Paths: []policy.PathRule{{Path: "/usr", Effect: policy.Allow, Access: policy.AccessRead}}}})
	for name, mode := range map[string]uint32{"/etc": fuse.S_IFDIR | 0o555, "/etc/passwd": fuse.S_IFREG | 0o555, "/dev/null": fuse.S_IFREG | 0o555} {
		var attr fuse.Attr
		if _, code := g.attributes(name, &attr); code != 0 || attr.Mode != mode || attr.Size != 0 || attr.Mtime != 0 || attr.Ino != veiledNumber(name) {
			t.Errorf("%s: %v %+v", name, code, attr)
		}
	}
	var attr fuse.Attr
	if _, code := g.attributes("/usr", &attr); code != 0 || attr.Ino == 0 || attr.Mtime == 0 {
		t.Errorf("/usr: %v %+v", code, attr)
	}
}

// A path is opened through no link, so the file is the one that was judged.
func TestBeneath(t *testing.T) {
	g := testGate(t, Options{Policy: &policy.Policy{}})
	for _, name := range []string{"/proc/self/root/etc/passwd", "/proc/self/cwd", "/proc/self/exe"} {
		if fd, code := g.beneath(name, 0, 0); code == 0 {
			closeFD(fd)
			t.Errorf("%s was followed", name)
		}
	}
	fd, code := g.beneath("/etc/passwd", 0, 0)
	if code != 0 {
		t.Fatal(code)
	}
	closeFD(fd)

	// A folder that has become a link since its look-up leads nowhere.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, "denied"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "denied/secret"), nil, 0o600)
	}
	if err == nil {
		err = os.Symlink("denied", filepath.Join(dir, "allowed"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if fd, code := g.beneath(filepath.Join(dir, "allowed/secret"), 0, 0); code == 0 {
		closeFD(fd)
		t.Error("a link on the way was followed")
	}
}

// A name is taken to be there only while its last finding is fresh, and not once
// it is known to be gone.
func TestNodesThere(t *testing.T) {
	n := newNodes()
	at := time.Unix(1000, 0)
	id := n.remember("/a", identity{})
	if n.there(id, at) {
		t.Error("there before it was found")
	}
	n.found(id, at)
	if !n.there(id, at.Add(thereTimeout-1)) || n.there(id, at.Add(thereTimeout)) {
		t.Error("not there for exactly its time")
	}
	n.gone("/a")
	if n.there(id, at) {
		t.Error("there after its name was removed")
	}
	if n.found(id+1, at); n.there(id+1, at) {
		t.Error("a number that was never given is there")
	}
}
