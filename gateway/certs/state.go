package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ocsp"

	"openclaw/configs"
)

// state is one reading of all files, with the settings that they were read by.
// It is immutable.
type state struct {
	number      uint64 // of this reading; later ones are higher
	settings    configs.TLS
	suites      suites
	pair        tls.Certificate
	authorities []*x509.Certificate
	pool        *x509.CertPool // of authorities; nil: no client certificate can be checked
	lists       []*x509.RevocationList
	responses   []*ocsp.Response
	staple      *ocsp.Response // about pair; nil: there is none
	unjudged    error          // why nobody can say who was revoked: lists or responses on disk do not load
	config      *tls.Config
}

// asks reports whether clients are asked for a certificate.
func (s *state) asks() bool { return s.config.ClientAuth != tls.NoClientCert }

// load reads what settings name.
func load(settings configs.TLS, now func() time.Time) (*state, error) {
	s := &state{settings: settings}
	var err error
	if s.suites, err = newSuites(settings.CipherSuites); err != nil {
		return nil, err
	}
	lowest := uint16(tls.VersionTLS13)
	if settings.MinTLSVersion == "1.2" {
		lowest = tls.VersionTLS12
	}
	low, high, err := s.suites.versions(lowest)
	if err != nil {
		return nil, err
	}
	if settings.CAFile != "" {
		if s.authorities, err = readAuthorities(settings.CAFile); err != nil {
			return nil, err
		}
		s.pool = x509.NewCertPool()
		for _, authority := range s.authorities {
			s.pool.AddCert(authority)
		}
	}
	if settings.CRLFile != "" {
		if s.lists, err = readLists(settings.CRLFile, s.authorities); err != nil {
			return nil, err
		}
	}
	if settings.OCSPFile != "" {
		if s.responses, err = readResponses(settings.OCSPFile); err != nil {
			return nil, err
		}
	}
	// Behind the lists, so that no trouble with the pair hides that of a list.
	if s.pair, err = readPair(settings.CertFile, settings.KeyFile); err != nil {
		return nil, err
	}
	if err := usableByServer(s.pair.Leaf, settings.CertFile, now()); err != nil {
		return nil, err
	}
	if s.staple, err = stapleFor(s.responses, s.pair.Certificate, s.pair.Leaf, s.authorities, now()); err != nil {
		return nil, &Error{Op: "read certificate", Path: settings.CertFile, Err: err, Hint: "issue another: 'openclaw cert issue server HOST --force', or with whatever issued it"}
	}
	auth := tls.NoClientCert
	switch {
	case settings.ClientAuth == "required" && s.pool == nil:
		return nil, &Error{Op: "read gateway.tls", Err: errors.New("client_auth: required needs ca_file"), Hint: "write ca_file, the PEM file of the authority that signs client certificates"}
	case settings.ClientAuth == "required":
		auth = tls.RequireAndVerifyClientCert
	case settings.ClientAuth == "optional" && s.pool != nil:
		// Without ca_file none is asked for: it would be verified by the system's
		// authorities, and anybody can have a certificate of those.
		auth = tls.VerifyClientCertIfGiven
	}
	s.config = &tls.Config{
		Certificates: []tls.Certificate{s.pair}, MinVersion: low, MaxVersion: high, CipherSuites: s.suites.older,
		ClientAuth: auth, ClientCAs: s.pool, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true, Time: now,
	}
	return s, nil
}

// usableByServer refuses a certificate that every client would refuse.
func usableByServer(leaf *x509.Certificate, path string, now time.Time) error {
	const op = "read certificate"
	if now.After(leaf.NotAfter) {
		return &Error{Op: op, Path: path, Err: fmt.Errorf("it has expired on %s", leaf.NotAfter.Format(time.DateOnly)), Hint: "renew it: 'openclaw cert issue server HOST --force', or with whatever issued it"}
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 {
		return nil
	}
	for _, usage := range leaf.ExtKeyUsage {
		if usage == x509.ExtKeyUsageServerAuth || usage == x509.ExtKeyUsageAny {
			return nil
		}
	}
	return &Error{Op: op, Path: path, Err: errors.New("it is not for a server (extended key usage)"), Hint: "issue one for the gateway: 'openclaw cert issue server HOST'"}
}

// forHello is the config of one handshake, and what tells why it was refused.
func (s *state) forHello(hello *tls.ClientHelloInfo) *tls.Config {
	config := s.config.Clone()
	if !s.suites.keeps(hello.CipherSuites) {
		if config.MinVersion == tls.VersionTLS13 {
			// No version is left: the client is told protocol_version.
			config.MaxVersion = tls.VersionTLS12
			config.MinVersion = tls.VersionTLS13
		} else {
			config.MaxVersion = tls.VersionTLS12
		}
	}
	if s.staple != nil && inDate(s.staple, config.Time()) {
		pair := s.pair
		pair.OCSPStaple = s.staple.Raw
		config.Certificates = []tls.Certificate{pair}
	}
	config.VerifyConnection = func(c tls.ConnectionState) error {
		if err := s.suites.verify(c); err != nil {
			return err
		}
		return s.check(c.VerifiedChains, len(c.PeerCertificates) > 0, config.Time())
	}
	return config
}

// check judges a client that TLS has verified: its name, and whether it was
// revoked. One good chain suffices.
func (s *state) check(chains [][]*x509.Certificate, shown bool, now time.Time) error {
	if !shown {
		return nil // where it is required, TLS has refused
	}
	if len(chains) == 0 {
		return &Refusal{Reason: "the client's certificate was not verified"}
	}
	if _, err := NameOf(chains[0][0]); err != nil {
		return &Refusal{Reason: err.Error()}
	}
	if s.settings.CRLFile == "" && s.settings.OCSPFile == "" {
		return nil
	}
	if s.unjudged != nil {
		return &Refusal{Reason: "nobody can say whether the certificate of " + describe(chains[0][0]) + " still holds: " + s.unjudged.Error()}
	}
	var first error
	for _, chain := range chains {
		err := s.checkRevoked(chain, now)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// verify judges a certificate of an earlier state by this one.
func (s *state) verify(certificates []*x509.Certificate, now time.Time) error {
	if len(certificates) == 0 {
		if s.config.ClientAuth == tls.RequireAndVerifyClientCert {
			return &Refusal{Reason: "a client certificate is required now"}
		}
		return nil
	}
	if s.pool == nil || !s.asks() {
		return &Refusal{Reason: "client certificates are no longer accepted"}
	}
	between := x509.NewCertPool()
	for _, one := range certificates[1:] {
		between.AddCert(one)
	}
	chains, err := certificates[0].Verify(x509.VerifyOptions{
		Roots: s.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return &Refusal{Reason: reasonOf(certificates[0], err)}
	}
	return s.check(chains, true, now)
}

// names are the DNS names and addresses of the listener's certificate, without
// wildcards: what the gateway may be called.
func (s *state) names() []string {
	var names []string
	for _, name := range s.pair.Leaf.DNSNames {
		if name != "" && name[0] != '*' {
			names = append(names, name)
		}
	}
	for _, address := range s.pair.Leaf.IPAddresses {
		names = append(names, ipName(address))
	}
	return names
}

func ipName(address net.IP) string {
	if address.To4() != nil {
		return address.String()
	}
	return "[" + address.String() + "]"
}

// reasonOf says in words why a client's certificate was not verified.
func reasonOf(leaf *x509.Certificate, err error) string {
	if invalid, is := errors.AsType[x509.CertificateInvalidError](err); is {
		switch invalid.Reason {
		case x509.Expired:
			if invalid.Cert != nil {
				leaf = invalid.Cert
			}
			return fmt.Sprintf("the certificate of %s holds from %s to %s, not now", describe(leaf), leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly))
		case x509.IncompatibleUsage:
			return fmt.Sprintf("the certificate of %s is not for client authentication (extended key usage)", describe(leaf))
		default: // as it says itself, below
		}
	}
	if _, is := errors.AsType[x509.UnknownAuthorityError](err); is {
		return fmt.Sprintf("the certificate of %s is not signed by an authority of ca_file", describe(leaf))
	}
	return fmt.Sprintf("the certificate of %s was not verified: %v", describe(leaf), err)
}
