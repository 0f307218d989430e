package egress

import (
	"bytes"
	"errors"
)

// answer is the first thing that a server says in a TLS conversation.
type answer struct {
	known chan struct{} // closed once it is
	retry bool          // it asks for another ClientHello
}

// The parts of a ServerHello that are looked at (RFC 8446, 4.1.3).
const (
	handshakeServer = 2
	randomStart     = recordHeader + handshakeHeader + 2
	randomEnd       = randomStart + 32
)

// retryRandom marks a ServerHello as a HelloRetryRequest.
func retryRandom() []byte {
	return []byte{
		0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
		0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
	}
}

// readAnswer judges the bytes of a server so far.
func readAnswer(data []byte) (retry, known bool) {
	switch {
	case len(data) == 0:
		return false, false
	case data[0] != recordHandshake, len(data) > recordHeader && data[recordHeader] != handshakeServer:
		return false, true
	case len(data) < randomEnd:
		return false, false
	}
	return bytes.Equal(data[randomStart:randomEnd], retryRandom()), true
}

// inward copies from the server to the cage. What a server says first in a TLS
// conversation is looked at before the program sees it.
func (e *Egress) inward(s *stream) error {
	buffer := e.buffers.Get().(*[bufferSize]byte)
	n, err := s.readAnswer(buffer[:])
	if n > 0 {
		written, writeErr := s.client.Write(buffer[:n])
		s.recv.Add(int64(written))
		err = errors.Join(writeErr, err)
	}
	e.buffers.Put(buffer)
	if err != nil && !isEnd(err) {
		return plain(err)
	}
	return e.forward(s.client, s.server, nil, &s.recv)
}

func (s *stream) readAnswer(buffer []byte) (n int, err error) {
	defer close(s.answer.known)
	for known := false; !known && err == nil; {
		var read int
		read, err = s.server.Read(buffer[n:])
		n += read
		if !s.tls.Load() {
			return n, err // it spoke first, or to something else
		}
		s.answer.retry, known = readAnswer(buffer[:n])
	}
	return n, err
}

// hellos copies what a program says in a TLS conversation from its ClientHello on. A
// server may ask for a second one, and takes the name of that.
func (e *Egress) hellos(s *stream, w *window, found opening) error {
	s.tls.Store(true)
	if err := w.send(s, found.size); err != nil {
		return err
	}
	for {
		whole, err := w.atLeast(recordHeader)
		if err != nil {
			return err
		}
		if !whole {
			return e.finish(s, w)
		}
		kind := w.data[0]
		if kind == recordHandshake || !isRecord(kind) {
			<-s.answer.known // no client goes on without it
		}
		select {
		case <-s.answer.known:
			switch {
			case !s.answer.retry:
				return e.forward(s.server, s.client, w.data, &s.sent)
			case kind == recordHandshake:
				return e.secondHello(s, w)
			case !isRecord(kind):
				return e.wrongStart(s, "bytes that are no TLS in the place of a second ClientHello")
			}
		default:
		}
		length := int64(w.data[3])<<8 | int64(w.data[4]) // a record without a say in it, or early data
		if err := e.carryBytes(s, w, recordHeader+length); err != nil {
			return err
		}
	}
}

func (e *Egress) secondHello(s *stream, w *window) error {
	for {
		switch found := readClientHello(w.data); found.kind {
		case firstTLS:
			if other, ok := found.asksFor(s.where.host); !ok {
				return e.wrongStart(s, "second "+startWord(found.kind)+" "+printable(other)+" is not "+s.where.host)
			}
			return e.forward(s.server, s.client, w.data, &s.sent)
		case firstBroken:
			return e.wrongStart(s, found.reason)
		case firstUnknown, firstOther, firstHTTP, firstHTTP2:
		}
		switch err := w.more(); {
		case errors.Is(err, errTooLong):
			return e.wrongStart(s, "a second TLS ClientHello that does not end")
		case isEnd(err):
			return e.finish(s, w)
		case err != nil:
			return plain(err)
		}
	}
}
