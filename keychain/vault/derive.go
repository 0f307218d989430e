package vault

import (
	"crypto/fips140"
	"crypto/sha256"
)

// hmacBlock is the block of SHA-256.
const hmacBlock = 64

// hkdf32 is HKDF-SHA256 (RFC 5869) of one block of output, which the caller wipes. It
// is the construction of crypto/hkdf, whose hashes keep the secret, and the key that
// comes of it, in objects that cannot be wiped. In FIPS mode it is that one all the same.
func hkdf32(secret, salt []byte, info string) ([]byte, error) {
	if fips140.Enabled() {
		return moduleHKDF(secret, salt, info)
	}
	return ownHKDF(secret, salt, info), nil
}

func ownHKDF(secret, salt []byte, info string) []byte {
	out := make([]byte, sha256.Size)
	leavingNoTrace(func() {
		prk := hmac256(salt, secret)
		okm := hmac256(prk[:], append([]byte(info), 1))
		copy(out, okm[:])
		clear(prk[:])
		clear(okm[:])
	})
	return out
}

// hmac256 is HMAC-SHA256 (RFC 2104). Key and message are short here: what is hashed
// fits the buffer, which is wiped.
func hmac256(key, message []byte) (mac [sha256.Size]byte) {
	var pad [hmacBlock]byte
	if len(key) > hmacBlock {
		sum := sha256.Sum256(key)
		copy(pad[:], sum[:])
	} else {
		copy(pad[:], key)
	}
	text := make([]byte, 0, hmacBlock+max(len(message), sha256.Size))
	for _, b := range pad {
		text = append(text, b^0x36)
	}
	text = append(text, message...)
	inner := sha256.Sum256(text)
	clear(text)
	text = text[:0]
	for _, b := range pad {
		text = append(text, b^0x5c)
	}
	text = append(text, inner[:]...)
	mac = sha256.Sum256(text)
	clear(text)
	clear(pad[:])
	clear(inner[:])
	return mac
}
