package view

import (
	"unicode"
	"unicode/utf8"
)

// Key is one key press, or one piece of typed or pasted text. Name is set for
// keys that are not text ("enter", "up", "ctrl+u"); Text holds the characters
// otherwise. Whoever handles a Key for a secret wipes Text.
type Key struct {
	Name  string
	Text  []rune
	Paste bool
}

// maxSecret bounds a typed or pasted value, in bytes.
const maxSecret = 64 << 10

// Editor is one line of typed text in bytes of its own. A masked editor shows
// bullets; its bytes are wiped when they grow, are cleared or are taken.
type Editor struct {
	Masked  bool
	Exact   bool // Take keeps blanks: a passphrase is what was typed
	Max     int  // bytes; 0: 64 KiB
	Skipped int  // characters that were refused: control characters, or too long

	buf []byte
}

// Len is the number of characters.
func (e *Editor) Len() int { return utf8.RuneCount(e.buf) }

// Text returns what was typed. A masked editor returns nothing: its bytes leave
// through Take only.
func (e *Editor) Text() string {
	if e.Masked {
		return ""
	}
	return string(e.buf)
}

// Set replaces the text of an editor that is not masked.
func (e *Editor) Set(s string) { e.Wipe(); e.buf = append(e.buf[:0], s...) }

// Take hands the bytes over; the editor keeps no copy. White space around a
// value and line ends of a pasted one are left out.
func (e *Editor) Take() []byte {
	buf := e.buf
	e.buf, e.Skipped = nil, 0
	from, to := 0, len(buf)
	for !e.Exact && from < to && blank(buf[from]) {
		from++
	}
	for to > from && blank(buf[to-1]) && (!e.Exact || buf[to-1] == '\n') {
		to--
	}
	clear(buf[to:])
	return buf[from:to:to]
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Wipe empties the editor and overwrites what it held.
func (e *Editor) Wipe() {
	clear(e.buf[:cap(e.buf)])
	e.buf, e.Skipped = e.buf[:0], 0
}

// Key edits and reports whether it used the key.
func (e *Editor) Key(k Key) bool {
	switch k.Name {
	case "":
		text := k.Text
		for k.Paste && len(text) > 0 && (text[len(text)-1] == '\r' || text[len(text)-1] == '\n') {
			text = text[:len(text)-1] // the end of the copied line
		}
		for _, r := range text {
			e.insert(r, k.Paste)
		}
		return true
	case "backspace", "ctrl+h":
		_, size := utf8.DecodeLastRune(e.buf)
		clear(e.buf[len(e.buf)-size:])
		e.buf = e.buf[:len(e.buf)-size]
	case "ctrl+u":
		e.Wipe()
	case "ctrl+w":
		to := len(e.buf)
		for to > 0 && e.buf[to-1] == ' ' {
			to--
		}
		for to > 0 && e.buf[to-1] != ' ' {
			to--
		}
		clear(e.buf[to:])
		e.buf = e.buf[:to]
	default:
		return false
	}
	return true
}

func (e *Editor) insert(r rune, paste bool) {
	limit := e.Max
	if limit == 0 {
		limit = maxSecret
	}
	if r == '\r' {
		r = '\n' // terminals paste line ends as carriage returns
	}
	multiline := e.Masked && paste && (r == '\n' || r == '\t')
	if !multiline && (unicode.IsControl(r) || r == utf8.RuneError) || len(e.buf)+utf8.RuneLen(r) > limit {
		e.Skipped++
		return
	}
	e.room()
	e.buf = utf8.AppendRune(e.buf, r)
}

// room grows the memory before it is full; what was there is wiped.
func (e *Editor) room() {
	if len(e.buf)+utf8.UTFMax > cap(e.buf) {
		grown := make([]byte, len(e.buf), max(2*cap(e.buf), 1024))
		copy(grown, e.buf)
		clear(e.buf)
		e.buf = grown
	}
}

const bullets = "••••••••••••••••••••••••••••••••"

// Draw adds the text, or bullets and the number of characters, and a cursor.
func (e *Editor) Draw(c *Canvas, focus bool) {
	if e.Masked {
		n := e.Len()
		if n > 0 {
			c.Put(Plain, bullets[:len("•")*min(n, len(bullets)/len("•"))])
		}
		e.cursor(c, focus)
		if n > 0 {
			c.Gap(2)
			c.Put(Faint, c.N(n, "character"))
		}
	} else {
		text := string(e.buf)
		if over := Width(text) - c.Room() + 2; over > 0 {
			text = lastCells(text, max(c.Room()-2, 0))
		}
		c.Put(Plain, text)
		e.cursor(c, focus)
	}
	if e.Skipped > 0 {
		c.Gap(2)
		c.PutInt(Bad, e.Skipped)
		c.Put(Bad, c.T(" left out"))
	}
}

func (e *Editor) cursor(c *Canvas, focus bool) {
	if focus {
		c.Put(Selected, " ")
	}
}

// Byte adds one byte of typed text, for input that comes byte by byte. Control
// bytes are left out.
func (e *Editor) Byte(b byte) {
	limit := e.Max
	if limit == 0 {
		limit = maxSecret
	}
	if b < 0x20 || b == 0x7f || len(e.buf) >= limit {
		e.Skipped++
		return
	}
	e.room()
	e.buf = append(e.buf, b)
}
