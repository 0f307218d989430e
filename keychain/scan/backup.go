package scan

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
)

const (
	backupFormat = "openclaw-import-backup/1"
	maxBackup    = 64 << 20 // bytes
)

// ErrBackup says that a file is no backup of an import.
var ErrBackup = errors.New("this is not a backup of 'secrets import' that this version of openclaw reads")

// Original is a file as it was before an import.
type Original struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
	After   []byte `json:"after"` // SHA-256 of what the import wrote
}

type backup struct {
	Format string     `json:"format"`
	Files  []Original `json:"files"`
}

// Sum is what After holds.
func Sum(content []byte) []byte {
	sum := sha256.Sum256(content)
	return sum[:]
}

// WriteBackup encrypts the originals to the recipients and writes them to a new
// file, which is on the disk when it returns.
func WriteBackup(path string, files []Original, recipients ...age.Recipient) (err error) {
	text, err := json.Marshal(backup{backupFormat, files})
	if err != nil {
		return fmt.Errorf("encode backup: %w", err)
	}
	defer clear(text)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err != nil {
		return fmt.Errorf("encrypt backup: %w", err)
	}
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("encrypt backup: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	_, err = f.Write(out.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("write backup: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// ReadBackup decrypts a backup. It believes nothing of it but what the key that
// opened it vouches for.
func ReadBackup(path string, identities ...age.Identity) ([]Original, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open backup: %w", err)
	}
	defer f.Close()
	plain, err := age.Decrypt(io.LimitReader(f, maxBackup), identities...)
	if err != nil {
		if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
			return nil, errors.New("the backup does not open by this key")
		}
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxBackup))
	defer clear(text)
	if err != nil {
		return nil, fmt.Errorf("the backup is damaged: %w", err)
	}
	var b backup
	if json.Unmarshal(text, &b) != nil || b.Format != backupFormat {
		return nil, ErrBackup // the decoder's own words may hold a value
	}
	for _, file := range b.Files {
		if !filepath.IsAbs(file.Path) || len(file.Content) > maxFile || len(file.After) != sha256.Size {
			return nil, ErrBackup
		}
	}
	return b.Files, nil
}

// IsBackup looks at the beginning of a file, before anybody is asked for a key.
func IsBackup(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	defer f.Close()
	head := make([]byte, len(ageHeader))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != ageHeader {
		return ErrBackup
	}
	return nil
}

const ageHeader = "age-encryption.org/v1\n"
