package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/keychain"
	"openclaw/keychain/sealed"
)

// encryptedConfig is what this program needs to open a config that is encrypted. It
// asks when it has to; nil opens none.
type encryptedConfig struct {
	mu     sync.Mutex
	sealed *sealed.Opener
	words  []byte // the passphrase, for a gateway that is launched
	silent bool
}

// opener opens the config of the state folder, and other files. One is made for a
// whole command, so that a passphrase is asked for once.
func (e *encryptedConfig) opener(t *terminal, layout configs.Layout) configs.Opener {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sealed == nil {
		e.sealed = sealed.New(t.sealedOptions(layout))
	}
	return openBy(e.sealed)
}

// sealedOptions is how this program opens encrypted files.
func (t *terminal) sealedOptions(layout configs.Layout) sealed.Options {
	return sealed.Options{
		Path: layout.Config(), MarkPath: filepath.Join(layout.State(), "config-encrypted.json"),
		CredentialsDir: t.getenv("CREDENTIALS_DIRECTORY"),
		Ask:            func(path string) ([]byte, error) { return t.encrypted.ask(t, path) },
	}
}

// openBy is an opener in the words of the config.
func openBy(opener *sealed.Opener) configs.Opener {
	return func(path string, data []byte) (configs.Opened, error) {
		text, seal, err := opener.Open(path, data)
		if own, ok := errors.AsType[*keychain.Error](err); ok {
			return configs.Opened{}, &configs.OpenError{Message: "does not open: " + own.Err.Error(), Hint: own.Hint}
		}
		return configs.Opened{Text: text, Seal: seal}, err
	}
}

// ask gives the passphrase, or nothing where nobody can be asked.
func (e *encryptedConfig) ask(t *terminal, path string) ([]byte, error) {
	e.mu.Lock()
	silent := e.silent
	e.mu.Unlock()
	if silent || t.passphraseFD < 0 && !term.IsTerminal(int(t.in.Fd())) {
		return nil, nil
	}
	words, err := t.passphrase("passphrase of " + printable(path) + ": ")
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.words)
	e.words = bytes.Clone(words)
	return words, nil
}

// askNoMore forgets the passphrase and asks for none any more; the keys stay.
func (e *encryptedConfig) askNoMore() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.words)
	e.words, e.silent = nil, true
}

func (e *encryptedConfig) close() {
	e.askNoMore()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sealed != nil {
		e.sealed.Close()
	}
}

// configWords gives a gateway that is launched what opens its config, as a pipe with a
// line in it; nil where it needs nothing. It is tried here first: what is wrong with
// it is told where it was typed.
func (t *terminal) configWords(layout configs.Layout) (*os.File, error) {
	if !isEncrypted(layout.Config()) {
		return nil, nil
	}
	options, err := t.configOptions()
	if err != nil {
		return nil, err
	}
	if _, err := configs.Load(layout.Config(), options); err != nil {
		return nil, err
	}
	t.encrypted.mu.Lock()
	defer t.encrypted.mu.Unlock()
	if t.encrypted.words == nil { // the service's credential opened it, and opens it there
		return nil, nil
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("hand on the passphrase: %w", err)
	}
	defer to.Close()
	line := append(bytes.Clone(t.encrypted.words), '\n') // a pipe takes more than a passphrase has
	defer clear(line)
	if _, err := to.Write(line); err != nil {
		from.Close()
		return nil, fmt.Errorf("hand on the passphrase: %w", err)
	}
	return from, nil
}

// isEncrypted looks at the beginning of a file.
func isEncrypted(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, 32)
	n, err := io.ReadFull(file, start)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && configs.Encrypted(start[:n])
}

// refuseEditor keeps an editor from a config that is encrypted: it works on a file in
// plain text, and most leave copies of their own (swap files, undo, registers) where
// nothing of this program reaches them.
func refuseEditor(path string) error {
	if !isEncrypted(path) {
		return nil
	}
	return &failure{
		err:  errors.New("the config is encrypted, and an editor would leave its text on the disk"),
		hint: "change one key: openclaw config set KEY VALUE, or openclaw config unset KEY\nor all of it, in plain text: openclaw config decrypt " + path + ", edit it, then openclaw config encrypt " + path,
		code: exitRefused,
	}
}
