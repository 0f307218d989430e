package tui

import (
	"errors"
	"io"
	"os"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"openclaw/tui/view"
)

// lineReader reads typed lines and secrets from one file without reading ahead.
type lineReader struct {
	file   *os.File
	reader io.Reader
	stop   func()
	shut   func()
}

// maxLine bounds a typed command, in bytes.
const maxLine = 4096

// newLineReader wraps f so that a waiting read can be ended. Files that cannot
// be waited for (an ordinary file) are read as they are: such a read never
// waits.
func newLineReader(f *os.File) (*lineReader, error) {
	r := &lineReader{file: f, reader: f, stop: func() {}, shut: func() {}}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		return r, nil
	}
	if c, err := cancelreader.NewReader(f); err == nil {
		r.reader = c
		r.stop = func() { c.Cancel() }
		r.shut = func() { _ = c.Close() }
	}
	return r, nil
}

func (r *lineReader) cancel() { r.stop() }

func (r *lineReader) close() { r.shut() }

// line reads up to a newline, one byte at a time: what follows belongs to
// whoever reads next. A longer line is cut.
func (r *lineReader) line() (string, error) {
	var line []byte
	var b [1]byte
	for {
		n, err := r.reader.Read(b[:])
		if n == 1 && b[0] == '\n' {
			return string(line), nil
		}
		if n == 1 && len(line) < maxLine {
			line = append(line, b[0])
		}
		if err != nil {
			return string(line), err
		}
	}
}

// secret reads a line with the terminal's echo off; prompt is called once it is.
// The bytes are the caller's to wipe. It refuses a pipe: a secret on a pipe has been somewhere else before.
func (r *lineReader) secret(prompt func()) ([]byte, error) {
	fd := int(r.file.Fd())
	if !term.IsTerminal(fd) {
		return nil, errors.New("a secret is typed on a terminal; openclaw secrets set reads one from a pipe")
	}
	state, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = term.Restore(fd, state) }()
	prompt()
	edit := view.Editor{Masked: true, Exact: true}
	var b [1]byte
	for {
		n, err := r.reader.Read(b[:])
		if err != nil {
			edit.Wipe()
			return nil, err
		}
		if n == 0 {
			continue
		}
		switch b[0] {
		case '\r', '\n':
			b[0] = 0
			return edit.Take(), nil
		case 3, 27: // ctrl+c, esc
			edit.Wipe()
			return nil, errors.New("cancelled")
		case 8, 127:
			edit.Key(view.Key{Name: "backspace"})
		case 21:
			edit.Key(view.Key{Name: "ctrl+u"})
		default:
			edit.Byte(b[0])
		}
	}
}
