package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// serveListener accepts until listener is closed, at most limit connections at
// once; full gets the others and must not block. It returns after every
// handle has.
func serveListener(ctx context.Context, listener net.Listener, limit int,
	handle func(context.Context, net.Conn), full func(net.Conn),
) error {
	var open sync.WaitGroup
	defer open.Wait()
	slots := make(chan struct{}, limit)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return nil
			}
			if !passing(err) {
				return fmt.Errorf("accept from the cage: %w", err)
			}
			if !pause(ctx) {
				return nil
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			full(conn)
			continue
		}
		open.Go(func() {
			defer func() { <-slots }()
			handle(ctx, conn)
		})
	}
}

// passing reports whether an error of a socket goes away by itself: no free
// descriptor, a connection that was gone before it was accepted.
func passing(err error) bool {
	var network net.Error
	return errors.As(err, &network) && (network.Timeout() || isTemporary(err))
}

func pause(ctx context.Context) bool {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// reset closes conn so that its other end gets a reset.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
