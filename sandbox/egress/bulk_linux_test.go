package egress

import (
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelPipes counts the pipes of this process that are as large as those
// through which the kernel moves a connection's bytes.
func kernelPipes(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		name := "/proc/self/fd/" + entry.Name()
		if target, err := os.Readlink(name); err != nil || !strings.HasPrefix(target, "pipe:") {
			continue
		}
		file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			continue // the writing end
		}
		if size, err := unix.FcntlInt(file.Fd(), unix.F_GETPIPE_SZ, 0); err == nil && size >= 1<<20 {
			count++
		}
		_ = file.Close()
	}
	return count
}

// What goes on for long is moved by the kernel, in each direction, and a body
// of HTTP like anything else: no byte of it is copied into this process.
func TestBulkIsMovedByTheKernel(t *testing.T) {
	for name, start := range map[string]string{
		"down": "", "up": "\x00", "upload over HTTP": "POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 1000000000000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			until(t, "the end of earlier pipes", func() bool { runtime.GC(); return kernelPipes(t) == 0 })
			listener := listen(t)
			defer func() { _ = listener.Close() }()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer func() { _ = conn.Close() }()
				if start == "" {
					_, _ = io.Copy(conn, zeros{})
				}
				_, _ = io.Copy(io.Discard, conn)
			}()
			c := newCage(t, Options{Policy: allowing(t, "good.example")}, listener.Addr().String())
			conn := c.dialName("good.example.", "80")
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if start == "" {
					_, _ = io.Copy(io.Discard, conn)
					return
				}
				if _, err := conn.Write([]byte(start)); err == nil {
					_, _ = io.Copy(conn, zeros{})
				}
			}()
			until(t, "a pipe of the kernel", func() bool { return kernelPipes(t) > 0 })
			_ = conn.SetLinger(0)
			_ = conn.Close()
			<-ended
		})
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("never saw " + what)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
