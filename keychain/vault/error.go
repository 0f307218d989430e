package vault

import (
	"context"
	"errors"
	"io/fs"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// RolledBackHint is the cure of KindRolledBack.
const RolledBackHint = "if you restored a backup, say so: openclaw vault accept-rollback; if not, somebody put another vault file in place: find out who, and put the newest back"

// wrap gives err its kind and the cure; nil stays nil.
func wrap(op, path, name string, err error) error {
	if err == nil {
		return nil
	}
	kind, hint := judge(path, err)
	return &keychain.Error{Op: op, Name: name, Kind: kind, Err: err, Hint: hint}
}

func judge(path string, err error) (keychain.Kind, string) {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(errMissing):
		return keychain.KindNotFound, "store it: openclaw secrets set NAME"
	case is(errClosed):
		return keychain.KindLocked, "unlock the vault: openclaw vault unlock"
	case is(errReplaced):
		return keychain.KindLocked, "the vault file was replaced by another one: unlock it again: openclaw vault unlock"
	case is(errRekeyed):
		return keychain.KindLocked, "somebody gave the vault another key (openclaw vault rekey): unlock it again: openclaw vault unlock"
	case is(errCode):
		return keychain.KindWrongKey, "compare it letter by letter with what was written down: eight groups of four"
	case is(errPersonal):
		return keychain.KindFailed, "first add another: openclaw vault recovery-code, or openclaw vault add-slot age; or choose anew what opens it: openclaw vault rekey"
	case is(errNotApproved):
		return keychain.KindUnsupported, "start openclaw without GODEBUG=fips140, give the vault approved primitives by 'openclaw vault rekey --fips', and start it in FIPS mode again"
	case is(errApprovedAge), is(errMode):
		return keychain.KindUnsupported, "use a passphrase, a recovery code, a key file, the keychain or a credential"
	case is(errName), is(errRecipients):
		return keychain.KindFailed, "give it another name, or fewer recipients; more fit in a slot of their own"
	case is(errNoRoom):
		return keychain.KindFailed, "remove a way that is not needed: openclaw vault slots, openclaw vault remove-slot ID"
	case is(errLastSlot), is(errFullOf), is(errUnknown), is(errVerify):
		return keychain.KindFailed, "see the ways that there are: openclaw vault slots"
	case is(errWrongKey):
		return keychain.KindWrongKey, "try again: the passphrase or the key file is not the one of this vault"
	case is(errNoSlot):
		return keychain.KindWrongKey, "unlock this vault the way it was made: openclaw vault unlock"
	case is(errShort), is(errLong), is(errNoWay), is(errKeySize):
		return keychain.KindFailed, "choose a passphrase of 8 bytes to 4 KiB (four random words are good), or a key file of 32 random bytes"
	case is(errOlder), is(errFork), is(errOther):
		return keychain.KindRolledBack, RolledBackHint
	case is(errNewer):
		return keychain.KindUnsupported, "a newer openclaw wrote this vault: use that version"
	case is(errCost):
		return keychain.KindUnsupported, "the vault asks for too little or too much work to open: do not trust the file; restore " + path + " from a backup"
	case is(errNotVault), is(errTruncated), is(errChecksum), is(errHeader), is(errAltered), is(errPayload):
		return keychain.KindCorrupt, "the file is damaged: copy " + path + previousSuffix + " (one change older) over " + path + ", or restore a backup; then: openclaw vault accept-rollback"
	case is(errNumber):
		return keychain.KindCorrupt, "no openclaw counted so far, so somebody wrote it: do not trust the file; make a vault anew from an export"
	case is(errTooBig), is(errFull), is(file.ErrTooBig):
		return keychain.KindTooBig, "a vault takes values of at most 1 MiB and 24 MiB in all: keep larger data in a file"
	case is(errEmpty):
		return keychain.KindFailed, "give a value, or delete the secret"
	case file.Unsafe(err):
		return keychain.KindUnsafeFile, "vault and key file have to be regular files and no links, the key file yours alone (chmod 600)"
	case is(file.ErrBusy), is(context.DeadlineExceeded):
		return keychain.KindTimeout, "another openclaw keeps the vault's lock: wait for it or end it"
	case is(fs.ErrExist):
		return keychain.KindFailed, "a vault exists at " + path + " already: unlock it, or move it away first"
	case is(fs.ErrNotExist):
		// Never KindNotFound: that is said of an entry, and callers store a new one then.
		return keychain.KindNoService, "the vault or its key file is not there: put it back, or make a vault: openclaw vault init"
	case is(errors.ErrUnsupported):
		return keychain.KindUnsupported, "use a passphrase on this system"
	}
	return keychain.KindFailed, "check the disk's free space and the folder's mode, then try again"
}
