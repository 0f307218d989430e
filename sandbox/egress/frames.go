package egress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// preface is what a client of HTTP/2 sends first (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func readPreface(data []byte) opening {
	switch {
	case bytes.HasPrefix(data, []byte(preface)):
		return opening{kind: firstHTTP2, size: len(preface)}
	case bytes.HasPrefix([]byte(preface), data):
		return opening{kind: firstUnknown}
	}
	return opening{kind: firstBroken, reason: "the preface of HTTP/2 that cannot be read"}
}

// The parts of HTTP/2 frames that are looked at (RFC 9113, sections 4 and 6).
const (
	frameHeader       = 9
	frameHeaders      = 1
	framePushPromise  = 5
	frameContinuation = 9
	flagEndHeaders    = 4
	flagPadded        = 8
	flagPriority      = 32
	prioritySize      = 5

	// maxHeaderTable bounds what a program can make us remember of its headers,
	// in bytes. A server that allows more than the standard's 4096 is rare.
	maxHeaderTable = 64 << 10
)

// frames carries HTTP/2 without TLS from the cage: the headers of every request
// are read, and go out only when they ask for the name that was looked up.
func (e *Egress) frames(s *stream, w *window, found opening) error {
	if err := w.send(s, found.size); err != nil {
		return err
	}
	asked := &headerReader{}
	asked.decoder = hpack.NewDecoder(4096, asked.field)
	asked.decoder.SetAllowedMaxDynamicTableSize(maxHeaderTable)
	asked.decoder.SetMaxStringLength(maxOpening)
	for {
		ok, err := w.atLeast(frameHeader)
		if err != nil {
			return err
		}
		if !ok {
			return e.finish(s, w)
		}
		length := int(w.data[0])<<16 | int(w.data[1])<<8 | int(w.data[2])
		switch w.data[3] {
		case framePushPromise, frameContinuation:
			return e.wrongStart(s, "an HTTP/2 frame that no client sends there")
		case frameHeaders:
			size, err := e.headers(s, w, asked, length)
			if err == nil {
				err = w.send(s, size)
			}
			if err != nil {
				return err
			}
		default:
			if err := e.carryBytes(s, w, int64(frameHeader+length)); err != nil {
				return err
			}
		}
	}
}

// atLeast waits for n bytes. It is not ok when the connection ends before.
func (w *window) atLeast(n int) (ok bool, err error) {
	for len(w.data) < n {
		if err := w.more(); err != nil {
			if isEnd(err) {
				return false, nil
			}
			return false, plain(err)
		}
	}
	return true, nil
}

// headers reads the headers of one request, which may go on in more frames
// behind the first, and judges them. size is that of all the frames.
func (e *Egress) headers(s *stream, w *window, asked *headerReader, length int) (size int, err error) {
	unreadable := e.wrongStart(s, "HTTP/2 headers that cannot be read")
	var block []byte
	stream := uint32(0)
	for size = 0; ; {
		if size+frameHeader+length > maxOpening {
			return 0, unreadable
		}
		if ok, err := w.atLeast(size + frameHeader + length); err != nil || !ok {
			return 0, unreadable
		}
		frame := w.data[size : size+frameHeader+length]
		kind, flags, id := frame[3], frame[4], binary.BigEndian.Uint32(frame[5:])&0x7fffffff
		if size == 0 {
			stream = id
			part, ok := withoutPadding(frame[frameHeader:], flags)
			if !ok {
				return 0, unreadable
			}
			block = append(block, part...)
		} else {
			if kind != frameContinuation || id != stream {
				return 0, unreadable
			}
			block = append(block, frame[frameHeader:]...)
		}
		size += len(frame)
		if flags&flagEndHeaders != 0 {
			break
		}
		if ok, err := w.atLeast(size + frameHeader); err != nil || !ok {
			return 0, unreadable
		}
		next := w.data[size:]
		length = int(next[0])<<16 | int(next[1])<<8 | int(next[2])
	}
	hosts, err := asked.read(block)
	if err != nil {
		return 0, unreadable
	}
	if other, ok := (opening{hosts: hosts}).asksFor(s.where.host); !ok {
		return 0, e.wrongStart(s, startWord(firstHTTP2)+" "+printable(other)+" is not "+s.where.host)
	}
	return size, nil
}

// withoutPadding returns the part of a HEADERS frame that holds headers.
func withoutPadding(payload []byte, flags byte) ([]byte, bool) {
	padding := 0
	if flags&flagPadded != 0 {
		if len(payload) == 0 {
			return nil, false
		}
		padding, payload = int(payload[0]), payload[1:]
	}
	if flags&flagPriority != 0 {
		if len(payload) < prioritySize {
			return nil, false
		}
		payload = payload[prioritySize:]
	}
	if padding > len(payload) {
		return nil, false
	}
	return payload[:len(payload)-padding], true
}

// headerReader keeps what a connection's headers refer back to.
type headerReader struct {
	decoder *hpack.Decoder
	hosts   []string
	total   int
}

func (h *headerReader) field(f hpack.HeaderField) {
	h.total += len(f.Name) + len(f.Value)
	switch f.Name {
	case ":authority", "host":
		h.hosts = append(h.hosts, withoutPort(f.Value))
	case ":path": // some servers take a whole URL here too
		if host, ok := hostOfTarget("", f.Value); ok {
			h.hosts = append(h.hosts, host)
		}
	}
}

// read returns every host that a block of headers asks for.
func (h *headerReader) read(block []byte) ([]string, error) {
	h.hosts, h.total = nil, 0
	for len(block) > 0 { // a small block may stand for much: stop in between
		part := block[:min(len(block), 1024)]
		block = block[len(part):]
		if _, err := h.decoder.Write(part); err != nil {
			return nil, fmt.Errorf("read headers: %w", err)
		}
		if h.total > 16*maxOpening {
			return nil, errors.New("read headers: too long")
		}
	}
	if err := h.decoder.Close(); err != nil {
		return nil, fmt.Errorf("read headers: %w", err)
	}
	return h.hosts, nil
}
