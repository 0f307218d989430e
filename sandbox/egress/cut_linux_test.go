package egress_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

// One connection is closed from outside by its ID: what a program holds is reset at
// once, its Connection says why, and the next one is let through as the policy says.
func TestCutFromNamespace(t *testing.T) {
	for _, way := range ways() {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			server := talker(t)
			open, closed := make(chan egress.Connection, 16), make(chan egress.Connection, 16)
			c := start(t, way, false, true, egress.Options{
				Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.test"}}), Lookup: (&world{}).lookup,
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", server.address)
				},
				Connected: func(n egress.Connection) {
					to := open
					if !n.Closed.IsZero() {
						to = closed
					}
					select {
					case to <- n:
					default:
					}
				},
			})
			cut := make(chan bool, 2)
			go func() {
				<-server.spoke
				cut <- c.egress.Cut("nosuch", "nobody closed it")
				cut <- c.egress.Cut((<-open).ID, "you closed it")
			}()
			got := c.try(t, attempt{Do: "held", Target: "good.test:7000"})
			if other, this := <-cut, <-cut; other || !this {
				t.Errorf("cut another: %v, this one: %v", other, this)
			}
			if !strings.Contains(got.Text, "reset by peer") || strings.Contains(got.Text, "before") {
				t.Errorf("the held connection got %q", got.Text)
			}
			select {
			case n := <-closed:
				if n.Error != "you closed it" {
					t.Errorf("it ended as %+v", n)
				}
				if c.egress.Cut(n.ID, "again") {
					t.Error("it was cut twice")
				}
			case <-time.After(20 * time.Second):
				t.Error("its end was not told")
			}
			if got := c.try(t, attempt{Do: "tcp", Target: "good.test:7000"}); strings.HasPrefix(got.Text, "error: ") {
				t.Errorf("the next connection got %q", got.Text)
			}
		})
	}
}
