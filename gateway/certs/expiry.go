package certs

import (
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"
)

// When an end that comes is told.
const (
	Soon     = 30 * 24 * time.Hour
	VerySoon = 7 * 24 * time.Hour
)

// The states of an Expiry.
const (
	StateGood     = "good"
	StateSoon     = "ends within 30 days" // of a revocation list or response: within a tenth of its life
	StateVerySoon = "ends within 7 days"  // a twentieth
	StateExpired  = "expired"
	StateNotYet   = "not valid yet"
)

// Expiry is when a certificate, a revocation list or an OCSP response ends.
type Expiry struct {
	What    string    `json:"what"` // "gateway certificate", "authority", "revocation list", "OCSP response"…
	Path    string    `json:"path"`
	Subject string    `json:"subject"`
	Issuer  string    `json:"issuer"`
	Serial  string    `json:"serial,omitempty"`
	From    time.Time `json:"not_before,omitzero"`
	Until   time.Time `json:"not_after"`
	Days    int       `json:"days"`  // left; negative: ago
	State   string    `json:"state"` // one of the State words
}

// Sentence says it to a person.
func (e Expiry) Sentence() string {
	switch e.State {
	case StateExpired:
		return fmt.Sprintf("the %s of %s has expired on %s", e.What, e.Subject, e.Until.Format(time.DateOnly))
	case StateNotYet:
		return fmt.Sprintf("the %s of %s holds only from %s on", e.What, e.Subject, e.From.Format(time.DateOnly))
	default:
		return fmt.Sprintf("the %s of %s ends on %s, in %d days", e.What, e.Subject, e.Until.Format(time.DateOnly), e.Days)
	}
}

// ExpiryOf judges one certificate.
func ExpiryOf(what, path string, one *x509.Certificate, now time.Time) Expiry {
	name, err := NameOf(one)
	if err != nil {
		name = one.Subject.String()
	}
	e := Expiry{What: what, Path: path, Subject: name, Issuer: one.Issuer.String(), Serial: one.SerialNumber.Text(16), From: one.NotBefore, Until: one.NotAfter}
	return e.judge(now, Soon, VerySoon)
}

func (e Expiry) judge(now time.Time, soon, verySoon time.Duration) Expiry {
	left := e.Until.Sub(now)
	e.Days = int(left / (24 * time.Hour))
	switch {
	case left <= 0:
		e.State = StateExpired
	case now.Before(e.From):
		e.State = StateNotYet
	case left <= verySoon:
		e.State = StateVerySoon
	case left <= soon:
		e.State = StateSoon
	default:
		e.State = StateGood
	}
	return e
}

// Expiries lists when what is in use ends: the listener's chain, the authorities
// of clients, their revocation lists and OCSP responses.
func (s *Server) Expiries() []Expiry { return s.current.Load().expiries(s.options.Now()) }

func (s *state) expiries(now time.Time) []Expiry {
	out := []Expiry{ExpiryOf("gateway certificate", s.settings.CertFile, s.pair.Leaf, now)}
	for _, der := range s.pair.Certificate[1:] {
		if one, err := x509.ParseCertificate(der); err == nil {
			out = append(out, ExpiryOf("intermediate certificate", s.settings.CertFile, one, now))
		}
	}
	for _, one := range s.authorities {
		out = append(out, ExpiryOf("client authority", s.settings.CAFile, one, now))
	}
	for _, one := range s.lists {
		out = append(out, listExpiry(s.settings.CRLFile, one, now))
	}
	for _, one := range s.responses {
		out = append(out, responseExpiry(s.settings.OCSPFile, one, now))
	}
	return out
}

func responseExpiry(path string, one *ocsp.Response, now time.Time) Expiry {
	serial := one.SerialNumber.Text(16)
	e := Expiry{What: "OCSP response", Path: path, Subject: "serial " + serial, Serial: serial, From: one.ThisUpdate, Until: one.NextUpdate}
	if one.Certificate != nil {
		e.Issuer = one.Certificate.Issuer.String()
	}
	life := e.Until.Sub(e.From)
	return e.judge(now, min(Soon, life/10), min(VerySoon, life/20))
}

func listExpiry(path string, one *x509.RevocationList, now time.Time) Expiry {
	name := one.Issuer.CommonName
	if name == "" {
		name = one.Issuer.String()
	}
	e := Expiry{What: "revocation list", Path: path, Subject: name, Issuer: one.Issuer.String(), From: one.ThisUpdate, Until: one.NextUpdate}
	life := e.Until.Sub(e.From) // days or a year: those of public authorities are replaced every few days
	return e.judge(now, min(Soon, life/10), min(VerySoon, life/20))
}

// ReadExpiries reads a file of certificates for its ends.
func ReadExpiries(what, path string, now time.Time) ([]Expiry, error) {
	found, err := readCertificates("read certificate", path)
	if err != nil {
		return nil, err
	}
	out := make([]Expiry, 0, len(found))
	for _, one := range found {
		out = append(out, ExpiryOf(what, path, one, now))
	}
	return out, nil
}

// ReadListExpiries reads a file of revocation lists for its ends.
func ReadListExpiries(path string, now time.Time) ([]Expiry, error) {
	lists, err := readLists(path, nil)
	if err != nil {
		return nil, err
	}
	out := make([]Expiry, 0, len(lists))
	for _, one := range lists {
		out = append(out, listExpiry(path, one, now))
	}
	return out, nil
}

// ReadResponseExpiries reads a file of OCSP responses for its ends.
func ReadResponseExpiries(path string, now time.Time) ([]Expiry, error) {
	responses, err := readResponses(path)
	if err != nil {
		return nil, err
	}
	out := make([]Expiry, 0, len(responses))
	for _, one := range responses {
		out = append(out, responseExpiry(path, one, now))
	}
	return out, nil
}

// CheckPair reports whether a certificate and its key can be used together.
func CheckPair(certFile, keyFile string) error {
	_, err := readPair(certFile, keyFile)
	return err
}
