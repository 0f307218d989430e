package redact

import (
	"bytes"
	"io"
	"sync"
)

// Stream passes text on as it comes, in pieces that are no lines: the deltas of
// an answer, the output of a program on a terminal. It holds back no more than
// what may still become a secret: the last word, a value whose end has not
// come, a beginning of a registered value, a private key. What it gives joined
// is what Text gives of the whole, while no candidate is longer than 32 KiB (then
// it is replaced unfinished) and with two exceptions: of a config's own pattern that matches white space, the words
// before the last may have gone, and so they may of a registered value of several words with a colour in it.
//
// A Stream is not safe for concurrent use.
type Stream struct {
	masker *Masker
	buf    []byte // the current line from its beginning, or the last of a long one
	sent   int    // bytes of buf that went out
	state  carry  // at the beginning of buf
	next   int    // size of buf at which a long word is read again
	eaten  bool   // inside a candidate that was replaced unfinished
	spans  []span
}

// streamContext is how much of a long line stays before what is undecided, in
// bytes: more than any rule looks back.
const streamContext = 512

// Stream returns a Stream of m's rules and values, those that are added later
// too.
func (m *Masker) Stream() *Stream { return &Stream{masker: m} }

// Push takes the next piece and returns what can go out now, masked. What is
// returned is the caller's.
func (s *Stream) Push(piece []byte) []byte {
	var out []byte
	for len(piece) > 0 {
		n := min(len(piece), holdLimit/4)
		out = s.push(out, piece[:n])
		piece = piece[n:]
	}
	return out
}

// End returns what was held back, judged as it stands. The Stream is then as
// new.
func (s *Stream) End() []byte {
	e := s.masker.engine.Load()
	state := s.state
	s.spans = e.find(s.buf, 0, &state, s.spans[:0])
	out := s.give(e, nil, len(s.buf))
	s.buf, s.sent, s.next, s.state, s.eaten = s.buf[:0], 0, 0, carry{}, false
	return out
}

// Open masks a text that goes on, without its end as far as that may still become
// a secret.
func (m *Masker) Open(text string) string { return string(m.Stream().Push([]byte(text))) }

func (s *Stream) push(out, piece []byte) []byte {
	if s.eaten {
		i := bytes.IndexAny(piece, "\n\"'")
		if i < 0 {
			return out
		}
		piece, s.eaten = piece[i:], false
	}
	s.buf = append(s.buf, piece...)
	if len(s.buf)-s.sent > longValue && len(s.buf) < s.next && !bytes.ContainsAny(piece, " \t\r\n\"'") {
		return out // a long word goes on: it is read again when it has doubled
	}
	s.next = min(2*len(s.buf), s.sent+holdLimit)
	e := s.masker.engine.Load()
	state := s.state
	s.spans = e.find(s.buf, 0, &state, s.spans[:0])
	cut := s.decided(e, state)
	for moved := true; moved; {
		moved = false
		for _, found := range s.spans {
			if found.start < cut && cut < found.end {
				cut, moved = found.start, true
			}
		}
	}
	cut = max(cut, s.sent)
	if len(s.buf)-cut > holdLimit {
		// A candidate that does not end: what is known of it is replaced, and the
		// rest of it dropped.
		cut = len(s.buf) - lookahead
		for _, found := range s.spans {
			if found.start < cut && cut < found.end {
				cut = found.end
			}
		}
		s.eaten = cut == len(s.buf)
	}
	out = s.give(e, out, cut)
	s.forget(e)
	return out
}

// decided is where what is undecided begins.
func (s *Stream) decided(e *engine, state carry) int {
	line := bytes.LastIndexByte(s.buf, '\n') + 1
	word := len(s.buf)
	for word > line && (s.buf[word-1] > ' ' || s.buf[word-1] == 0x1b) {
		word--
	}
	cut := min(word, e.known().open(s.buf, false))
	if line < len(s.buf) {
		cut = min(cut, state.open)
		if state.armour {
			cut = min(cut, max(line, state.began))
		}
	}
	return cut
}

// give appends s.buf[s.sent:cut] with its spans replaced.
func (s *Stream) give(e *engine, out []byte, cut int) []byte {
	for _, found := range s.spans {
		if found.end <= s.sent || found.start >= cut {
			continue
		}
		if found.start > s.sent {
			out = append(out, s.buf[s.sent:found.start]...)
		}
		out = e.mark(out, found)
		s.sent = found.end
	}
	if s.sent < cut {
		out = append(out, s.buf[s.sent:cut]...)
		s.sent = cut
	}
	return out
}

// forget drops the lines that went out, and the beginning of one that is long.
func (s *Stream) forget(e *engine) {
	line := bytes.LastIndexByte(s.buf[:s.sent], '\n') + 1
	if line > 0 {
		s.spans = e.find(s.buf[:line], 0, &s.state, s.spans[:0])
	} else if s.sent > 4*streamContext {
		line = s.sent - streamContext
		s.state.pending = pending{} // its value was at the beginning
	}
	s.buf = s.buf[:copy(s.buf, s.buf[line:])]
	s.sent -= line
}

// Eager returns a writer that passes on to out as a Stream does: at once, but
// for what may still become a secret. Writer, which waits for whole lines, is
// for logs.
func (m *Masker) Eager(out io.Writer) *EagerWriter { return &EagerWriter{stream: m.Stream(), out: out} }

// EagerWriter is a Stream as a writer. It is safe for concurrent use.
type EagerWriter struct {
	mu     sync.Mutex // guards stream and the order of writes
	stream *Stream
	out    io.Writer
}

// Write takes all of p.
func (w *EagerWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ready := w.stream.Push(p); len(ready) > 0 {
		if _, err := w.out.Write(ready); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close passes on what is held back. It does not close the underlying writer.
func (w *EagerWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ready := w.stream.End()
	if len(ready) == 0 {
		return nil
	}
	_, err := w.out.Write(ready)
	return err
}
