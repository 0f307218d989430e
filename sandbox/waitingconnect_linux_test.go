package sandbox_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connector connects where the queue is full, and has another thread say all the while
// that the socket waits for ever.
const connector = `
import os, socket, struct, sys, threading
name = sys.argv[1]
while True:
    filler = socket.socket(socket.AF_UNIX)
    filler.setblocking(False)
    try:
        filler.connect(name)
    except BlockingIOError:
        break
waiting = socket.socket(socket.AF_UNIX)
def forever():
    while True:
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 0))
threading.Thread(target=forever, daemon=True).start()
threading.Thread(target=lambda: waiting.connect(name), daemon=True).start()
print("begun", flush=True)
sys.stdin.readline()
os._exit(0)
`

// A run ends though a connection that is made for it would wait for ever, whatever it
// says meanwhile about how long its socket waits.
func TestWaitingConnectEndsWithRun(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t).allow("project")
		name := w.path("project/deaf")
		deaf, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(deaf) }) // also what would wait still ends then
		if err := unix.Bind(deaf, &unix.SockaddrUnix{Name: name}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Listen(deaf, 0); err != nil {
			t.Fatal(err)
		}
		k := talkTo(t, w.spec("python3", "-c", connector, name), start)
		if said := k.answer(); said != "begun" {
			t.Fatalf("said %q", said)
		}
		waitsInConnect(t)
		ended := make(chan error, 1)
		go func() {
			_, err := k.process.Wait()
			ended <- err
		}()
		_ = k.in.Close()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the run goes on")
			_ = unix.Close(deaf)
			t.Log(<-ended)
		}
	})
}

// waitsInConnect returns when a thread of this process, which is the supervisor, has
// been in one connect for longer than it waits at a time.
func waitsInConnect(t *testing.T) {
	t.Helper()
	seen := map[string]int{}
	for range 20000 {
		calls, _ := filepath.Glob("/proc/self/task/*/syscall")
		for _, file := range calls {
			text, _ := os.ReadFile(file)
			if !strings.HasPrefix(string(text), strconv.Itoa(unix.SYS_CONNECT)+" ") {
				seen[file] = 0
			} else if seen[file]++; seen[file] >= 20 {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the supervisor does not wait")
}
