//go:build !linux && !netbsd && !openbsd && !darwin && !windows && !(dragonfly && cgo) && !(freebsd && cgo)

package keychain

import "errors"

// MaxValue is the size of the largest value, in bytes.
const MaxValue = 64 << 10

func busKnown() bool { return true }

func classifySystem(error) Kind { return KindFailed }

func listAccounts(string) ([]string, error) { return nil, errors.ErrUnsupported }

func hint(kind Kind) string {
	if kind == KindNotFound {
		return "store it: openclaw secrets set NAME"
	}
	return "this system has no keychain that openclaw knows: use the encrypted vault: openclaw vault init"
}
