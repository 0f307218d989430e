package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// An ask does not outlive the wait of its program: not one that hangs up while it
// lives on, with bytes on the way or without. One that has only sent all that it
// will send still waits, and gets its answer.
func TestAskEndsWithItsConnection(t *testing.T) {
	const holder = 4711
	for name, row := range map[string]struct {
		leave func(*net.TCPConn) error
		owned bool // a process holds the socket after it
		gone  bool
	}{
		"closes":      {(*net.TCPConn).Close, false, true},
		"resets":      {func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) }, true, true},
		"half closes": {(*net.TCPConn).CloseWrite, true, false},
	} {
		for _, first := range []string{"", "GET / HTTP/1.1\r\nHost: asked.example\r\n\r\n"} {
			t.Run(name+" after "+first, func(t *testing.T) {
				t.Parallel()
				server, _ := echo(t)
				var owned atomic.Bool
				owned.Store(true)
				var looks atomic.Int64
				asked, answer, ended := make(chan struct{}, 1), make(chan bool, 1), make(chan bool, 1)
				c := newCage(t, Options{
					Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.example"}}, policy.ClassNet),
					Identify: func(netip.AddrPort, bool) (pid int, program, command string) {
						looks.Add(1)
						if owned.Load() {
							return holder, "curl", "curl"
						}
						return 0, "", ""
					},
					Ask: func(ctx context.Context, _ Refusal) (bool, error) {
						asked <- struct{}{}
						select {
						case yes := <-answer:
							ended <- false
							return yes, nil
						case <-ctx.Done():
							ended <- true
							return false, ctx.Err()
						}
					},
				}, server)
				client := c.dialName("asked.example.", "7000")
				_, err := client.Write([]byte(first))
				do(t, err)
				<-asked
				before := looks.Load()
				owned.Store(row.owned)
				do(t, row.leave(client))
				if !row.gone {
					for end := time.Now().Add(20 * time.Second); looks.Load() < before+4 && time.Now().Before(end); { // it was looked for, and more than once
						time.Sleep(10 * time.Millisecond)
					}
					if looks.Load() < before+4 {
						t.Error("nobody looked whether the program still waits")
					}
					answer <- true
				}
				select {
				case gone := <-ended:
					if gone != row.gone {
						t.Errorf("ended as gone: %v", gone)
					}
				case <-time.After(20 * time.Second):
					t.Error("the ask goes on")
				}
				if row.gone {
					c.wantRefusal("asked.example:7000", "allowed_domains")
				}
			})
		}
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
