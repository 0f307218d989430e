package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Opener gives the text of a config file's bytes, and refuses those that must not
// stand at that path. It is called for every file that is read, plain or encrypted.
// Its error is an *OpenError where a person can do something.
type Opener func(path string, data []byte) (Opened, error)

// Opened is a file's text.
type Opened struct {
	Text []byte

	// Seal encrypts another text in its place; nil: the file is plain text, and so
	// is what is written there.
	Seal func(text []byte) ([]byte, error)
}

// OpenError is an encrypted file that does not open, or a plain one that may not
// stand there.
type OpenError struct{ Message, Hint string }

func (e *OpenError) Error() string { return e.Message }

const (
	// encryptedPrefix begins every encrypted config, of whatever version.
	encryptedPrefix = "openclaw-config/"

	// maxFile is the largest file: a text, the ways to unlock it, and padding.
	maxFile = MaxSize + 64<<10
)

// Encrypted reports whether data begins as an encrypted config does.
func Encrypted(data []byte) bool { return bytes.HasPrefix(data, []byte(encryptedPrefix)) }

// open is Open of the options, or what is right where nothing can be opened.
func (o Options) open(path string, data []byte) (Opened, error) {
	switch {
	case o.Open != nil:
		return o.Open(path, data)
	case Encrypted(data):
		return Opened{}, &OpenError{"is encrypted", "openclaw config decrypt " + shellQuote(path) + " opens it"}
	}
	return Opened{Text: data}, nil
}

// Encrypt puts in the place of a config, plain or encrypted, what seal makes of its
// bytes and its text. A text that does not load encrypted stays as it is, and so does
// the file on any error; the result is mode 0600. It returns what stands there now.
func Encrypt(path string, options Options, seal func(raw, text []byte) ([]byte, error)) ([]byte, error) {
	const op = "encrypt config"
	data, err := rewrite(op, path, options, func(options Options, file *readResult) ([]byte, error) {
		judged := *file
		judged.seal = func([]byte) ([]byte, error) { return nil, errors.ErrUnsupported } // as it will be
		if _, err := parse(path, file.text, &judged, options); err != nil {
			return nil, err
		}
		return seal(file.raw, file.text)
	})
	if err != nil {
		return nil, err
	}
	// What is encrypted must not lie beside it in plain text.
	if options, err = options.complete(); err == nil && SameFile(path, options.Layout.Config()) {
		err = forgetVersions(options.Layout)
	}
	if err != nil {
		return data, &Error{Op: op, Path: path, Hint: "remove " + options.Layout.Versions(), Problems: []Problem{{
			File: filepath.Base(path), Message: "the file is encrypted, but earlier versions of it in plain text could not be removed: " + err.Error(), Hint: "remove " + options.Layout.Versions(),
		}}}
	}
	return data, nil
}

// SameFile reports whether two names are of one file that is there, however a person
// wrote them: below the folder that they stand in, or by a link.
func SameFile(one, other string) bool {
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// Decrypt puts the text in the place of an encrypted config. about is told of the
// bytes that stand there before it does. A config in plain text stays.
func Decrypt(path string, options Options, about func(raw []byte) error) (wasEncrypted bool, err error) {
	_, err = rewrite("decrypt config", path, options, func(_ Options, file *readResult) ([]byte, error) {
		wasEncrypted = file.seal != nil
		return file.text, about(file.raw)
	})
	return wasEncrypted, err
}

// rewrite replaces a file as a whole, while no other program of ours edits it.
func rewrite(op, path string, options Options, change func(Options, *readResult) ([]byte, error)) ([]byte, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		problem := Problem{File: filepath.Base(path), Message: err.Error(), Hint: "the file is as it was"}
		return &Error{Op: op, Path: path, Hint: problem.Hint, Problems: []Problem{problem}}
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, fail(fmt.Errorf("lock folder: %w", err))
	}
	defer unlock()
	file, err := readFile(path, options)
	if err != nil {
		return nil, loadError(path, err)
	}
	data, err := change(options, &file)
	if err != nil {
		return nil, err // the caller's own
	}
	if bytes.Equal(data, file.raw) {
		return data, nil
	}
	if err := file.replace(path, data, 0o600, options); err != nil {
		return nil, fail(err)
	}
	return data, nil
}
