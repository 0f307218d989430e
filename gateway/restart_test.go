package gateway

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// A change that an open listener cannot follow is said, not ignored: until the gateway
// starts again it listens where and how it did.
func TestWhatNeedsARestartIsSaid(t *testing.T) {
	layout := newLayout(t)
	ca, _ := newAuthority(t, layout)
	issueServer(t, ca, layout, "localhost", "127.0.0.1")
	h := build(t, layout, freePort(t), "", nil).run()
	notices := h.bus.Subscribe(100, event.KindNotice)
	defer notices.Close()
	port := int(h.Address().Port())
	other := port%60_000 + 1024 // nothing listens there, neither does the gateway
	for _, row := range []struct {
		port        int
		lines, want string
	}{
		{port, "  trusted_proxies: [127.0.0.1]\n  behind_proxy: true\n", "gateway.trusted_proxies takes effect when the gateway starts again"},
		{port, tlsLines("none", layout, ""), "gateway.tls.enabled takes effect when the gateway starts again"},
		{other, "", "gateway.host and gateway.port take effect when the gateway starts again"},
	} {
		text := fmt.Sprintf("gateway:\n  host: 127.0.0.1\n  port: %d\n%s%s", row.port, row.lines, agentsConfig)
		if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.store.Reload("test"); err != nil {
			t.Fatal(err)
		}
		for end := time.After(30 * time.Second); ; {
			said := ""
			select {
			case e := <-notices.C():
				said = e.Notice.Text
			case <-end:
				t.Fatalf("never said: %s", row.want)
			}
			if strings.HasPrefix(said, row.want) {
				break
			}
		}
		if r := h.ask(t, "GET", "/health", nil); r.StatusCode != 200 || int(h.Address().Port()) != port {
			t.Errorf("with %q it is at %v: %s", row.lines, h.Address(), r.Status)
		}
	}
}
