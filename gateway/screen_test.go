package gateway

import (
	"os"
	"testing"

	"openclaw/gateway/client"
)

// What the config says of the screen goes to the screen with the config in force:
// the one before stays while the file on disk is refused.
func TestTheScreensSettingsComeWithTheConfig(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.remote("operator.read", "operator.admin"), nil)
	first, err := os.ReadFile(h.layout.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		more string
		bell bool
		keys int
		asks string // approve.confirm
	}{
		{"", true, 0, "on-widen"},
		{"\napprove: {confirm: always}\ntui: {bell: false, keys: {asks.allow: f5, copy: [x, f6]}}\n", false, 2, "always"},
		{"\napprove: {confirm: nonsense}\ntui: {bell: nonsense}\n", false, 2, "always"},
	} {
		if err := os.WriteFile(h.layout.Config(), append(append([]byte{}, first...), c.more...), 0o600); err != nil {
			t.Fatal(err)
		}
		status, err := screen.ReloadConfig(t.Context())
		if err != nil || status.Screen == nil || status.Screen.Bell != c.bell || status.Screen.Confirm != c.asks || len(status.Screen.Keys) != c.keys {
			t.Fatalf("%q: %+v %v", c.more, status.Screen, err)
		}
		if c.keys > 0 {
			if k := status.Screen.Keys; k[0].Action != "asks.allow" || k[1].Keys[1] != "f6" {
				t.Errorf("%q: %+v", c.more, k)
			}
		}
	}
}
