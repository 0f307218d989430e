package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
	"math/big"
	"strings"
)

// Prefixes of our tokens: they tell a person, a scanner and the redactor what
// a string is.
const (
	GatewayPrefix = "ocg_"
	AgentPrefix   = "oca_"
	ClientPrefix  = "occ_"
)

const (
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomDigits = 43 // 62^43 > 2^256
	checkDigits  = 6  // 62^6 > 2^32
	tokenLength  = len(GatewayPrefix) + randomDigits + checkDigits
)

// MaxToken is the longest credential that is looked at, in bytes; a longer one
// is wrong without being hashed.
const MaxToken = 4096

// GenerateToken returns a new gateway token: 256 random bits and a checksum.
func GenerateToken() string { return generate(GatewayPrefix) }

// generate returns prefix, 256 random bits in base 62 and their CRC-32.
// crypto/rand does not fail: it ends the program instead.
func generate(prefix string) string {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	body := prefix + encode(new(big.Int).SetBytes(random), randomDigits)
	clear(random)
	return body + checksum(body)
}

func checksum(body string) string {
	return encode(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), checkDigits)
}

func encode(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

// WellFormed reports whether token has the form of ours with prefix, checksum
// included. It says nothing about whether the token is good.
func WellFormed(prefix, token string) bool {
	if len(token) != tokenLength || !strings.HasPrefix(token, prefix) {
		return false
	}
	for _, c := range []byte(token[len(prefix):]) {
		if strings.IndexByte(base62, c) < 0 {
			return false
		}
	}
	body := token[:len(token)-checkDigits]
	return checksum(body) == token[len(body):]
}

// Mistyped reports whether token begins like one of ours and is none: a character
// is wrong, or some are missing.
func Mistyped(token string) bool {
	for _, prefix := range []string{GatewayPrefix, AgentPrefix, ClientPrefix} {
		if strings.HasPrefix(token, prefix) {
			return !WellFormed(prefix, token)
		}
	}
	return false
}

// Hash is the SHA-256 of a token, the only form in which one is kept.
type Hash [sha256.Size]byte

// HashOf returns the hash of token.
func HashOf(token []byte) Hash { return sha256.Sum256(token) }

// Equal compares in constant time. The zero Hash equals nothing.
func (h Hash) Equal(other Hash) bool {
	zero := Hash{}
	same := subtle.ConstantTimeCompare(h[:], other[:])
	empty := subtle.ConstantTimeCompare(h[:], zero[:])
	return same == 1 && empty == 0
}

// Zero reports whether there is no hash.
func (h Hash) Zero() bool { return h == Hash{} }
