// Package export carries secrets from one machine to another in a file that age
// (age-encryption.org/v1) opens: to recipients, or under a passphrase.
//
// It owns the text inside: one JSON object that says its format, with the names and
// the values. Write gives that file, Read takes it apart and believes nothing of
// it: names, sizes and duplicates are judged before anything is given out. The
// package touches no store and no file.
package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

const (
	format     = "openclaw-export/1"
	maxFile    = 64 << 20 // bytes, encrypted
	maxEntries = 10_000
	workFactor = 18 // of scrypt: age's own, about a second
	worstWork  = 22 // what a file may ask for at most, sixteen times that
)

// Entry is one secret.
type Entry struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// document is the text inside.
type document struct {
	Format  string  `json:"format"`
	Entries []Entry `json:"entries"`
}

var (
	// ErrPassphrase says that a file does not open by the passphrase or identity.
	ErrPassphrase = errors.New("the file does not open by this passphrase or identity")
	// ErrFormat says that what was inside is no export of this program.
	ErrFormat = errors.New("this is not an export that this version of openclaw reads")
)

// Recipients reads public keys: age1…, and no others.
func Recipients(keys []string) ([]age.Recipient, error) {
	list, err := age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
	if err != nil {
		return nil, fmt.Errorf("read recipients: %w", err)
	}
	return list, nil
}

// Passphrase is a recipient and an identity of a passphrase.
func Passphrase(words []byte) (age.Recipient, age.Identity, error) {
	recipient, err := age.NewScryptRecipient(string(words))
	if err != nil {
		return nil, nil, fmt.Errorf("take passphrase: %w", err)
	}
	recipient.SetWorkFactor(workFactor)
	identity, err := age.NewScryptIdentity(string(words))
	if err != nil {
		return nil, nil, fmt.Errorf("take passphrase: %w", err)
	}
	identity.SetMaxWorkFactor(worstWork)
	return recipient, identity, nil
}

// Write gives the encrypted file, as lines of text. The values stay the caller's.
func Write(entries []Entry, recipients ...age.Recipient) ([]byte, error) {
	text, err := json.Marshal(document{Format: format, Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("encode entries: %w", err)
	}
	defer clear(text)
	var out bytes.Buffer
	lines := armor.NewWriter(&out)
	w, err := age.Encrypt(lines, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close(), lines.Close()); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out.Bytes(), nil
}

// Read opens a file, in lines of text or not. The caller wipes the values.
func Read(file io.Reader, identities ...age.Identity) ([]Entry, error) {
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: it has more than %d MiB", ErrFormat, maxFile>>20)
	}
	var source io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte(armor.Header)) {
		source = armor.NewReader(source)
	}
	plain, err := age.Decrypt(source, identities...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxFile+1))
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("the file is damaged: %w", err)
	}
	return decode(text)
}

// decode judges everything that later code relies on.
func decode(text []byte) ([]Entry, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil || d.Format != format {
		return nil, ErrFormat // the decoder's own words may hold a value
	}
	if decoder.More() || len(d.Entries) > maxEntries {
		return nil, ErrFormat
	}
	for i, e := range d.Entries {
		if keychain.CheckName("import", e.Name) != nil || len(e.Value) == 0 || len(e.Value) > vault.MaxValue {
			return nil, fmt.Errorf("%w: entry %d", ErrFormat, i+1)
		}
	}
	slices.SortFunc(d.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(d.Entries); i++ {
		if d.Entries[i-1].Name == d.Entries[i].Name {
			return nil, fmt.Errorf("%w: %s is in it twice", ErrFormat, d.Entries[i].Name)
		}
	}
	return d.Entries, nil
}
