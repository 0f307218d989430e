package certs_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
)

// world is an authority, the listener's pair, and a folder.
type world struct {
	t   *testing.T
	dir string
	ca  *authority.Authority
	own authority.Pair // of the authority

	mu       sync.Mutex
	failures []string
	byClient int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var err error
	// It was made three years ago, so that it can have signed what has expired.
	if _, w.own, err = authority.New("test authority", authority.DefaultBounds(), func() time.Time { return time.Now().AddDate(-3, 0, 0) }); err != nil {
		t.Fatal(err)
	}
	w.ca = w.at(time.Now())
	w.write("ca.crt", w.own.Certificate)
	w.pair("gateway", w.server())
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name string, data []byte) {
	w.t.Helper()
	if err := authority.Write(w.path(name), data, authority.PublicMode, true); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pair(name string, pair authority.Pair) {
	w.t.Helper()
	if err := authority.WritePair(w.path(name+".crt"), w.path(name+".key"), pair, true); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) server() authority.Pair {
	w.t.Helper()
	pair, err := w.ca.Server([]string{"localhost", "127.0.0.1"})
	if err != nil {
		w.t.Fatal(err)
	}
	return pair
}

// at is the same authority at another time.
func (w *world) at(moment time.Time) *authority.Authority {
	w.t.Helper()
	a, err := authority.Parse(w.own, func() time.Time { return moment })
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) client(ca *authority.Authority, name string) tls.Certificate {
	w.t.Helper()
	pair, err := ca.Client(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return keyPair(w.t, pair)
}

func keyPair(t *testing.T, pair authority.Pair) tls.Certificate {
	t.Helper()
	out, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) settings() configs.TLS {
	return configs.TLS{Enabled: true, CertFile: w.path("gateway.crt"), KeyFile: w.path("gateway.key"), ClientAuth: "none", MinTLSVersion: "1.3"}
}

// serve echoes over TLS.
func (w *world) serve(server *certs.Server, options certs.ListenerOptions) net.Addr {
	w.t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	options.Failed = func(_ net.Addr, reason string, client bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failures = append(w.failures, reason)
		if client {
			w.byClient++
		}
	}
	l := certs.Listen(inner, server.Config(), options)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				buffer := make([]byte, 64)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					if _, err := conn.Write(buffer[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	w.t.Cleanup(l.Cut)
	return inner.Addr()
}

func (w *world) failure() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.failures) == 0 {
		return ""
	}
	return w.failures[len(w.failures)-1]
}

func (w *world) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.ca.Certificate)
	return pool
}

// echo makes one connection and sends a word through it: in TLS 1.3 a client
// learns only then that the server has refused its certificate.
func (w *world) echo(address net.Addr, config *tls.Config) (tls.ConnectionState, error) {
	if config.RootCAs == nil {
		config.RootCAs = w.roots()
	}
	config.ServerName = "localhost"
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address.String())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write([]byte("hello")); err != nil {
		return tls.ConnectionState{}, err
	}
	answer := make([]byte, 5)
	if _, err := conn.Read(answer); err != nil || string(answer) != "hello" {
		return tls.ConnectionState{}, errors.Join(err, errors.New("no echo"))
	}
	return conn.(*tls.Conn).ConnectionState(), nil
}

func (w *world) open(settings configs.TLS) *certs.Server {
	w.t.Helper()
	server, err := certs.New(settings, certs.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return server
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("never:", what)
}

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	one, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func asSigner(t *testing.T, key crypto.PrivateKey) crypto.Signer {
	t.Helper()
	signer, is := key.(crypto.Signer)
	if !is {
		t.Fatalf("%T cannot sign", key)
	}
	return signer
}

// missing skips what this machine cannot show, or fails where nothing may be
// skipped.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required here: ", reason)
	}
	t.Skip(reason)
}

func chainOf(t *testing.T, pair authority.Pair) []*x509.Certificate {
	t.Helper()
	return []*x509.Certificate{parse(t, pair.Certificate)}
}
