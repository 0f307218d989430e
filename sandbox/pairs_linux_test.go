package sandbox_test

import (
	"strings"
	"testing"
)

// pairs tries pairs of datagram sockets: what they do for a program, and that
// they send to nobody else. A line is the outcome.
const pairs = `
import ctypes, errno, fcntl, os, socket, sys, threading
def outcome(what):
    try: return str(what())
    except OSError as e: return errno.errorcode[e.errno]
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.send(b"one"); a.send(b"second"); b.send(b"back")
print("messages", b.recv(100), b.recv(100), a.recv(100))
print("inherited", fcntl.fcntl(a, fcntl.F_GETFD), outcome(lambda: b.recv(1, socket.MSG_DONTWAIT)))
c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
print("not blocking", outcome(lambda: d.recv(1)))
libc = ctypes.CDLL(None, use_errno=True)
numbers = (ctypes.c_int * 2)()
def call(kind, protocol, address):
    if libc.socketpair(1, kind, protocol, address) < 0: raise OSError(ctypes.get_errno(), "")
    return "made"
print("flags", outcome(lambda: call(2, 0, numbers)), fcntl.fcntl(numbers[0], fcntl.F_GETFD), fcntl.fcntl(numbers[1], fcntl.F_GETFL) & os.O_NONBLOCK)
print("protocol", outcome(lambda: call(2, 1, numbers)), outcome(lambda: call(2, 99, numbers)))
print("nowhere", outcome(lambda: call(2, 0, ctypes.c_void_p(8))))
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, 4096, 1, 0x22, -1, 0) # to be read only
print("read-only memory", outcome(lambda: call(2, 0, ctypes.c_void_p(page))), ctypes.string_at(page, 8) == bytes(8))
import array
a.sendmsg([b"with a file"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
print("a file", len(b.recvmsg(100, 100)[1]))
def many():
    for n in range(20):
        x, y = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        x.send(b"%d" % n); assert y.recv(10) == b"%d" % n
        x.close(); y.close()
threads = [threading.Thread(target=many) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print("descriptors", len(os.listdir("/proc/self/fd")) < 25)
`

// In a cage a pair of datagram sockets does what programs want of it, as outside.
func TestDatagramPairs(t *testing.T) {
	w := newWorld(t)
	requireTool(t, "python3")
	spec := w.spec("/usr/bin/python3", "-c", pairs)
	_, wait := start(t, spec)
	res := wait()
	want := strings.TrimLeft(`
messages b'one' b'second' b'back'
inherited 1 EAGAIN
not blocking EAGAIN
flags made 0 0
protocol made EPROTONOSUPPORT
nowhere EFAULT
read-only memory EFAULT True
a file 1
descriptors True
`, "\n")
	if res.out != want {
		t.Errorf("got\n%s%s\nwant\n%s", res.out, res.err, want)
	}
}

// Debian's socat, which asks for such a pair first of all, runs.
func TestSocat(t *testing.T) {
	requireTool(t, "socat")
	w := newWorld(t)
	res := w.sh(`socat UNIX-LISTEN:/tmp/s,fork EXEC:cat & until [ -S /tmp/s ]; do sleep 0.05; done
echo through | socat - UNIX-CONNECT:/tmp/s`)
	if res.out != "through\n" {
		t.Errorf("%q %q %q", res.out, res.err, w.brief(res.denials))
	}
}
