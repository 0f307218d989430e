//go:build linux

package control

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func pair(tb testing.TB) (*Conn, *Conn) {
	tb.Helper()
	near, file, err := Pair()
	if err != nil {
		tb.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		tb.Fatal(err)
	}
	_ = file.Close()
	far := New(fd)
	tb.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// Messages arrive whole and in order, whatever their size, with their own
// descriptors and no others.
func TestMessages(t *testing.T) {
	near, far := pair(t)
	large := strings.Repeat("x", 4<<20)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	var sending sync.WaitGroup
	sending.Go(func() {
		_ = near.Send("one", "bytes \xff\x00\n")
		_ = near.Send("two", large, int(null.Fd()), int(null.Fd()))
		_ = near.Send("three", nil)
		near.Hangup()
	})
	defer sending.Wait()

	var text string
	one, err := far.Receive()
	if err != nil || one.Kind != "one" || one.Decode(&text) != nil || text != "bytes \xff\x00\n" || len(one.Files) != 0 {
		t.Errorf("%v %v %q", one, err, text)
	}
	var got string
	two, err := far.Receive()
	if err != nil || two.Kind != "two" || two.Decode(&got) != nil || got != large || len(two.Files) != 2 {
		t.Fatalf("%s %v, %d descriptors", two.Kind, err, len(two.Files))
	}
	for _, fd := range two.Files {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d: flags %d, %v", fd, flags, err)
		}
	}
	two.CloseFiles()
	if three, err := far.Receive(); err != nil || three.Kind != "three" || len(three.Body) != 0 {
		t.Errorf("%v %v", three, err)
	}
	if _, err := far.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestRefusesTooMuch(t *testing.T) {
	near, _ := pair(t)
	if err := near.Send("large", strings.Repeat("x", maxMessage)); !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("large: %v", err)
	}
	if err := near.Send("many", nil, make([]int, maxFiles+1)...); !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("many descriptors: %v", err)
	}
}

// Whatever the other side writes, Receive returns and takes bounded memory.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x06\x00\x00\x00\x00\x00\x00\x00\x05setup"))
	f.Add([]byte("\x08\x00\x00\x00\x00\x00\x00\x00\x05setup\x01x"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x05s")) // a kind that is longer than its message
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Add([]byte{2, 0, 0, 0, 9, 0, 0, 0, 1, 'k'})
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := pair(t)
		var writing sync.WaitGroup
		writing.Go(func() {
			_, _ = unix.Write(near.fd, data)
			near.Hangup()
		})
		defer writing.Wait()
		for {
			message, err := far.Receive()
			if err != nil {
				return
			}
			if len(message.Files) != 0 {
				t.Fatal("descriptors from nowhere")
			}
		}
	})
}
