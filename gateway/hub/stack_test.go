//go:build !race

package hub

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// deep needs a stack of more than 8 KiB.
//
//go:noinline
func deep(n int) byte {
	var room [1024]byte
	room[n] = byte(n)
	if n > 0 {
		return deep(n-1) + room[n]
	}
	return room[0]
}

// An idle socket does not keep the deep stack of what was done at its opening. The
// race detector makes every stack another one.
func TestAnIdleSocketKeepsNoDeepStack(t *testing.T) {
	const sockets, most = 300, 7 << 10 // bytes; it is 4 KiB without, and 8 with
	h := open(t, Limits{Handshakes: sockets})
	inner := h.options.Opened
	h.options.Opened = func(c *Conn) { inner(c); deep(16) }
	stacks := func() uint64 {
		runtime.GC() // shrinks stacks and gives those of ended goroutines back
		sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := stacks()
	for range sockets {
		connect(t, h)
	}
	var each int64
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if each = (int64(stacks()) - int64(before)) / sockets; each < most {
			return
		}
	}
	t.Errorf("%d bytes of stack a socket", each)
}
