package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// parseList reads one list. One whose issuer is among authorities must be signed
// by it; those of intermediates are checked when a chain shows the issuer.
func parseList(der []byte, authorities []*x509.Certificate) (*x509.RevocationList, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	for _, extension := range list.Extensions {
		// A delta list or one of a part of the certificates says so in a critical
		// extension (RFC 5280, 5.2.4 and 5.2.5): it is not the whole list.
		if extension.Critical {
			return nil, fmt.Errorf("the list of %s is not a full one: it has the critical extension %s", list.Issuer, extension.Id)
		}
	}
	if list.NextUpdate.IsZero() {
		return nil, fmt.Errorf("the list of %s does not say until when it holds", list.Issuer)
	}
	for _, authority := range authorities {
		if !bytes.Equal(list.RawIssuer, authority.RawSubject) {
			continue
		}
		if err := list.CheckSignatureFrom(authority); err == nil {
			return list, nil
		}
		err = errors.New("the list of " + list.Issuer.String() + " is not signed by it")
		if !sameSubject(authorities, authority) {
			return nil, err
		}
	}
	return list, nil
}

// sameSubject reports whether another authority has one's name: after a change
// of keys two of them do, and a list is signed by either.
func sameSubject(authorities []*x509.Certificate, one *x509.Certificate) bool {
	for _, other := range authorities {
		if other != one && bytes.Equal(other.RawSubject, one.RawSubject) {
			return true
		}
	}
	return false
}

// checkRevoked refuses a chain of which a certificate is revoked, or may be
// without anybody knowing.
func (s *state) checkRevoked(chain []*x509.Certificate, now time.Time) error {
	for i := 0; i+1 < len(chain); i++ {
		if err := s.checkOne(chain[i], chain[i+1], now); err != nil {
			return err
		}
	}
	return nil
}

// checkOne lets a certificate pass that a list in date does not hold or that a
// response in date calls good, and that none calls revoked.
func (s *state) checkOne(one, issuer *x509.Certificate, now time.Time) error {
	said := wordOn(s.responses, one, issuer, now)
	if !said.revoked.IsZero() {
		return &Refusal{Reason: fmt.Sprintf("the certificate of %s was revoked on %s", describe(one), said.revoked.Format(time.DateOnly))}
	}
	var latest time.Time
	for _, list := range s.lists {
		if !bytes.Equal(list.RawIssuer, issuer.RawSubject) || list.CheckSignatureFrom(issuer) != nil {
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(one.SerialNumber) == 0 {
				return &Refusal{Reason: fmt.Sprintf("the certificate of %s was revoked on %s", describe(one), entry.RevocationTime.Format(time.DateOnly))}
			}
		}
		if list.NextUpdate.After(latest) {
			latest = list.NextUpdate
		}
	}
	switch {
	case said.good || !now.After(latest):
		return nil
	case s.settings.CRLFile == "" && said.latest.IsZero():
		return &Refusal{Reason: fmt.Sprintf("ocsp_file holds no response of %s that calls the certificate of %s good", describe(issuer), describe(one))}
	case s.settings.CRLFile == "":
		return &Refusal{Reason: fmt.Sprintf("the OCSP response about the certificate of %s does not hold now, it ends on %s: nobody can say whether the certificate still does", describe(one), said.latest.Format(time.DateOnly))}
	case latest.IsZero():
		return &Refusal{Reason: fmt.Sprintf("crl_file holds no revocation list of %s, which signed the certificate of %s", describe(issuer), describe(one))}
	default:
		return &Refusal{Reason: fmt.Sprintf("the revocation list of %s has run out on %s: nobody can say whether the certificate of %s still holds", describe(issuer), latest.Format(time.DateOnly), describe(one))}
	}
}

// unjudgedBy is the state that follows when what is on disk does not load by err:
// the same, but where clients need a certificate and it is the lists or the
// responses that do not load, nobody's is accepted. The new list was written
// because somebody was revoked, and the one in memory does not say whom.
func (s *state) unjudgedBy(err error) (next *state, other bool) {
	problem, is := errors.AsType[*Error](err)
	if !is || (problem.Op != opReadList && problem.Op != opReadResponses) || s.config.ClientAuth != tls.RequireAndVerifyClientCert ||
		(s.settings.CRLFile == "" && s.settings.OCSPFile == "") {
		return s, false
	}
	after := *s
	after.unjudged = err
	return &after, true
}
