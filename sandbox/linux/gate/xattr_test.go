//go:build linux

package gate

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// A yes to a folder shows the names in it; what their files carry as attributes is
// content, and takes a yes to the file.
func TestAttributesTakeAYesToTheFile(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const attribute = "user.origin"
	if err := unix.Setxattr(file, attribute, []byte("a secret place"), 0); errors.Is(err, unix.EOPNOTSUPP) && os.Getenv("OPENCLAW_TEST_REQUIRE") != "all" {
		t.Skip("the file system has no attributes of a person's own")
	} else if err != nil {
		t.Fatal(err)
	}
	g := testGate(t, Options{
		Policy:  &policy.Policy{Asks: []policy.Class{policy.ClassPathRead}},
		Process: func(thread int) Process { return Process{thread, 1} },
	})
	header := &fuse.InHeader{NodeId: g.nodes.remember(file, identity{}), Caller: fuse.Caller{Pid: 7}}
	mine, other := Process{7, 1}, Process{8, 1}
	read := func() (value, names uint32, status fuse.Status) {
		value, status = g.GetXAttr(nil, header, attribute, make([]byte, 100))
		names, _ = g.ListXAttr(nil, header, make([]byte, 100))
		return value, names, status
	}
	g.granted.add(g.granted.begin(), mine, policy.ClassPathRead, dir)
	g.granted.add(g.granted.begin(), other, policy.ClassPathRead, file)
	if _, ok := g.allowed(7, policy.ClassPathRead, file); !ok {
		t.Fatal("the names in the folder are not shown")
	}
	if value, names, status := read(); value != 0 || names != 0 || status != fuse.Status(syscall.EOPNOTSUPP) {
		t.Errorf("by a yes to the folder, and another's to the file: %d bytes of %d names, %v", value, names, status)
	}
	g.granted.add(g.granted.begin(), mine, policy.ClassPathRead, file)
	if value, names, status := read(); value == 0 || names == 0 || status != fuse.OK {
		t.Errorf("by a yes to the file: %d bytes of %d names, %v", value, names, status)
	}
}
