package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"openclaw/keychain"
)

// A recovery code is 18 random bytes (144 bits) and 2 bytes that tell a slip of the
// pen from a wrong code, in the letters of RFC 4648's base 32, by fours.
const (
	recoverySize  = 18
	recoveryCheck = 2
	recoveryGroup = 4
)

var (
	errCode = errors.New("this is not a recovery code, or a letter of it is wrong")
)

// NewRecoveryCode makes a code for a slot. Whoever has it opens the vault, so it
// belongs on paper or in another safe, and is shown once.
func NewRecoveryCode() keychain.Secret {
	key := random(recoverySize)
	defer clear(key)
	whole := append(bytes.Clone(key), recoverySum(key)...)
	defer clear(whole)
	letters := make([]byte, base32.StdEncoding.EncodedLen(len(whole)))
	defer clear(letters)
	base32.StdEncoding.Encode(letters, whole)
	code := make([]byte, 0, len(letters)*(recoveryGroup+1)/recoveryGroup)
	for i, letter := range letters {
		if i > 0 && i%recoveryGroup == 0 {
			code = append(code, '-')
		}
		code = append(code, letter)
	}
	return keychain.NewSecret(code)
}

// RecoveryCode unlocks by a code that NewRecoveryCode made, in either case, with
// or without its strokes and spaces. The bytes stay the caller's.
func RecoveryCode(code []byte) Unlock {
	return Unlock{kind: SlotRecovery, material: keychain.NewSecret(code)}
}

// recoveryKey is what a code stands for. The caller wipes it.
func recoveryKey(code []byte) ([]byte, error) {
	letters := make([]byte, 0, len(code))
	defer func() { clear(letters) }()
	for _, letter := range code {
		switch {
		case letter >= 'a' && letter <= 'z':
			letters = append(letters, letter-'a'+'A')
		case !strings.ContainsRune("- \t\r\n", rune(letter)):
			letters = append(letters, letter)
		}
	}
	whole := make([]byte, base32.StdEncoding.DecodedLen(len(letters)))
	n, err := base32.StdEncoding.Decode(whole, letters)
	if err != nil || n != recoverySize+recoveryCheck || !bytes.Equal(recoverySum(whole[:recoverySize]), whole[recoverySize:n]) {
		clear(whole)
		return nil, errCode
	}
	clear(whole[recoverySize:])
	return whole[:recoverySize], nil
}

func recoverySum(key []byte) []byte {
	sum := sha256.Sum256(append([]byte(infoRecovery+"\n"), key...))
	return sum[:recoveryCheck]
}
