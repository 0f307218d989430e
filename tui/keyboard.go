package tui

import (
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// How long the rest of a key is waited for, and how long a rest that comes later is
// still known as one.
const (
	keyWait = 100 * time.Millisecond
	restFor = 2 * time.Second
)

// pasteBegin comes before pasted text. It counts also when it is late: what follows
// was not typed.
const pasteBegin = "\x1b[200~"

// maxSequence bounds one key's bytes; a longer sequence is no key.
const maxSequence = 256

// keyboard is the terminal's input in whole keys. An arrow key is an escape and two
// letters, and over a serial line, or a bad one, they come apart: what reads them one
// by one takes them for Esc and for letters, of which one may answer a request. Here
// they wait for each other, as do the bytes of one character; the rest of a key that
// comes late is dropped. What the terminal itself answers is no key and is dropped.
//
// It is an *os.File to who asks for one. It is not safe for concurrent use.
type keyboard struct {
	*os.File

	more func(time.Duration) bool // whether something can be read within a time
	now  func() time.Time

	begun   []byte // of a key whose rest has not come
	escaped bool   // the escape at the beginning of begun was a key press
	until   time.Time
	buf     [maxSequence]byte
}

// errTerminalGone is what a terminal that was hung up reads, whose end Bubble Tea takes for
// the end of typing, and waits on: a screen on a line that is lost would stay for ever
// where its shell passes no signal on.
var errTerminalGone = errors.New("the terminal is gone") //nolint:gochecknoglobals // an error

func newKeyboard(f *os.File) *keyboard {
	return &keyboard{File: f, now: time.Now, more: func(wait time.Duration) bool { return readable(f, wait) }}
}

// Read reads keys; none may be there yet, which is no error.
func (k *keyboard) Read(p []byte) (int, error) {
	if len(p) < maxSequence {
		return 0, io.ErrShortBuffer
	}
	out := p[:0]
	for {
		n, err := k.File.Read(k.buf[:min(len(k.buf), len(p)-len(out)-len(k.begun))])
		if errors.Is(err, io.EOF) {
			err = errTerminalGone
		}
		if err != nil {
			return len(out), err
		}
		now := k.now()
		if len(k.begun) > 0 && now.After(k.until) {
			k.forget()
		}
		if len(k.begun) < 2 || !isReply(k.begun[1]) { // nobody types on for long into an answer
			k.until = now.Add(restFor)
		}
		k.begun = append(k.begun, k.buf[:n]...)
		clear(k.buf[:n]) // a secret may be typed
		out = k.take(out)
		if len(k.begun) == 0 || len(p)-len(out)-len(k.begun) < maxSequence/2 {
			return len(out), nil
		}
		if !k.more(keyWait) {
			return len(k.late(out)), nil
		}
	}
}

// take moves the whole keys of what has begun to out.
func (k *keyboard) take(out []byte) []byte {
	for len(k.begun) > 0 {
		if k.escaped && len(k.begun) > 1 && k.begun[1] != '[' && k.begun[1] != 'O' {
			k.begun, k.escaped = k.begun[1:], false // the next key
			continue
		}
		n, whole := keyLength(k.begun)
		if !whole && len(k.begun) < maxSequence {
			return out
		}
		if key := k.begun[:n]; whole && isKey(key) && (!k.escaped || string(key) == pasteBegin) {
			out = append(out, key...)
		} // else an answer, no key that anybody has, or the rest of what was taken for Esc
		clear(k.begun[:n])
		k.begun, k.escaped = k.begun[n:], false
	}
	return out
}

func (k *keyboard) forget() { k.begun, k.escaped = nil, false }

// late is when the rest of a key did not come: an escape was the key Esc.
func (k *keyboard) late(out []byte) []byte {
	switch {
	case k.begun[0] != 0x1b: // half a character
		out = append(out, k.begun...)
		k.forget()
	case len(k.begun) == 1 && !k.escaped:
		out, k.escaped = append(out, 0x1b), true
	}
	return out
}

// isKey reports whether a whole sequence is what a key or a mouse sends.
func isKey(b []byte) bool {
	if b[0] != 0x1b || len(b) == 1 {
		return true
	}
	if b[1] == '[' { // cut short by something else it is none
		last := b[len(b)-1]
		return len(b) > 2 && (b[2] == 'M' || last >= 0x40 && last <= 0x7e)
	}
	return !isReply(b[1])
}

// isReply reports whether an escape and b begin what a terminal answers: a string of
// ECMA-48 (DCS, SOS, OSC, PM, APC).
func isReply(b byte) bool { return b == 'P' || b == 'X' || b == ']' || b == '^' || b == '_' }

// keyLength is how many bytes the first key in b has, and whether all are there.
func keyLength(b []byte) (n int, whole bool) {
	if b[0] != 0x1b {
		if !utf8.FullRune(b) {
			return len(b), false
		}
		_, n = utf8.DecodeRune(b)
		return n, true
	}
	if len(b) == 1 {
		return 1, false
	}
	switch {
	case b[1] == 0x1b: // Esc with alt, or before a sequence of its own
		if len(b) > 2 && (b[2] == '[' || b[2] == 'O') {
			n, whole = keyLength(b[1:])
			return n + 1, whole
		}
		return 1, true
	case b[1] == 'O':
		return min(len(b), 3), len(b) >= 3
	case b[1] == '[':
		return controlLength(b)
	case isReply(b[1]):
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1, true
			}
			if b[i] == 0x1b && i+1 < len(b) {
				if b[i+1] == '\\' {
					return i + 2, true
				}
				return i, true // another sequence ends it
			}
		}
		return len(b), false
	}
	if n, whole = keyLength(b[1:]); whole { // with alt
		return n + 1, true
	}
	return len(b), false
}

// controlLength is keyLength of a control sequence of ECMA-48 (CSI): parameters, then
// one final byte. That of a mouse of the old kind has three more, and the key that a
// Linux console sends for F1 to F5 has one.
func controlLength(b []byte) (n int, whole bool) {
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c == '[' && i == 2:
			return min(len(b), 4), len(b) >= 4
		case c == 'M' && i == 2:
			return min(len(b), 6), len(b) >= 6
		case c >= 0x40 && c <= 0x7e:
			return i + 1, true
		case c < 0x20 || c > 0x7e: // it is no sequence
			return i, true
		}
	}
	return len(b), false
}
