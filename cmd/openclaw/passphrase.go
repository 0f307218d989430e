package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// maxPassphrase bounds a line that holds a passphrase or a code, in bytes.
const maxPassphrase = 4096

var errEmptyPassphrase = errors.New("the passphrase is empty: nothing was changed")

// newPassphrase asks twice at a terminal.
func (t *terminal) newPassphrase() ([]byte, error) {
	first, err := t.passphrase("new passphrase: ")
	if err != nil || t.passphraseFD >= 0 {
		return first, err
	}
	second, err := t.passphrase("once more: ")
	if err != nil {
		clear(first)
		return nil, err
	}
	defer clear(second)
	if !bytes.Equal(first, second) {
		clear(first)
		return nil, errors.New("the two are not the same: nothing was changed")
	}
	return first, nil
}

// passphrase asks at the terminal without echo, or reads the next line of the
// descriptor that was named for it. The caller wipes it.
func (t *terminal) passphrase(prompt string) ([]byte, error) {
	if t.passphraseFD >= 0 {
		return t.passphraseLine()
	}
	if !term.IsTerminal(int(t.in.Fd())) {
		return nil, usage("run it on a terminal, or give it by --passphrase-fd; a vault that needs nobody is made by 'openclaw vault init --key-file'", "no terminal to ask at")
	}
	fmt.Fprint(t.err, prompt)
	typed, err := term.ReadPassword(int(t.in.Fd()))
	fmt.Fprintln(t.err)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	if len(typed) == 0 {
		return nil, errEmptyPassphrase
	}
	return typed, nil
}

// passphraseLine reads byte by byte, so that nothing of the next line is taken and
// no buffer keeps a copy.
func (t *terminal) passphraseLine() ([]byte, error) {
	source := t.in
	if t.passphraseFD != 0 {
		if t.passphrases == nil { // once: an *os.File that is let go closes its descriptor under the next one
			t.passphrases = os.NewFile(uintptr(t.passphraseFD), "passphrases")
		}
		if source = t.passphrases; source == nil {
			return nil, usage("name a descriptor that is open, as in 3<FILE", "no descriptor %d", t.passphraseFD)
		}
	}
	line := make([]byte, 0, maxPassphrase)
	letter := make([]byte, 1)
	defer clear(letter)
	for {
		n, err := source.Read(letter)
		switch {
		case n == 1 && letter[0] != '\n' && len(line) == maxPassphrase:
			clear(line)
			return nil, fmt.Errorf("a passphrase has at most %d bytes", maxPassphrase)
		case n == 1 && letter[0] != '\n':
			line = append(line, letter[0])
			continue
		case n == 0 && err == nil:
			continue
		case err != nil && !errors.Is(err, io.EOF):
			clear(line)
			return nil, fmt.Errorf("read the passphrase: %w", err)
		case len(line) == 0:
			return nil, errEmptyPassphrase
		}
		return bytes.TrimSuffix(line, []byte("\r")), nil
	}
}
