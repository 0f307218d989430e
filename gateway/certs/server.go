package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/configs"
)

// Options is what a Server is given. Zero fields are their defaults.
type Options struct {
	Every time.Duration    // between two looks at the files; 2 s
	Now   func() time.Time // time.Now

	// Changed is called after another state is in use, and Failed when what is on
	// disk does not load and the old state stays, if less may be let in by it
	// than before (see the package's promises); once for each state of the
	// files. Neither is called by New or Use.
	Changed func()
	Failed  func(error)
}

// Server is the listener's side of TLS. Make it with New; Run watches its files.
type Server struct {
	options Options
	current atomic.Pointer[state]

	mu     sync.Mutex // guards the fields below; held while files are read
	seen   []identity // of the files of the last attempt
	failed bool       // that attempt
	told   bool       // the failure was told
	number uint64
	err    error
}

// New reads what settings name. An error is an *Error with a Hint.
func New(settings configs.TLS, options Options) (*Server, error) {
	if options.Every == 0 {
		options.Every = 2 * time.Second
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	s := &Server{options: options}
	return s, s.Use(settings)
}

// Check reports whether settings could be used now, and uses nothing.
func Check(settings configs.TLS, now func() time.Time) error {
	if now == nil {
		now = time.Now
	}
	_, err := load(settings, now)
	return err
}

// Use takes other settings, and reads all files. On an error nothing changes.
func (s *Server) Use(settings configs.TLS) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read(settings)
}

// read loads and swaps; s.mu is held.
func (s *Server) read(settings configs.TLS) error {
	seen := identities(settings) // before the reading: a change meanwhile is seen later
	next, err := load(settings, s.options.Now)
	if err != nil {
		if s.current.Load() != nil && same(s.current.Load().settings, settings) {
			s.seen, s.failed, s.err = seen, true, err
		}
		return err
	}
	s.number++
	next.number = s.number
	s.seen, s.failed, s.told, s.err = seen, false, false, nil
	s.current.Store(next)
	return nil
}

// same reports whether two settings name the same.
func same(a, b configs.TLS) bool {
	if len(a.CipherSuites) != len(b.CipherSuites) {
		return false
	}
	for i := range a.CipherSuites {
		if a.CipherSuites[i] != b.CipherSuites[i] {
			return false
		}
	}
	a.CipherSuites, b.CipherSuites = nil, nil
	return a.Enabled == b.Enabled && a.CertFile == b.CertFile && a.KeyFile == b.KeyFile && a.ClientAuth == b.ClientAuth &&
		a.CAFile == b.CAFile && a.CRLFile == b.CRLFile && a.OCSPFile == b.OCSPFile && a.MinTLSVersion == b.MinTLSVersion
}

// Reload reads the files again, changed or not. On an error the old state stays
// in use; Failed is not called for it again.
func (s *Server) Reload() error {
	s.mu.Lock()
	err := s.read(s.current.Load().settings)
	if err != nil {
		s.told = true
		s.distrust(err)
	}
	s.mu.Unlock()
	if err == nil && s.options.Changed != nil {
		s.options.Changed()
	}
	return err
}

// distrust takes the lists of the state in use for what they are worth after
// those on disk failed to load; s.mu is held.
func (s *Server) distrust(err error) {
	next, other := s.current.Load().unjudgedBy(err)
	if !other {
		return
	}
	s.number++
	next.number = s.number
	s.current.Store(next)
}

// Run looks at the files until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.options.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.look()
		}
	}
}

// look reads files that changed since the last attempt. A failure is told when
// the next look finds the same files: who replaces a pair writes one file after
// the other.
func (s *Server) look() {
	s.mu.Lock()
	settings := s.current.Load().settings
	now := identities(settings)
	if equalIdentities(now, s.seen) {
		tell := s.failed && !s.told
		s.told = s.told || tell
		err := s.err
		if tell {
			s.distrust(err)
		}
		s.mu.Unlock()
		if tell && s.options.Failed != nil {
			s.options.Failed(err)
		}
		return
	}
	s.told = false
	err := s.read(settings)
	s.mu.Unlock()
	if err == nil && s.options.Changed != nil {
		s.options.Changed()
	}
}

// Config is the tls.Config of a listener; each handshake uses the state of its
// moment.
func (s *Server) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true, Time: s.options.Now,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return s.current.Load().forHello(hello), nil
		},
	}
}

// Names are the names and addresses that the listener's certificate holds,
// without wildcards. IPv6 addresses are in brackets.
func (s *Server) Names() []string { return s.current.Load().names() }

// Settings are those in use.
func (s *Server) Settings() configs.TLS { return s.current.Load().settings }

// RefusesClients reports whether every client is refused because the revocation
// lists or OCSP responses on disk do not load.
func (s *Server) RefusesClients() bool { return s.current.Load().unjudged != nil }

// Problem is why what is on disk is not in use; nil when it is.
func (s *Server) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Peer is the other end of one TLS connection.
type Peer struct {
	Name   string // of its certificate; empty: it showed none
	Serial string // of its certificate, hexadecimal

	server  *Server
	shown   []*x509.Certificate
	until   time.Time // when the first of shown runs out
	checked atomic.Uint64
}

// PeerOf returns the other end of a connection whose handshake is done.
func (s *Server) PeerOf(connection tls.ConnectionState) *Peer {
	p := &Peer{server: s, shown: connection.PeerCertificates}
	for _, one := range p.shown {
		if p.until.IsZero() || one.NotAfter.Before(p.until) {
			p.until = one.NotAfter
		}
	}
	if len(p.shown) > 0 {
		p.Name, _ = NameOf(p.shown[0]) // the handshake refused one without a name
		p.Serial = p.shown[0].SerialNumber.Text(16)
	}
	return p
}

// Still reports why the connection would not be let in now: its certificate was
// revoked, ran out, or lost its authority. It costs nothing while nothing changed.
func (p *Peer) Still() error {
	now := p.server.options.Now()
	current := p.server.current.Load()
	if p.checked.Load() == current.number && (p.until.IsZero() || now.Before(p.until)) && !current.ranOut(p.shown, now) {
		return nil
	}
	if err := current.verify(p.shown, now); err != nil {
		return err
	}
	p.checked.Store(current.number)
	return nil
}

// ranOut reports whether a revocation list, or a response about what was shown,
// holds no longer.
func (s *state) ranOut(shown []*x509.Certificate, now time.Time) bool {
	for _, list := range s.lists {
		if now.After(list.NextUpdate) {
			return true
		}
	}
	for _, response := range s.responses {
		if now.After(response.NextUpdate) && slices.ContainsFunc(shown, func(one *x509.Certificate) bool { return one.SerialNumber.Cmp(response.SerialNumber) == 0 }) {
			return true
		}
	}
	return false
}
