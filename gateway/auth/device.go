package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/wire"
)

// deviceSkew is how far the time of a signature may be from the gateway's.
const deviceSkew = 2 * time.Minute

// Codes of a device that does not prove itself. Each is a detail code of the
// protocol.
const (
	deviceIDMismatch = "DEVICE_AUTH_DEVICE_ID_MISMATCH"
	devicePublicKey  = "DEVICE_AUTH_PUBLIC_KEY_INVALID"
	deviceNonce      = "DEVICE_AUTH_NONCE_MISMATCH"
	deviceNoNonce    = "DEVICE_AUTH_NONCE_REQUIRED"
	deviceExpired    = "DEVICE_AUTH_SIGNATURE_EXPIRED"
	deviceSignature  = "DEVICE_AUTH_SIGNATURE_INVALID"
)

// CheckDevice verifies the device of a connect against the challenge of its
// socket. It returns "" or the protocol's detail code. A device proves
// possession of a key and nothing else: it grants no scope.
func CheckDevice(connect wire.Connect, challenge wire.Challenge, now time.Time) string {
	device := connect.Device
	key, err := base64.RawURLEncoding.DecodeString(device.PublicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return devicePublicKey
	}
	id := sha256.Sum256(key)
	if device.ID != hex.EncodeToString(id[:]) {
		return deviceIDMismatch
	}
	if device.Nonce == "" {
		return deviceNoNonce
	}
	if device.Nonce != challenge.Nonce {
		return deviceNonce
	}
	if skew := now.Sub(time.UnixMilli(device.SignedAt)); skew > deviceSkew || skew < -deviceSkew {
		return deviceExpired
	}
	signature, err := base64.RawURLEncoding.DecodeString(device.Signature)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return deviceSignature
	}
	for _, version := range []string{"v3", "v2"} {
		if ed25519.Verify(key, []byte(DeviceText(version, connect)), signature) {
			return ""
		}
	}
	return deviceSignature
}

// DeviceText is what a device signs. Version "v3" has the platform at its end,
// "v2" does not.
func DeviceText(version string, connect wire.Connect) string {
	device := connect.Device
	fields := []string{
		version, device.ID, connect.Client.ID, connect.Client.Mode, connect.Role, strings.Join(connect.Scopes, ","),
		strconv.FormatInt(device.SignedAt, 10), connect.Auth.Signed(), device.Nonce,
	}
	if version == "v3" {
		fields = append(fields, lowerASCII(connect.Client.Platform), lowerASCII(connect.Client.DeviceFamily))
	}
	return strings.Join(fields, "|")
}

// lowerASCII trims, and lowers A to Z only: other letters stay as they were
// signed.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(s))
}
