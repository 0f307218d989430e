package sealed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

const (
	markVersion = 1
	maxMark     = 4 << 10
	lockSuffix  = ".lock"
	noteTimeout = 15 * time.Second
)

// markFile is what is remembered of the file.
type markFile struct {
	Version int `json:"version"`
	keychain.VaultMark

	// Plain says that a person put plain text in the place of the writing that the
	// mark tells of.
	Plain bool `json:"plain,omitempty"`
}

var errMark = errors.New("what is remembered of the encrypted config cannot be read")

func markError(err error, path string) error {
	return &keychain.Error{
		Op: "open text", Kind: keychain.KindCorrupt, Err: err,
		Hint: "restore " + path + " from a backup; or, if the config is the one that you expect: openclaw config encrypt FILE, or openclaw config decrypt FILE",
	}
}

// readMark gives the zero value where nothing is remembered.
func (o *Opener) readMark() (markFile, error) {
	data, err := file.Read(o.options.MarkPath, maxMark)
	if errors.Is(err, fs.ErrNotExist) {
		return markFile{}, nil
	}
	if err != nil {
		return markFile{}, fmt.Errorf("%w: %w", errMark, err)
	}
	var m markFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return markFile{}, fmt.Errorf("%w: %w", errMark, err)
	}
	if m.Version != markVersion || m.ID == "" || m.Generation == 0 {
		return markFile{}, fmt.Errorf("%w: version %d", errMark, m.Version)
	}
	return m, nil
}

// note remembers a writing, unless a later one is remembered already.
func (o *Opener) note(m markFile) error {
	return o.replaceMark(m, func(now markFile) bool {
		return now.ID == m.ID && now.Generation > m.Generation && !now.Plain
	})
}

func (o *Opener) replaceMark(m markFile, keep func(now markFile) bool) error {
	fail := func(err error) error {
		return &keychain.Error{
			Op: "remember the encrypted config", Kind: keychain.KindFailed, Err: err,
			Hint: "check the free space and the mode of the folder of " + o.options.MarkPath,
		}
	}
	if err := os.MkdirAll(filepath.Dir(o.options.MarkPath), 0o700); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteTimeout)
	defer cancel()
	release, err := file.Acquire(ctx, o.options.MarkPath+lockSuffix)
	if err != nil {
		return fail(err)
	}
	defer release()
	if now, err := o.readMark(); err == nil && keep(now) {
		return nil
	}
	m.Version = markVersion
	data, err := json.Marshal(m)
	if err != nil {
		return fail(err)
	}
	file.RemoveLeftovers(o.options.MarkPath)
	if err := file.Replace(o.options.MarkPath, "", append(data, '\n')); err != nil {
		return fail(err)
	}
	return nil
}

// Encrypted remembers data, which Encrypt made and which stands at Path now, as the
// newest, whatever was remembered before.
func (o *Opener) Encrypted(path string, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.options.Path == "" || !samePath(path, o.options.Path) {
		return nil
	}
	mark, err := vault.MarkText(data, o.options.Vault)
	if err != nil {
		return err
	}
	o.newest = mark
	return o.replaceMark(markFile{VaultMark: mark}, func(markFile) bool { return false })
}

// Decrypting remembers that plain text is about to stand in the place of data, at
// Path. Until it does, data is good as well.
func (o *Opener) Decrypting(path string, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.options.Path == "" || !samePath(path, o.options.Path) {
		return nil
	}
	m := markFile{Plain: true}
	if vault.IsText(data) {
		mark, err := vault.MarkText(data, o.options.Vault)
		if err != nil {
			return err
		}
		m.VaultMark = mark
	}
	o.newest = keychain.VaultMark{}
	if record, err := o.readMark(); err == nil && record.ID != "" && (m.ID == "" || record.ID == m.ID) {
		m.ID, m.Generation = record.ID, max(m.Generation, record.Generation)
	}
	if m.ID == "" { // it never was encrypted, or what says so cannot be read
		if err := os.Remove(o.options.MarkPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what is remembered: %w", err)
		}
		return nil
	}
	return o.replaceMark(m, func(markFile) bool { return false })
}
