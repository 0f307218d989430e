package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"openclaw/gateway/event"
)

// MaxFile is the most bytes of one file. With rows that are counted only from
// MaxNamed on, a run that is refused four times a second without end fills it
// in about a day.
const (
	MaxFile  = 64 << 20
	MaxNamed = 8 << 20 // past it Full is true: rows should be counted, not named
)

// ErrFull is the answer of a Writer whose file has reached MaxFile.
var ErrFull = errors.New("the spool of this run is full")

// Header says whose rows a file holds.
type Header struct {
	Version int       `json:"version"`
	Run     string    `json:"run"`
	Agent   string    `json:"agent"`
	PID     int       `json:"pid"`               // of the supervisor
	Process string    `json:"process,omitempty"` // which of all that have, had and will have this PID; the Writer sets it
	Begun   time.Time `json:"begun"`             // when the file was; the Writer sets it
}

// version of the format: a header, then an Entry a line, as JSON.
const version = 1

// Entry is one line after the header: a refusal, or how the run ended.
type Entry struct {
	Row    uint64        `json:"row,omitempty"` // number in its run, from 1
	Denial *event.Denial `json:"denial,omitempty"`
	Exit   string        `json:"exit,omitempty"`
}

// Writer writes the files of one run. It is not safe for concurrent use.
type Writer struct {
	folder string
	header Header
	mask   func(string) string
	part   int

	file *os.File // nil: none is begun
	size int64    // of what is whole in it
}

// NewWriter returns a Writer that has made nothing yet. mask takes secrets out
// of what a cage reports; nil changes nothing.
func NewWriter(folder string, header Header, mask func(string) string) *Writer {
	header.Version = version
	if mask == nil {
		mask = func(text string) string { return text }
	}
	return &Writer{folder: folder, header: header, mask: mask}
}

// Full reports whether rows should be counted only from now on.
func (w *Writer) Full() bool { return w.file != nil && w.size >= MaxNamed }

// Append writes denials, whose numbers begin with first. It returns when they
// are on disk; after an error none of them is.
func (w *Writer) Append(first uint64, denials []event.Denial) error {
	entries := make([]Entry, len(denials))
	for i := range denials {
		d := denials[i]
		d.Target, d.Program, d.CommandLine = w.mask(d.Target), w.mask(d.Program), w.mask(d.CommandLine)
		d.Rule = w.mask(d.Rule)
		entries[i] = Entry{Row: first + uint64(i), Denial: &d}
	}
	return w.write(entries)
}

// End writes how the run ended.
func (w *Writer) End(exit string) error { return w.write([]Entry{{Exit: exit}}) }

func (w *Writer) write(entries []Entry) error {
	if err := w.begin(); err != nil {
		return fmt.Errorf("begin spool: %w", err)
	}
	var text []byte
	for i := range entries {
		line, err := json.Marshal(entries[i])
		if err != nil {
			return fmt.Errorf("write spool: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	if w.size+int64(len(text)) > MaxFile {
		return ErrFull
	}
	_, err := w.file.WriteAt(text, w.size)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		// A reader stops at a line that is not whole; this one is not counted.
		return errors.Join(fmt.Errorf("write spool: %w", err), w.file.Truncate(w.size))
	}
	w.size += int64(len(text))
	return nil
}

// begin makes a file under a name that no reader looks at, until its header is
// written and its lock held.
func (w *Writer) begin() error {
	if w.file != nil {
		return nil
	}
	if err := os.MkdirAll(w.folder, 0o700); err != nil {
		return err
	}
	w.header.Begun, w.header.Process = time.Now().UTC(), processOf(w.header.PID)
	text, err := json.Marshal(w.header)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	file, err := os.CreateTemp(w.folder, temporary+"*")
	if err != nil {
		return err
	}
	fail := func(err error) error {
		file.Close()
		_ = os.Remove(file.Name())
		return err
	}
	if err := lock(file); err != nil {
		return fail(err)
	}
	if _, err := file.Write(text); err != nil {
		return fail(err)
	}
	if err := file.Sync(); err != nil {
		return fail(err)
	}
	w.part++
	if err := os.Rename(file.Name(), filepath.Join(w.folder, fmt.Sprintf("%s.%d%s", w.header.Run, w.part, suffix))); err != nil {
		return fail(err)
	}
	if err := syncFolder(w.folder); err != nil {
		return fail(err)
	}
	w.file, w.size = file, int64(len(text))
	return nil
}

// Seal lets readers have what was written. The next Append begins another file.
func (w *Writer) Seal() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}
