package keychain

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// MaxValue is the size of the largest value, in bytes: the credential
// manager's CRED_MAX_CREDENTIAL_BLOB_SIZE.
const MaxValue = 2560

func busKnown() bool { return true }

func classifySystem(err error) Kind {
	switch {
	case errors.Is(err, windows.ERROR_NOT_FOUND):
		return KindNotFound
	case errors.Is(err, windows.ERROR_NO_SUCH_LOGON_SESSION):
		return KindNoService
	case errors.Is(err, windows.RPC_X_BAD_STUB_DATA):
		return KindTooBig
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return KindLocked
	}
	return KindFailed
}

func listAccounts(string) ([]string, error) {
	return nil, fmt.Errorf("the credential manager is not listed: %w", errors.ErrUnsupported)
}

func hint(kind Kind) string {
	switch kind {
	case KindNotFound:
		return "store it: openclaw secrets set NAME"
	case KindLocked:
		return "the credential manager refused access: log in as the user that stored the secret"
	case KindNoService:
		return "the credential manager needs a logged-in user: run openclaw in such a session, not over a network logon"
	case KindTimeout:
		return "restart the Credential Manager service (VaultSvc), then try again"
	case KindTooBig:
		return fmt.Sprintf("the credential manager takes at most %d bytes: keep larger data in the encrypted vault", MaxValue)
	case KindUnsupported:
		return "the index of openclaw lists what it stored"
	default:
		return "look for the item in Credential Manager, then try again"
	}
}
