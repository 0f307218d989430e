package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openFiles are this process's, which is the supervisor, whose kind or path begins so.
func openFiles(prefix string) (found []string) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, prefix) {
			found = append(found, target)
		}
	}
	return found
}

// killed makes calls on a path that it takes the supervisor long to follow, in processes
// that are killed meanwhile.
const killed = `
import ctypes, itertools, os, signal, time
os.symlink(".", "link")
os.mkdir("a")
way = "link/" + "a/../" * 750
libc = ctypes.CDLL(None)
number = itertools.count()
calls = {
    "open": lambda: os.open(way + "file", os.O_RDWR),
    "create": lambda: os.open("%snew%d-%d" % (way, os.getpid(), next(number)), os.O_RDWR | os.O_CREAT),
    "mode": lambda: os.chmod(way + "file", 0o600),
    "watch": lambda: libc.inotify_add_watch(libc.inotify_init(), (way + "file").encode(), 2),
}
open("file", "w").close()
for call in calls.values():
    for wait in range(40):
        child = os.fork()
        if child == 0:
            while True:
                call()
        time.sleep(0.003 + wait / 4000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
print("done")
`

// What the supervisor of a reduced cage has opened for a call does not stay open when
// the caller is killed meanwhile.
func TestKilledCallersLeaveNothingOpen(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	_, wait := start(t, w.spec("python3", "-c", killed))
	res := wait()
	if res.out != "done\n" {
		t.Fatalf("out %q, err %q", res.out, res.err)
	}
	if left := openFiles(w.home); len(left) > 0 {
		t.Errorf("%d are left open: %q", len(left), left[:min(3, len(left))])
	}
}

// unfitting asks for pairs of sockets that do not fit among its descriptors.
const unfitting = `
import os, resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
keep = os.open("/dev/null", os.O_RDONLY)
for _ in range(200):
    try:
        socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        print("made")
    except OSError:
        pass
print("done")
`

// A pair of sockets that the program has no place for is let go of.
func TestPairsThatDoNotFit(t *testing.T) {
	w := newWorld(t).allow("project")
	before := len(openFiles("socket:"))
	_, wait := start(t, w.spec("python3", "-c", unfitting))
	if res := wait(); res.out != "done\n" {
		t.Fatalf("out %q, err %q", res.out, res.err)
	}
	if left := len(openFiles("socket:")) - before; left > 20 {
		t.Errorf("%d sockets are left open", left)
	}
}
