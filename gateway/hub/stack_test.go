//go:build !race

package hub

import (
	"context"
	"fmt"
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

// An idle socket does not keep the deep stack of what was done at its opening, or of
// what it asked for since. The race detector makes every stack another one.
func TestAnIdleSocketKeepsNoDeepStack(t *testing.T) {
	const sockets, most = 300, 7 << 10 // bytes; it is 4 KiB without, and 8 with
	for name, asked := range map[string]string{"that opens": "", "that asks for something quick": "quick", "that asks for something slow": "slow", "that asks for nothing there is": "none"} {
		t.Run(name, func(t *testing.T) {
			answer := func(context.Context, *Call) (any, error) { return int(deep(16)), nil }
			h := open(t, Limits{Handshakes: sockets}, Method{Name: "quick", Quick: true, Handle: answer}, Method{Name: "slow", Handle: answer})
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
				ws := connect(t, h)
				for i := range 3 {
					if asked != "" {
						send(t, ws, fmt.Sprintf(`{"type":"req","id":"%d","method":%q,"params":{}}`, i, asked))
						read(t, ws)
					}
				}
			}
			var each int64
			for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				if each = (int64(stacks()) - int64(before)) / sockets; each < most {
					return
				}
			}
			t.Errorf("%d bytes of stack a socket", each)
		})
	}
}
