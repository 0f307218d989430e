package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"openclaw/configs"
	"openclaw/gateway/limit"
)

// Times of a request that a client can stretch.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
)

// longestSocketPath is what every system takes in a socket's address.
const longestSocketPath = 103

// servers are the two listeners and what serves them.
type servers struct {
	tcp, unix         *http.Server
	tcpFrom, unixFrom net.Listener
	socket            string
	cut               context.CancelFunc // ends every request's context
	served            chan struct{}      // one for each server that is gone
	count             int
}

// listen opens both listeners.
func (g *Gateway) listen(snapshot *configs.Snapshot) (*servers, error) {
	settings := snapshot.Config.Gateway
	host, err := loopback(settings.Host)
	if err != nil {
		return nil, err
	}
	address := netip.AddrPortFrom(host, uint16(settings.Port))
	var config net.ListenConfig
	tcp, err := config.Listen(context.Background(), "tcp", address.String())
	if err != nil {
		return nil, listenError(address, err)
	}
	socket, err := listenUnix(g.deps.Layout.Socket())
	if err != nil {
		tcp.Close()
		return nil, err
	}
	bound, is := tcp.Addr().(*net.TCPAddr)
	if !is {
		tcp.Close()
		socket.Close()
		return nil, &Error{Op: "listen on " + address.String(), Kind: KindFailed, Err: errors.New("it is not a TCP address")}
	}
	g.mu.Lock()
	g.address = netip.AddrPortFrom(host, bound.AddrPort().Port())
	g.mu.Unlock()

	base, cut := context.WithCancel(context.Background())
	quiet := slog.NewLogLogger(g.log.Handler(), slog.LevelDebug)
	return &servers{
		tcpFrom: g.limiter.Listen(tcp), unixFrom: socket, socket: g.deps.Layout.Socket(), cut: cut, served: make(chan struct{}, 2), count: 2,
		tcp: &http.Server{
			Handler: g.tcpHandler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: limit.MaxHeader,
			BaseContext: func(net.Listener) context.Context { return base }, ConnContext: limit.Context, ErrorLog: quiet,
		},
		unix: &http.Server{
			Handler: g.unixHandler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: limit.MaxHeader,
			BaseContext: func(net.Listener) context.Context { return base }, ConnContext: withPeer, ErrorLog: quiet,
		},
	}, nil
}

// listenUnix opens the socket. The lock is held, so a socket that is there is
// a dead gateway's; anything else of that name is somebody's file and stays.
func listenUnix(path string) (net.Listener, error) {
	fail := func(err error, hint string) error {
		return &Error{Op: "listen on " + path, Kind: KindFailed, Err: err, Hint: hint}
	}
	if len(path) > longestSocketPath {
		return nil, fail(fmt.Errorf("the path is longer than %d bytes, which no socket address takes", longestSocketPath), "set OPENCLAW_HOME to a shorter path")
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode()&fs.ModeSocket == 0:
		return nil, fail(errors.New("a file that is not a socket is in the way"), "look at it, and move it away")
	case err == nil:
		if err := os.Remove(path); err != nil {
			return nil, fail(err, "")
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fail(err, "")
	}
	// The folder is 0700: nobody else gets at the socket before its mode is set.
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fail(err, "")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fail(err, "")
	}
	return listener, nil
}

// listenError says who holds the port.
func listenError(address netip.AddrPort, err error) error {
	op := "listen on " + address.String()
	if !errors.Is(err, syscall.EADDRINUSE) {
		return &Error{Op: op, Kind: KindFailed, Err: err}
	}
	who, pid := portHolder(address.Port())
	hint := "end it, or choose another gateway.port in the config"
	if pid != 0 {
		hint = fmt.Sprintf("end it (kill %d), or choose another gateway.port in the config", pid)
	}
	return &Error{Op: op, Kind: KindPortTaken, PID: pid, Err: fmt.Errorf("the port is held by %s", who), Hint: hint}
}

// serve starts both servers; the channel gives the error of one that failed.
func (s *servers) serve() <-chan error {
	failed := make(chan error, 2)
	run := func(server *http.Server, listener net.Listener) {
		err := server.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
		s.served <- struct{}{}
	}
	go run(s.tcp, s.tcpFrom)
	go run(s.unix, s.unixFrom)
	return failed
}

// shutdown takes no more, lets what is under way end for grace, and cuts it.
func (s *servers) shutdown(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	_ = s.unix.Shutdown(ctx) // what is left is cut below
	_ = s.tcp.Shutdown(ctx)
	s.cut()
	// A handler that sees its context end gets a moment to say so.
	last, cancelLast := context.WithTimeout(context.Background(), time.Second)
	defer cancelLast()
	_ = s.tcp.Shutdown(last)
	s.close()
	for range s.count {
		<-s.served
	}
}

// close ends all of it at once; it may be called again.
func (s *servers) close() {
	s.cut()
	_ = s.tcp.Close()
	_ = s.unix.Close()
	s.tcpFrom.Close()
	s.unixFrom.Close()
	os.Remove(s.socket)
}
