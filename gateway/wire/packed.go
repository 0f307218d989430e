package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// Packed events are what a watcher gets that asked for them: many in one binary
// frame, for reading ten thousand a second as JSON takes half a processor. A frame is
// one byte, the version, then events one after the other: a byte that says how it is
// written, the length, and that. A line of the log and a denial are their fields, each
// number a varint and each text its length and its bytes; any other event is JSON, and so
// is a denial on a connection: there are few, and every screen of this version reads it.
const packedVersion = 1

const (
	packedLog    = 'l'
	packedDenial = 'd'
	packedJSON   = 'j'
)

// MaxPacked is about how long a frame of packed events is at most, in bytes: the event
// that reaches it is the last.
const MaxPacked = 512 << 10

// packing writes fields, or reads them.
type packing interface {
	sequence(n *uint64)
	number(n *int)
	time(t *time.Time)
	text(s *string)
}

// packLog and packDenial are what is written of an event, in this order.
func packLog(p packing, e *event.Event) {
	p.sequence(&e.Seq)
	p.time(&e.Time)
	l := e.Log
	p.time(&l.Time)
	for _, s := range [...]*string{&l.Level, &l.Source, &l.Message, &l.Text, &l.Raw} {
		p.text(s)
	}
}

func packDenial(p packing, e *event.Event) {
	p.sequence(&e.Seq)
	p.time(&e.Time)
	d := e.Denial
	p.time(&d.First)
	p.time(&d.Last)
	for _, n := range [...]*int{&d.Count, &d.PID, &d.Origin.Line} {
		p.number(n)
	}
	for _, s := range [...]*string{
		&d.ID, &d.Agent, &d.Run, &d.Program, &d.CommandLine, (*string)(&d.Class), &d.Operation, &d.Target, &d.Rule,
		&d.Origin.File, &d.Origin.Key, &d.Origin.BuiltIn, &d.Mechanism,
	} {
		p.text(s)
	}
}

// AppendPacked adds an event to a frame; to is empty before the first.
func AppendPacked(to []byte, e *event.Event) ([]byte, error) {
	if len(to) == 0 {
		to = append(to, packedVersion)
	}
	w := packWriter{to: to}
	begin := len(to) + 1
	switch {
	case e.Kind == event.KindLog && e.Log != nil:
		w.to = append(w.to, packedLog)
		packLog(&w, e)
	case e.Kind == event.KindDenial && e.Denial != nil && e.Denial.Connection == "":
		w.to = append(w.to, packedDenial)
		packDenial(&w, e)
	default:
		body, err := json.Marshal(e)
		if err != nil {
			return to, err
		}
		w.to = append(append(w.to, packedJSON), body...)
	}
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(w.to)-begin))
	return slices.Insert(w.to, begin, length[:n]...), nil
}

type packWriter struct{ to []byte }

func (w *packWriter) sequence(n *uint64) { w.to = binary.AppendUvarint(w.to, *n) }

func (w *packWriter) number(n *int) { w.to = binary.AppendVarint(w.to, int64(*n)) }

func (w *packWriter) time(t *time.Time) {
	w.to = binary.AppendUvarint(binary.AppendVarint(w.to, t.Unix()), uint64(t.Nanosecond()))
}

func (w *packWriter) text(s *string) {
	w.to = append(binary.AppendUvarint(w.to, uint64(len(*s))), *s...)
}

var errPacked = errors.New("the packed events do not have their shape")

// ReadPacked reads the events of a frame, and keeps no part of it. The lines of the log
// share a copy of their texts, and nothing else has a part in that: they leave a screen
// together, and what stays longer would keep all of them. With an error come the events
// before the one that is broken.
func ReadPacked(frame []byte) ([]event.Event, error) {
	if len(frame) == 0 || frame[0] != packedVersion {
		return nil, errors.New("the packed events are of another version")
	}
	var all, logs, size int
	for rest := frame[1:]; len(rest) > 0; all++ {
		kind, body, after, ok := nextPacked(rest)
		if !ok {
			break // it is found again below
		}
		if rest = after; kind == packedLog {
			logs, size = logs+1, size+len(body)
		}
	}
	var texts strings.Builder
	texts.Grow(size) // once: a text that was taken from it stays where it is
	lines, events := make([]event.LogLine, logs), make([]event.Event, 0, all)
	for rest := frame[1:]; len(rest) > 0; {
		kind, body, after, ok := nextPacked(rest)
		if !ok {
			return events, errPacked
		}
		rest = after
		var e event.Event
		var r packReader
		switch kind {
		case packedLog:
			e.Kind, e.Log, lines = event.KindLog, &lines[0], lines[1:]
			from := texts.Len()
			texts.Write(body)
			r.rest = texts.String()[from:]
			packLog(&r, &e)
		case packedDenial:
			e.Kind, e.Denial = event.KindDenial, &event.Denial{}
			r.rest = string(body)
			packDenial(&r, &e)
		case packedJSON:
			r.broken = json.Unmarshal(body, &e) != nil
		default: // of a later version
			continue
		}
		if r.broken || r.rest != "" {
			return events, errPacked
		}
		events = append(events, e)
	}
	return events, nil
}

// nextPacked takes the first event from what is left of a frame.
func nextPacked(frame []byte) (kind byte, body, rest []byte, ok bool) {
	length, n := binary.Uvarint(frame[1:])
	if n <= 0 || length > uint64(len(frame)-1-n) {
		return 0, nil, nil, false
	}
	return frame[0], frame[1+n:][:length], frame[1+n:][length:], true
}

// packReader takes fields from what is left of an event. Once broken it stays so.
type packReader struct {
	rest   string
	broken bool
}

func (r *packReader) fail() { r.broken, r.rest = true, "" }

func (r *packReader) sequence(n *uint64) {
	*n = 0
	for shift := 0; shift < 64 && len(r.rest) > 0; shift += 7 {
		b := r.rest[0]
		r.rest = r.rest[1:]
		*n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return
		}
	}
	r.fail()
}

func (r *packReader) signed() int64 {
	var n uint64
	r.sequence(&n)
	return int64(n>>1) ^ -int64(n&1)
}

func (r *packReader) number(n *int) { *n = int(r.signed()) }

func (r *packReader) time(t *time.Time) {
	seconds := r.signed()
	var nanos uint64
	r.sequence(&nanos)
	if nanos >= uint64(time.Second) {
		r.fail()
		return
	}
	*t = time.Unix(seconds, int64(nanos)).UTC()
}

func (r *packReader) text(s *string) {
	var n uint64
	if r.sequence(&n); n > uint64(len(r.rest)) {
		r.fail()
		return
	}
	*s, r.rest = r.rest[:n], r.rest[n:]
}
