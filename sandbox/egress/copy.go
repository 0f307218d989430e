package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

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
	if err := e.transfer(to, from, everything, count); err != nil {
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

// everything is the number of bytes of a direction that goes on to its end.
const everything = 1<<63 - 1

// transfer copies n bytes, or until from ends.
func (e *Egress) transfer(to, from net.Conn, n int64, count *atomic.Int64) error {
	left, err := e.transferThroughBuffer(to, from, n, count)
	if left == 0 || err != nil {
		return err
	}
	defer func() { <-e.bulk }()
	copied, err := io.CopyN(to, from, left)
	count.Add(copied)
	return ended(err, n)
}

// ended is the error of a direction that read to the end of its connection:
// none, if everything was wanted.
func ended(err error, n int64) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case n == everything:
		return nil
	}
	return io.ErrUnexpectedEOF
}

// transferThroughBuffer copies n bytes, or until from ends, or until the
// direction has moved enough and may go on in the kernel; then some are left
// and it has taken a place in bulk.
func (e *Egress) transferThroughBuffer(to, from net.Conn, n int64, count *atomic.Int64) (left int64, err error) {
	buffer := e.buffers.Get().(*[bufferSize]byte)
	defer e.buffers.Put(buffer)
	moved := 0
	for left = n; left > 0; {
		read, err := from.Read(buffer[:min(left, bufferSize)])
		if read > 0 {
			written, writeErr := to.Write(buffer[:read])
			count.Add(int64(written))
			if writeErr != nil {
				return 0, writeErr
			}
			left -= int64(read)
		}
		if err != nil && left > 0 {
			return 0, ended(err, n)
		}
		if moved += read; moved >= bulkAfter && left > 0 {
			select {
			case e.bulk <- struct{}{}:
				return left, nil
			default:
				moved = 0
			}
		}
	}
	return 0, nil
}

// plain takes the addresses off a network error: they are the cage's inner
// ones and say nothing to a person.
func plain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return errors.New(strings.TrimPrefix(op.Op+": "+op.Err.Error(), "splice: "))
	}
	return err
}
