package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/sandbox/policy"
)

// outward copies from the cage to the server, after the first bytes were read
// and found to ask for no other name.
func (e *Egress) outward(s *stream, who owner) error {
	var start []byte
	if s.where.host != "" {
		var err error
		var refused *errRefused
		if start, err = e.readStart(s); errors.As(err, &refused) {
			e.tell(*refused.refusal, who)
		}
		if err != nil {
			return err
		}
	}
	return e.forward(s.server, s.client, start, &s.sent)
}

// readStart reads the first bytes of a stream until it is known what they are.
// On other ports than the web's, a word that never becomes a request is not
// waited for: other protocols start with words too.
func (e *Egress) readStart(s *stream) ([]byte, error) {
	buffer := make([]byte, 0, 4096)
	web := s.where.port == 80 || s.where.port == 443
	for {
		n, err := s.client.Read(buffer[len(buffer):cap(buffer)])
		first := len(buffer) == 0 && n > 0
		buffer = buffer[:len(buffer)+n]
		found := readOpening(buffer)
		patient := web || len(buffer) > 0 && buffer[0] == recordHandshake
		switch {
		case found.kind == firstBroken:
			return nil, e.wrongStart(s, found.reason)
		case found.kind != firstUnknown:
			if other, ok := found.asksFor(s.where.host); !ok {
				return nil, e.wrongStart(s, startWord(found.kind)+" "+printable(other)+" is not "+s.where.host)
			}
			return buffer, s.client.SetReadDeadline(time.Time{})
		case len(buffer) == 0 && errors.Is(err, io.EOF):
			return nil, nil
		case len(buffer) == 0 && err != nil:
			return nil, err
		case err != nil && !patient && (errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded)):
			return buffer, s.client.SetReadDeadline(time.Time{})
		case err != nil || len(buffer) == maxOpening:
			return nil, e.wrongStart(s, "the start of a TLS or HTTP conversation that does not end")
		}
		if first {
			wait := wordTimeout
			if patient {
				wait = openingTimeout
			}
			if err := s.client.SetReadDeadline(time.Now().Add(wait)); err != nil {
				return nil, err
			}
		}
		if len(buffer) == cap(buffer) {
			grown := make([]byte, len(buffer), min(4*cap(buffer), maxOpening))
			copy(grown, buffer)
			buffer = grown
		}
	}
}

func startWord(kind first) string {
	if kind == firstTLS {
		return "TLS server name"
	}
	return "HTTP host"
}

func (e *Egress) wrongStart(s *stream, rule string) error {
	return &errRefused{e.refusal("connect", MechanismEgress, s.where.String(), rule,
		policy.Origin{BuiltIn: "a connection asks for the name that it was opened for"})}
}

// serveGateway carries a connection to the gateway's agent endpoint.
func (e *Egress) serveGateway(ctx context.Context, client net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { reset(client) })
	defer stop()
	defer reset(client)
	if e.o.Gateway == nil {
		return
	}
	server, err := e.o.Gateway(ctx)
	if err != nil {
		return
	}
	s := &stream{client: client, server: server}
	stopServer := context.AfterFunc(ctx, func() { s.cut("the run ended") })
	defer stopServer()
	done := make(chan error, 2)
	var copies sync.WaitGroup
	copies.Go(func() { done <- e.forward(server, client, nil, &s.sent) })
	copies.Go(func() { done <- e.forward(client, server, nil, &s.recv) })
	for range 2 {
		if err := <-done; err != nil {
			s.cut(err.Error())
		}
	}
	copies.Wait()
	_ = client.Close()
	_ = server.Close()
}

// bufferSize is that of one direction while few bytes have moved, in bytes.
const bufferSize = 32 << 10

// A direction that has moved bulkAfter bytes is handed to the kernel, which
// moves the rest without a copy. maxBulk directions at once may be: each takes
// a pipe, and a person's programs share an allowance of those.
const (
	bulkAfter = 1 << 20
	maxBulk   = 16
)

// forward writes start and then everything from one side to the other, closes
// the writing half at the end, and counts what was written.
func (e *Egress) forward(to, from net.Conn, start []byte, count *atomic.Int64) error {
	if len(start) > 0 {
		n, err := to.Write(start)
		count.Add(int64(n))
		if err != nil {
			return plain(err)
		}
	}
	if err := e.transfer(to, from, count); err != nil {
		return plain(err)
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) && !isNotConnected(err) {
			return plain(err)
		}
		return nil
	}
	return to.Close()
}

// transfer copies until from ends.
func (e *Egress) transfer(to, from net.Conn, count *atomic.Int64) error {
	ended, err := e.transferThroughBuffer(to, from, count)
	if ended || err != nil {
		return err
	}
	defer func() { <-e.bulk }()
	n, err := io.Copy(to, from)
	count.Add(n)
	return err
}

// transferThroughBuffer copies until from ends, or until the direction has
// moved enough and may go on in the kernel; then it has taken a place in bulk.
func (e *Egress) transferThroughBuffer(to, from net.Conn, count *atomic.Int64) (ended bool, err error) {
	buffer := e.buffers.Get().(*[bufferSize]byte)
	defer e.buffers.Put(buffer)
	moved := 0
	for {
		n, err := from.Read(buffer[:])
		if n > 0 {
			written, writeErr := to.Write(buffer[:n])
			count.Add(int64(written))
			if writeErr != nil {
				return false, writeErr
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if moved += n; moved >= bulkAfter {
			select {
			case e.bulk <- struct{}{}:
				return false, nil
			default:
				moved = 0
			}
		}
	}
}

// plain takes the addresses off a network error: they are the cage's inner
// ones and say nothing to a person.
func plain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return errors.New(strings.TrimPrefix(op.Op+": "+op.Err.Error(), "splice: "))
	}
	return err
}
