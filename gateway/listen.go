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
	"sync"
	"syscall"
	"time"

	"openclaw/configs"
	"openclaw/gateway/limit"
	"openclaw/gateway/nonblock"
)

// Times of a request that a client can stretch.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
)

// longestSocketPath is what every system takes in a socket's address.
const longestSocketPath = 103

// servers are the listeners and what serves them.
type servers struct {
	all    []server
	socket string
	cut    context.CancelFunc // ends every request's context
	served chan struct{}      // closed when no server accepts any more
	unread arrivals
}

func newServers(cut context.CancelFunc) *servers {
	return &servers{cut: cut, served: make(chan struct{}), unread: arrivals{conns: map[net.Conn]struct{}{}}}
}

type server struct {
	*http.Server
	from net.Listener
}

// listen opens all listeners.
func (g *Gateway) listen(snapshot *configs.Snapshot) (_ *servers, err error) {
	settings := snapshot.Config.Gateway
	host, err := hostAddress(settings.Host)
	if err != nil {
		return nil, &Error{Op: "start gateway", Kind: KindRefused, Err: err}
	}
	base, cut := context.WithCancel(context.Background())
	s := newServers(cut)
	s.socket = g.deps.Layout.Socket()
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	tcp, bound, err := g.port(netip.AddrPortFrom(host, uint16(settings.Port)))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.address = netip.AddrPortFrom(host, bound.Port())
	g.mu.Unlock()
	g.apart = g.agentsApart(settings, host) // before anything is accepted, which reads it
	counted := net.Listener(g.limiter.Listen(nonblock.Listen(tcp)))
	if g.certs != nil {
		counted = g.listenTLS(counted)
	}
	quiet := slog.NewLogLogger(g.log.Handler(), slog.LevelDebug)
	add := func(from net.Listener, handler http.Handler, connection func(context.Context, net.Conn) context.Context) {
		s.all = append(s.all, server{from: from, Server: &http.Server{
			Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: limit.MaxHeader,
			BaseContext: func(net.Listener) context.Context { return base }, ConnContext: connection, ErrorLog: quiet,
		}})
	}
	add(counted, g.tcpHandler(), g.connection)
	if g.apart {
		endpoint, err := g.listenAgents()
		if err != nil {
			return nil, err
		}
		add(g.limiter.Listen(nonblock.Listen(endpoint)), g.agentsHandler(), limit.Context)
	}
	socket, err := listenUnix(s.socket)
	if err != nil {
		s.socket = ""
		return nil, err
	}
	add(socket, g.unixHandler(), withPeer)
	return s, nil
}

// port is the config's port: one that was handed over, or a new one.
func (g *Gateway) port(address netip.AddrPort) (net.Listener, netip.AddrPort, error) {
	if g.deps.Listener == nil {
		return listenTCP(address)
	}
	handed, is := g.deps.Listener.Addr().(*net.TCPAddr)
	if is && netip.AddrPortFrom(handed.AddrPort().Addr().Unmap(), handed.AddrPort().Port()) == address {
		return g.deps.Listener, address, nil
	}
	// What was judged is the config's address: another one may be open to others.
	return nil, netip.AddrPort{}, &Error{
		Op: "listen on " + address.String(), Kind: KindRefused, Err: fmt.Errorf("the socket that was handed over listens on %s", g.deps.Listener.Addr()),
		Hint: "write ListenStream=" + address.String() + " into the socket unit, or gateway.host and gateway.port into the config; 'openclaw integrate systemd --socket' writes the unit",
	}
}

// listenTCP opens one address and says which port it got.
func listenTCP(address netip.AddrPort) (net.Listener, netip.AddrPort, error) {
	var config net.ListenConfig
	tcp, err := config.Listen(context.Background(), "tcp", address.String())
	if err != nil {
		return nil, netip.AddrPort{}, listenError(address, err)
	}
	bound, is := tcp.Addr().(*net.TCPAddr)
	if !is {
		tcp.Close()
		return nil, netip.AddrPort{}, &Error{Op: "listen on " + address.String(), Kind: KindFailed, Err: errors.New("it is not a TCP address")}
	}
	return tcp, bound.AddrPort(), nil
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

// serve starts all servers; the channel gives the error of one that failed.
func (s *servers) serve() <-chan error {
	failed := make(chan error, len(s.all))
	var group sync.WaitGroup
	for _, one := range s.all {
		s.unread.watch(one.Server)
		group.Go(func() {
			if err := one.Serve(one.from); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	go func() {
		group.Wait()
		close(s.served)
	}()
	return failed
}

// shutdown takes no more, lets what is under way end for grace, and cuts it. Who was
// accepted by then is answered, also who is still shaking hands over TLS: where a
// service manager holds the port, it would have waited there for the next gateway.
func (s *servers) shutdown(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.each(func(one server) {
		one.SetKeepAlivesEnabled(false)
		one.from.Close()
	})
	select {
	case <-s.served:
	case <-ctx.Done():
	}
	reading, cancelReading := context.WithTimeout(ctx, headerTimeout) // net/http reads no longer either
	defer cancelReading()
	s.unread.wait(reading)
	s.each(func(one server) { _ = one.Shutdown(ctx) }) // what is left is cut below
	s.cut()
	// A handler that sees its context end gets a moment to say so.
	last, cancelLast := context.WithTimeout(context.Background(), time.Second)
	defer cancelLast()
	s.each(func(one server) { _ = one.Shutdown(last) })
	s.close()
	<-s.served
}

// each does something to all servers at once.
func (s *servers) each(do func(server)) {
	var group sync.WaitGroup
	for _, one := range s.all {
		group.Go(func() { do(one) })
	}
	group.Wait()
}

// close ends all of it at once; it may be called again.
func (s *servers) close() {
	s.cut()
	for _, one := range s.all {
		_ = one.Close()
		one.from.Close()
		if cutter, is := one.from.(interface{ Cut() }); is {
			cutter.Cut()
		}
	}
	if s.socket != "" {
		os.Remove(s.socket)
	}
}
