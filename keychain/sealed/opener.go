package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

// CredentialName is the file in the service manager's credentials folder that holds
// the passphrase of the config.
const CredentialName = "openclaw-config-passphrase" //nolint:gosec // a file name

const maxCredential = 4096

// Options says what an Opener works with.
type Options struct {
	Path           string // the file whose newest writing is remembered; empty: none is
	MarkPath       string // where that is remembered
	CredentialsDir string // $CREDENTIALS_DIRECTORY; may be empty

	// Ask gives the passphrase of the file at path, which the Opener wipes; nothing
	// where nobody can be asked, as a nil Ask.
	Ask func(path string) ([]byte, error)

	// Accept takes a file of Path that is not the newest that was seen, or plain
	// though it was encrypted: the person who is about to encrypt or decrypt it
	// decides. Refused tells then what would have been said.
	Accept bool

	Vault vault.Options
}

// Opener opens encrypted files and keeps their keys. It may be used from several
// goroutines, one of which asks at a time.
type Opener struct {
	options Options

	mu      sync.Mutex // held while somebody is asked, too
	keys    map[string]*vault.TextKey
	newest  keychain.VaultMark // of Path, that this process saw; zero: none
	refused error
}

// New makes an Opener. Nothing is read yet.
func New(options Options) *Opener {
	return &Opener{options: options, keys: map[string]*vault.TextKey{}}
}

// Close forgets the keys.
func (o *Opener) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, key := range o.keys {
		key.Close()
		delete(o.keys, id)
	}
}

// Refused is why a file that was accepted would have been refused, or nil.
func (o *Opener) Refused() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refused
}

var (
	errPlain = errors.New("it is in plain text, and it was encrypted when it was seen last")
	errNone  = errors.New("it is encrypted, and nobody is there to give its passphrase")
)

// Open gives the text of a file's bytes, and what encrypts another text in its place;
// that is nil for a file in plain text.
func (o *Opener) Open(path string, data []byte) (text []byte, seal func([]byte) ([]byte, error), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ours := o.options.Path != "" && samePath(path, o.options.Path)
	if !vault.IsText(data) {
		if ours {
			if err := o.allowPlain(); err != nil {
				return nil, nil, err
			}
		}
		return data, nil, nil
	}
	text, mark, key, err := o.decrypt(path, data)
	if err != nil {
		return nil, nil, err
	}
	past := uint64(0)
	if ours {
		if past, err = o.allow(mark); err != nil {
			clear(text)
			return nil, nil, err
		}
	}
	return text, func(next []byte) ([]byte, error) { return key.Seal(data, next, past) }, nil
}

// Encrypt gives what takes the place of the file at path, whose bytes are before: text
// under a passphrase, which stays the caller's. Note it when it is on the disk.
func (o *Opener) Encrypt(path string, before, text, passphrase []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var mark keychain.VaultMark
	if vault.IsText(before) {
		var err error
		if mark, err = vault.MarkText(before, o.options.Vault); err != nil {
			return nil, err
		}
	}
	if o.options.Path != "" && samePath(path, o.options.Path) {
		if record, err := o.readMark(); err == nil && record.ID != "" { // it goes on from whatever was seen
			mark.ID, mark.Generation = record.ID, max(mark.Generation, record.Generation)
		}
	}
	data, key, err := vault.SealText(text, vault.Passphrase(passphrase), mark, o.options.Vault)
	if err != nil {
		return nil, err
	}
	o.keep(data, key)
	return data, nil
}

// keep takes the key of data, if it can be told whose it is.
func (o *Opener) keep(data []byte, key *vault.TextKey) {
	mark, err := vault.MarkText(data, o.options.Vault)
	if err != nil {
		key.Close()
		return
	}
	if old := o.keys[mark.ID]; old != nil {
		old.Close()
	}
	o.keys[mark.ID] = key
}

// decrypt opens data by a key that is known, or by one that it finds.
func (o *Opener) decrypt(path string, data []byte) ([]byte, keychain.VaultMark, *vault.TextKey, error) {
	fail := func(err error) ([]byte, keychain.VaultMark, *vault.TextKey, error) {
		return nil, keychain.VaultMark{}, nil, err
	}
	mark, err := vault.MarkText(data, o.options.Vault)
	if err != nil {
		return fail(err)
	}
	known := o.keys[mark.ID]
	var wrong error
	if known != nil {
		text, mark, err := known.Open(data)
		if err == nil {
			return text, mark, known, nil
		}
		if wrong = err; keychain.KindOf(err) != keychain.KindWrongKey {
			return fail(err)
		}
	}
	key, err := o.unlock(path, data)
	if errors.Is(err, errNone) && wrong != nil {
		err = wrong
	}
	if err != nil {
		return fail(err)
	}
	text, mark, err := key.Open(data)
	if err != nil {
		key.Close()
		return fail(err)
	}
	if known != nil {
		known.Close()
	}
	o.keys[mark.ID] = key
	return text, mark, key, nil
}

// unlock finds the key by the service's credential, or by asking.
func (o *Opener) unlock(path string, data []byte) (*vault.TextKey, error) {
	if o.options.CredentialsDir != "" {
		words, err := file.ReadCredential(o.options.CredentialsDir, CredentialName, maxCredential)
		if err == nil {
			defer clear(words)
			return vault.OpenText(data, vault.Passphrase(bytes.TrimRight(words, "\r\n")), o.options.Vault)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, &keychain.Error{Op: "open text", Kind: keychain.KindFailed, Err: err, Hint: "check the service's credential " + CredentialName}
		}
	}
	var words []byte
	if o.options.Ask != nil {
		asked, err := o.options.Ask(path)
		if err != nil {
			return nil, err
		}
		words = asked
	}
	if len(words) == 0 {
		return nil, &keychain.Error{
			Op: "open text", Kind: keychain.KindLocked, Err: errNone,
			Hint: "start openclaw on a terminal, give --passphrase-fd, or give the service the credential " + CredentialName,
		}
	}
	defer clear(words)
	return vault.OpenText(data, vault.Passphrase(words), o.options.Vault)
}

func samePath(a, b string) bool {
	a, err := filepath.Abs(a)
	if err != nil {
		return false
	}
	b, err = filepath.Abs(b)
	return err == nil && a == b
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func rolledBack(err error) error {
	return &keychain.Error{
		Op: "open text", Kind: keychain.KindRolledBack, Err: err,
		Hint: "if you put it there: openclaw config encrypt FILE takes it, or openclaw config decrypt FILE; if not, somebody else did: find out who, and put the newest back",
	}
}

// accepts is nil where a person decides for the file all the same.
func (o *Opener) accepts(err error) error {
	o.refused = err
	if o.options.Accept {
		return nil
	}
	return err
}

// allowPlain is why Path may not be in plain text, or nil.
func (o *Opener) allowPlain() error {
	record, err := o.readMark()
	switch {
	case err != nil:
		return o.accepts(markError(err, o.options.MarkPath))
	case record.Plain || record.ID == "" && o.newest.ID == "":
		o.newest = keychain.VaultMark{} // encrypted later, it begins anew
		return nil
	}
	return o.accepts(rolledBack(errPlain))
}

// allow is why an encrypted Path may not be used, or nil. past is the highest
// generation that was seen.
func (o *Opener) allow(mark keychain.VaultMark) (past uint64, err error) {
	record, err := o.readMark()
	if err != nil {
		return mark.Generation, o.accepts(markError(err, o.options.MarkPath))
	}
	seen := []keychain.VaultMark{o.newest}
	if !record.Plain {
		seen = append(seen, record.VaultMark)
	}
	for _, newest := range seen {
		if newest.ID == "" {
			continue
		}
		past = max(past, newest.Generation)
		if err := vault.Follows(mark, newest); err != nil {
			err = rolledBack(fmt.Errorf("%w (the file was written on %s, the newest on %s)", err, stamp(mark.Written), stamp(newest.Written)))
			return past, o.accepts(err)
		}
	}
	o.newest = mark
	if record.VaultMark == mark || record.Plain && record.ID == mark.ID && record.Generation >= mark.Generation {
		return past, nil // the second: decrypt was about to put plain text there
	}
	return past, o.note(markFile{VaultMark: mark})
}
