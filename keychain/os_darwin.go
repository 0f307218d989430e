package keychain

import (
	"errors"
	"fmt"
	"os/exec"
)

// MaxValue is the size of the largest value, in bytes: the library passes one
// command line of at most 4,096 bytes to /usr/bin/security, the value in
// base64, beside a name of up to MaxName bytes. It checks after it started
// that program and then leaves it running, so the check has to come first.
const MaxValue = 2500

// Exit statuses of /usr/bin/security: the lowest byte of the OSStatus.
const (
	statusNotAllowed = 36  // errSecInteractionNotAllowed -25308: locked, nobody to ask
	statusNoDefault  = 37  // errSecNoDefaultKeychain -25307
	statusNotFound   = 44  // errSecItemNotFound -25300
	statusNoKeychain = 50  // errSecNoSuchKeychain -25294
	statusAuthFailed = 51  // errSecAuthFailed -25293
	statusCancelled  = 128 // userCanceledErr -128
)

func busKnown() bool { return true }

func classifySystem(err error) Kind {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return KindFailed
	}
	switch exit.ExitCode() {
	case statusNotAllowed, statusAuthFailed, statusCancelled:
		return KindLocked
	case statusNotFound:
		return KindNotFound
	case statusNoDefault, statusNoKeychain:
		return KindNoService
	}
	return KindFailed
}

func listAccounts(string) ([]string, error) {
	return nil, fmt.Errorf("the keychain cannot list: %w", errors.ErrUnsupported)
}

func hint(kind Kind) string {
	switch kind {
	case KindNotFound:
		return "store it: openclaw secrets set NAME"
	case KindLocked:
		return "unlock the login keychain: security unlock-keychain (over SSH it is locked until you do), then try again"
	case KindNoService:
		return "no login keychain: create one in Keychain Access, or keep secrets in the encrypted vault: openclaw vault init"
	case KindTimeout:
		return "a prompt may be waiting for your answer on the screen: choose Always Allow and try again"
	case KindTooBig:
		return fmt.Sprintf("the macOS keychain takes at most %d bytes this way: keep larger data in the encrypted vault", MaxValue)
	case KindUnsupported:
		return "the index of openclaw lists what it stored"
	default:
		return "look for the item in Keychain Access, then try again"
	}
}
