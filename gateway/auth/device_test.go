package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

func signed(t *testing.T, version string, change func(*wire.Connect)) (wire.Connect, wire.Challenge, time.Time) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1795346014629)
	challenge := wire.Challenge{Nonce: "e2d3b4fb-cc97-42f0-94a7-8adb61352f16", TS: now.UnixMilli()}
	id := sha256.Sum256(public)
	connect := wire.Connect{
		Client: wire.ClientInfo{ID: "openclaw-tui", Mode: "ui", Platform: " Linux ", DeviceFamily: "Linux"},
		Role:   "operator", Scopes: []string{"operator.admin", "operator.read"},
		Auth:   wire.Credentials{Token: "real-tok"},
		Device: &wire.Device{ID: hex.EncodeToString(id[:]), PublicKey: base64.RawURLEncoding.EncodeToString(public), SignedAt: now.UnixMilli(), Nonce: challenge.Nonce},
	}
	connect.Device.Signature = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(DeviceText(version, connect))))
	if change != nil {
		change(&connect)
	}
	return connect, challenge, now
}

func TestDeviceTextIsTheProtocolsOwn(t *testing.T) {
	connect := wire.Connect{
		Client: wire.ClientInfo{ID: "openclaw-tui", Mode: "ui", Platform: "linux", DeviceFamily: "Linux"}, Role: "operator",
		Scopes: []string{"operator.admin", "operator.read", "operator.write", "operator.approvals"},
		Auth:   wire.Credentials{Token: "real-tok-4f1c0a77d2"},
		Device: &wire.Device{ID: "205aa2", SignedAt: 1795346014629, Nonce: "e2d3b4fb-cc97-42f0-94a7-8adb61352f16"},
	}
	const want = "v3|205aa2|openclaw-tui|ui|operator|operator.admin,operator.read,operator.write,operator.approvals|1795346014629|real-tok-4f1c0a77d2|e2d3b4fb-cc97-42f0-94a7-8adb61352f16|linux|linux"
	if got := DeviceText("v3", connect); got != want {
		t.Fatal(got)
	}
}

func TestCheckDevice(t *testing.T) {
	for name, test := range map[string]struct {
		version string
		change  func(*wire.Connect)
		want    string
	}{
		"v3":                  {"v3", nil, ""},
		"v2":                  {"v2", nil, ""},
		"v1 is too old":       {"v1", nil, deviceSignature},
		"scopes widened":      {"v3", func(c *wire.Connect) { c.Scopes = append(c.Scopes, "operator.write") }, deviceSignature},
		"token swapped":       {"v3", func(c *wire.Connect) { c.Auth.Token = "other" }, deviceSignature},
		"replayed nonce":      {"v3", func(c *wire.Connect) { c.Device.Nonce = "old" }, deviceNonce},
		"no nonce":            {"v3", func(c *wire.Connect) { c.Device.Nonce = "" }, deviceNoNonce},
		"stale":               {"v3", func(c *wire.Connect) { c.Device.SignedAt -= 121_000 }, deviceExpired},
		"from the future":     {"v3", func(c *wire.Connect) { c.Device.SignedAt += 121_000 }, deviceExpired},
		"id of another key":   {"v3", func(c *wire.Connect) { c.Device.ID = "00" }, deviceIDMismatch},
		"short key":           {"v3", func(c *wire.Connect) { c.Device.PublicKey = "AAAA" }, devicePublicKey},
		"key is not base64":   {"v3", func(c *wire.Connect) { c.Device.PublicKey = "!" }, devicePublicKey},
		"short signature":     {"v3", func(c *wire.Connect) { c.Device.Signature = "AAAA" }, deviceSignature},
		"padded key":          {"v3", func(c *wire.Connect) { c.Device.PublicKey += "=" }, devicePublicKey},
		"platform changed v3": {"v3", func(c *wire.Connect) { c.Client.Platform = "darwin" }, deviceSignature},
	} {
		t.Run(name, func(t *testing.T) {
			connect, challenge, now := signed(t, test.version, test.change)
			if got := CheckDevice(connect, challenge, now); got != test.want {
				t.Fatalf("%q, want %q", got, test.want)
			}
		})
	}
}
