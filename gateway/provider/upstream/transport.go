package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"
)

// Options are what a Transport is given. The numbers are required.
type Options struct {
	ConnectTimeout time.Duration // for the connection, and again for TLS
	IdleOfOne      int           // connections of one provider that are kept
	IdleOfAll      int           // and of all
	IdleLife       time.Duration // how long they are kept
	MaxHeader      int64         // bytes of an answer's header, with what informs before it

	Roots *x509.CertPool // who vouches for providers; nil: whom the system trusts
}

// Transport is an http.RoundTripper.
type Transport struct {
	options Options
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	idle    idle
	spaces  sync.Pool // of *[pieceSpace]byte
}

// New returns a Transport. It dials nothing before the first request.
func New(o Options) *Transport {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout}
	return &Transport{
		options: o, dial: dialer.DialContext, idle: newIdle(o), spaces: sync.Pool{New: func() any { return new([pieceSpace]byte) }},
	}
}

// Dial replaces how connections are opened. It is called before the first request.
func (t *Transport) Dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	t.dial = dial
}

// Close closes the connections that are kept, and keeps no more. Requests under way go
// on.
func (t *Transport) Close() { t.idle.close() }

// RoundTrip sends a request and returns the answer once its header is there. The body
// must be closed. A body of the request that is to be sent over another connection
// after all is had from GetBody.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	for {
		c, err := t.connection(r.Context(), r.URL)
		if err != nil {
			return nil, err
		}
		response, err := c.exchange(r)
		if err == nil || !c.kept || c.written > 0 || r.Context().Err() != nil {
			return response, err
		}
		if r, err = again(r); err != nil {
			return nil, err
		}
	}
}

// check refuses what would be another request, or several, when it is written.
func check(r *http.Request) error {
	switch {
	case r.URL.Scheme != "http" && r.URL.Scheme != "https", r.URL.Host == "":
		return errors.New("ask provider: the URL is not one of HTTP")
	case !httpguts.ValidHeaderFieldName(r.Method): // a token, as a method is
		return errors.New("ask provider: the method is none")
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return errors.New("ask provider: a header's name is none")
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return errors.New("ask provider: a header holds what none can") // which may be a secret
			}
		}
	}
	return nil
}

// again is a request that nothing was written of.
func again(r *http.Request) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	if r.GetBody == nil {
		return nil, errors.New("ask provider: the kept connection was closed, and the body cannot be had again")
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, fmt.Errorf("ask provider again: %w", err)
	}
	next := *r
	next.Body = body
	return &next, nil
}

// address is where a URL's host is dialled.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(hostOf(u), port)
}

// hostOf is a URL's host as names are looked up and certificates are made for.
func hostOf(u *url.URL) string {
	host := u.Hostname()
	for i := range len(host) {
		if host[i] >= 0x80 {
			if plain, err := idna.Lookup.ToASCII(host); err == nil {
				return plain
			}
			break
		}
	}
	return host
}

// connection is one that was kept, or a new one.
func (t *Transport) connection(ctx context.Context, u *url.URL) (*conn, error) {
	to := where{u.Scheme, u.Host}
	if c := t.idle.take(to); c != nil {
		return c, nil
	}
	dialled, err := t.dial(ctx, "tcp", address(u))
	if err != nil {
		return nil, err
	}
	below := newSocket(dialled)
	if u.Scheme == "http" {
		return newConn(t, to, below, below), nil
	}
	secured := tls.Client(below, &tls.Config{ServerName: hostOf(u), RootCAs: t.options.Roots})
	limited, cancel := context.WithTimeout(ctx, t.options.ConnectTimeout)
	defer cancel()
	if err := secured.HandshakeContext(limited); err != nil {
		below.Close()
		return nil, errors.Join(err, limited.Err())
	}
	return newConn(t, to, secured, below), nil
}
