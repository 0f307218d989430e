package vault

import (
	"errors"
	"fmt"
	"regexp"
)

// Bounds of what slots of format 2 add to a header.
const (
	MaxRecipients = 8       // of an age slot
	maxRecipient  = 4 << 10 // bytes of one public key; those of age's hybrid ones have 1,959
	maxSealed     = 12 << 10
	maxName       = 255 // bytes of a credential's name, which is a file name
)

var (
	errName       = errors.New("a credential's name has 1 to 255 letters, digits, and . _ - and begins with a letter or a digit")
	errRecipients = fmt.Errorf("a slot has 1 to %d public keys of age, each once", MaxRecipients)
	errNoRoom     = fmt.Errorf("the ways to be unlocked need more than the %d bytes that a header has", maxHeader)
)

// number is of the first format that describes the header. A file is written in that
// one, so that an older openclaw opens what it can.
func (h Header) number() int {
	if h.Cipher != cipherName {
		return formatSecond
	}
	for _, slot := range h.Slots {
		switch slot.Kind {
		case SlotPassphrase, SlotKeyFile, SlotRecovery:
		default:
			return formatSecond
		}
	}
	return formatFirst
}

// check is of a slot of a file with that cipher. The cipher stands for a suite: one
// of approved primitives has no slot that takes others.
func (s Slot) check(cipher string, floor bounds) error {
	if !hexBytes(s.ID, 8) || len(s.Salt) != saltSize || len(s.Nonce) != nonceLength(cipher) || len(s.Wrapped) != keySize+tagSize {
		return fmt.Errorf("%w: sizes of a slot", errHeader)
	}
	if s.Kind != SlotCredential && s.Name != "" || s.Kind != SlotAge && (s.Recipients != nil || s.Sealed != nil) {
		return fmt.Errorf("%w: a %s has a member of another kind", errHeader, s.Kind)
	}
	if s.Kind != SlotPassphrase && s.Derivation != nil {
		return fmt.Errorf("%w: a %s has no derivation", errHeader, s.Kind)
	}
	switch s.Kind {
	case SlotKeyFile, SlotRecovery, SlotKeychain:
		return nil
	case SlotCredential:
		if !credentialName().MatchString(s.Name) {
			return fmt.Errorf("%w: %w", errHeader, errName)
		}
		return nil
	case SlotAge:
		if cipher != cipherName {
			return fmt.Errorf("%w: age has no approved primitives", errHeader)
		}
		if err := s.checkRecipients(); err != nil {
			return fmt.Errorf("%w: %w", errHeader, err)
		}
		return nil
	case SlotPassphrase:
		if s.Derivation == nil {
			return fmt.Errorf("%w: a passphrase has no derivation", errHeader)
		}
		return s.Derivation.check(cipher, floor)
	}
	return fmt.Errorf("%w: a slot of another kind", errNewer)
}

func credentialName() *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9][A-Za-z0-9._-]{0,%d}$`, maxName-1))
}

// CheckCredentialName is why a service manager's credential may not be called so, or nil.
func CheckCredentialName(name string) error {
	if !credentialName().MatchString(name) {
		return errName
	}
	return nil
}

func (s Slot) checkRecipients() error {
	if len(s.Recipients) == 0 || len(s.Recipients) > MaxRecipients || len(s.Sealed) == 0 || len(s.Sealed) > maxSealed {
		return errRecipients
	}
	seen := map[string]bool{}
	for _, key := range s.Recipients {
		if len(key) == 0 || len(key) > maxRecipient || seen[key] {
			return errRecipients
		}
		seen[key] = true
		for _, letter := range []byte(key) {
			if letter < ' ' || letter > '~' || letter == '"' || letter == '\\' || letter == '<' || letter == '>' || letter == '&' {
				return errRecipients
			}
		}
	}
	return nil
}

func (d Derivation) check(cipher string, floor bounds) error {
	switch {
	case cipher == cipherGCM && d.Name == kdfPBKDF2:
		if d.Time != 0 || d.Memory != 0 || d.Threads != 0 {
			return fmt.Errorf("%w: costs of another derivation", errHeader)
		}
		if d.Iterations < max(floor.iterations, 1) || d.Iterations > ceilingIterations {
			return fmt.Errorf("%w: %d iterations", errCost, d.Iterations)
		}
		return nil
	case cipher != cipherName || d.Name != kdfName:
		return fmt.Errorf("%w: key derivation", errNewer)
	case d.Iterations != 0:
		return fmt.Errorf("%w: costs of another derivation", errHeader)
	case d.Time < floor.time, d.Time > ceilingTime, d.Memory < floor.memory, d.Memory > ceilingMemory,
		d.Threads < 1, d.Threads > ceilingLanes:
		return fmt.Errorf("%w: t=%d m=%d KiB p=%d", errCost, d.Time, d.Memory, d.Threads)
	}
	return nil
}
