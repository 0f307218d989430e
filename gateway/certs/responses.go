package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	opReadResponses = "read OCSP responses"
	// pemResponse has no standard: it is what GnuTLS writes and reads.
	pemResponse = "OCSP RESPONSE"
)

// readResponses reads the OCSP responses of ocsp_file: PEM blocks, or DER one
// after the other. Each is about one certificate.
func readResponses(path string) ([]*ocsp.Response, error) {
	data, err := readPublic(opReadResponses, path, maxCRL)
	if err != nil {
		return nil, err
	}
	ders, err := splitResponses(data)
	if err != nil {
		return nil, &Error{Op: opReadResponses, Path: path, Err: err, Hint: "write it anew: openssl ocsp … -respout " + path}
	}
	found := make([]*ocsp.Response, 0, len(ders))
	for _, der := range ders {
		one, err := parseResponse(der)
		if err != nil {
			return nil, &Error{Op: opReadResponses, Path: path, Err: err, Hint: "ask the responder again, for each certificate apart: openssl ocsp -cert FILE … -respout " + path}
		}
		found = append(found, one)
	}
	return found, nil
}

func splitResponses(data []byte) (ders [][]byte, err error) {
	if bytes.Contains(data, []byte("-----BEGIN")) {
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == pemResponse {
				ders = append(ders, block.Bytes)
			}
		}
	} else {
		for len(data) > 0 {
			var one asn1.RawValue
			if data, err = asn1.Unmarshal(data, &one); err != nil {
				return nil, err
			}
			ders = append(ders, one.FullBytes)
		}
	}
	if len(ders) == 0 {
		return nil, errors.New("it holds no OCSP response")
	}
	return ders, nil
}

// parseResponse reads one response. Whose word it is, answers checks when the
// issuer of the certificate is known.
func parseResponse(der []byte) (*ocsp.Response, error) {
	one, err := ocsp.ParseResponse(der, nil)
	if err != nil {
		return nil, err
	}
	if one.NextUpdate.IsZero() {
		return nil, fmt.Errorf("the response about serial %s does not say until when it holds", one.SerialNumber.Text(16))
	}
	return one, nil
}

// answers reports whether a response is about one and is the word of its issuer,
// or of a responder to which the issuer has given that right (RFC 6960, 4.2.2.2:
// the library checks the signatures, and not the right).
func answers(response *ocsp.Response, one, issuer *x509.Certificate, now time.Time) bool {
	if response.SerialNumber.Cmp(one.SerialNumber) != 0 {
		return false
	}
	by := response.Certificate
	if by == nil || by.Equal(issuer) {
		return response.CheckSignatureFrom(issuer) == nil
	}
	return response.CheckSignatureFrom(by) == nil && by.CheckSignatureFrom(issuer) == nil &&
		slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) && !now.Before(by.NotBefore) && !now.After(by.NotAfter)
}

// inDate reports whether a response holds now.
func inDate(response *ocsp.Response, now time.Time) bool {
	return !now.Before(response.ThisUpdate) && !now.After(response.NextUpdate)
}

// word is what responses say about a certificate.
type word struct {
	good    bool      // one that holds says so
	revoked time.Time // zero: none says so, out of date or not
	latest  time.Time // end of the last that would hold; zero: there is none
}

func wordOn(responses []*ocsp.Response, one, issuer *x509.Certificate, now time.Time) word {
	var w word
	for _, response := range responses {
		if !answers(response, one, issuer, now) {
			continue
		}
		switch response.Status {
		case ocsp.Revoked:
			w.revoked = response.RevokedAt
			if w.revoked.IsZero() {
				w.revoked = response.ThisUpdate
			}
		case ocsp.Good:
			w.good = w.good || inDate(response, now)
			if response.NextUpdate.After(w.latest) {
				w.latest = response.NextUpdate
			}
		}
	}
	return w
}

// stapleFor picks what is sent with the listener's own certificate: the response
// about it that holds longest. One that says that it is revoked is an error.
func stapleFor(responses []*ocsp.Response, chain [][]byte, leaf *x509.Certificate, authorities []*x509.Certificate, now time.Time) (*ocsp.Response, error) {
	issuers := slices.Clone(authorities)
	for _, der := range chain[1:] {
		if one, err := x509.ParseCertificate(der); err == nil {
			issuers = append(issuers, one)
		}
	}
	var best *ocsp.Response
	for _, response := range responses {
		if !slices.ContainsFunc(issuers, func(issuer *x509.Certificate) bool { return answers(response, leaf, issuer, now) }) {
			continue
		}
		if response.Status == ocsp.Revoked {
			return nil, fmt.Errorf("the certificate of %s was revoked on %s", describe(leaf), response.RevokedAt.Format(time.DateOnly))
		}
		if response.Status == ocsp.Good && (best == nil || response.NextUpdate.After(best.NextUpdate)) {
			best = response
		}
	}
	return best, nil
}

// mustStaple is the extension of a certificate that asks clients not to believe
// it without a response (RFC 7633); its only known feature is 5, status_request.
func mustStaple(leaf *x509.Certificate) bool {
	feature := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	for _, extension := range leaf.Extensions {
		var features []int
		if !extension.Id.Equal(feature) {
			continue
		}
		if rest, err := asn1.Unmarshal(extension.Value, &features); err == nil && len(rest) == 0 && slices.Contains(features, 5) {
			return true
		}
	}
	return false
}

// checkStaple judges what a gateway has sent with its certificate: a response that
// says revoked refuses, and so does none where the certificate asks for one. A
// response of nobody that counts is none.
func checkStaple(staple []byte, chains [][]*x509.Certificate, now time.Time) error {
	if len(chains) == 0 || len(chains[0]) == 0 {
		return nil // whoever accepts every gateway
	}
	leaf := chains[0][0]
	var found word
	if response, err := ocsp.ParseResponseForCert(staple, leaf, nil); err == nil {
		for _, chain := range chains {
			if len(chain) < 2 {
				continue
			}
			one := wordOn([]*ocsp.Response{response}, leaf, chain[1], now)
			found.good = found.good || one.good
			if !one.revoked.IsZero() {
				found.revoked = one.revoked
			}
		}
	}
	switch {
	case !found.revoked.IsZero():
		return &Error{Op: "check the gateway's certificate", Err: fmt.Errorf("its authority says that the certificate of %s was revoked on %s", describe(leaf), found.revoked.Format(time.DateOnly)), Hint: "ask whoever runs the gateway for another certificate"}
	case !found.good && mustStaple(leaf):
		return &Error{Op: "check the gateway's certificate", Err: fmt.Errorf("the certificate of %s must come with an OCSP response that holds, and none did", describe(leaf)), Hint: "on the gateway: fetch the response anew and name it in gateway.tls.ocsp_file"}
	}
	return nil
}
