package redact

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// Limits of a Writer, in bytes.
const (
	// holdLimit is the most of an unfinished line that is held back.
	holdLimit = 32 << 10
	// lookahead is how much of a longer line stays held back when the rest
	// must go: what starts before it is decided by then.
	lookahead = 8 << 10
	// contextSize is how far a rule looks back for an escape.
	contextSize = 32
)

// Writer passes a stream on with its secrets replaced. It writes whole lines;
// an unfinished line is held back until its newline, Flush or Close, at most
// 32 KiB of it. Of a longer line the front goes out as soon as nothing in it
// can still become part of a secret; a candidate that is itself longer is
// replaced unfinished, and the rest of it dropped up to the next quote or
// newline. What goes out does not depend on how the input was cut.
//
// A Writer is safe for concurrent use; writes are not interleaved within a
// line if each brings whole lines.
type Writer struct {
	masker *Masker
	out    io.Writer

	mu      sync.Mutex // guards the fields below
	buf     []byte     // what is not out yet, behind skip bytes of context
	skip    int
	state   carry
	swallow bool // inside a candidate that was replaced unfinished
	scratch []byte
	spans   []span
}

// Writer returns a Writer that passes on to out.
func (m *Masker) Writer(out io.Writer) *Writer { return &Writer{masker: m, out: out} }

// Write takes all of p. An error is one of the underlying writer; what it was
// given is then lost.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := 0
	for taken < len(p) {
		if w.swallow {
			i := bytes.IndexAny(p[taken:], "\n\"'")
			if i < 0 {
				return len(p), nil
			}
			taken, w.swallow = taken+i, false
		}
		n := min(len(p)-taken, w.skip+holdLimit-len(w.buf))
		piece := p[taken : taken+n]
		w.buf = append(w.buf, piece...)
		taken += n
		full := len(w.buf) == w.skip+holdLimit
		if !full && bytes.IndexByte(piece, '\n') < 0 {
			continue
		}
		if err := w.lines(); err != nil {
			return taken, err
		}
		if len(w.buf) == w.skip+holdLimit {
			if err := w.force(); err != nil {
				return taken, err
			}
		}
	}
	return taken, nil
}

// Flush passes on what is held back, judged as it stands. It belongs to the
// end of a message; in the middle of one it may cut a secret in two.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.emit(w.masker.engine.Load(), len(w.buf))
}

// Close flushes. It does not close the underlying writer.
func (w *Writer) Close() error { return w.Flush() }

// lines passes on the whole lines, except those in which a value of several
// lines may have begun.
func (w *Writer) lines() error {
	e := w.masker.engine.Load()
	cut := w.skip + bytes.LastIndexByte(w.buf[w.skip:], '\n') + 1
	if known := e.known(); cut > w.skip && known != nil && len(known.multiline) > 0 {
		text := w.buf[w.skip:]
		cut = w.lineStart(min(cut, w.skip+known.open(text, true)))
		w.spans = known.find(text, w.skip, w.spans[:0])
		for _, s := range slices.Backward(w.spans) {
			if s.start < cut && cut < s.end {
				cut = w.lineStart(s.start)
			}
		}
	}
	if cut <= w.skip {
		return nil
	}
	return w.emit(e, cut)
}

func (w *Writer) lineStart(i int) int {
	return w.skip + bytes.LastIndexByte(w.buf[w.skip:i], '\n') + 1
}

// emit passes on the first cut bytes of the buffer.
func (w *Writer) emit(e *engine, cut int) error {
	if cut <= w.skip {
		return nil
	}
	w.spans = e.find(w.buf[:cut], w.skip, &w.state, w.spans[:0])
	return w.pass(e, cut, 0)
}

// pass writes the buffer up to cut with w.spans replaced and keeps the last
// keep bytes before it as context.
func (w *Writer) pass(e *engine, cut, keep int) error {
	w.scratch = w.scratch[:0]
	at := w.skip
	for _, s := range w.spans {
		w.scratch = append(w.scratch, w.buf[at:s.start]...)
		w.scratch = e.mark(w.scratch, s)
		at = s.end
	}
	w.scratch = append(w.scratch, w.buf[at:cut]...)
	keep = min(keep, cut)
	w.buf = w.buf[:copy(w.buf, w.buf[cut-keep:])]
	w.skip = keep
	_, err := w.out.Write(w.scratch)
	return err
}

// force shortens an unfinished line that fills the buffer.
func (w *Writer) force() error {
	e := w.masker.engine.Load()
	state := w.state
	// The last line may have others before it: a value of several lines that
	// began in them and is not decided.
	spans := e.find(w.buf, w.skip, &state, w.spans[:0])
	w.state.armour, w.state.pending = false, pending{}
	cut := min(len(w.buf)-lookahead, w.skip+e.known().open(w.buf[w.skip:], false))
	for moved := true; moved; {
		moved = false
		for _, s := range spans {
			if s.from < cut && cut < s.end {
				cut, moved = s.from, true
			}
		}
	}
	if cut <= w.skip {
		// One candidate after another fills the buffer: pass on to the end of
		// them.
		cut = len(w.buf) - lookahead
		for moved := true; moved; {
			moved = false
			for _, s := range spans {
				if s.from < cut && cut < s.end {
					cut, moved = s.end, true
				}
			}
		}
		if open := w.skip + e.known().open(w.buf[w.skip:], false); open < cut {
			// What may still become a registered value is replaced with the rest.
			spans = append(spans, span{from: open, start: open, end: len(w.buf)})
			spans = spans[:merge(spans)]
			cut = len(w.buf)
		}
		w.swallow = cut == len(w.buf)
	}
	for len(spans) > 0 && spans[len(spans)-1].start >= cut {
		spans = spans[:len(spans)-1]
	}
	w.spans = spans
	return w.pass(e, cut, contextSize)
}
