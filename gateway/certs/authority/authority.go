package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/certs"
)

// Lifetimes.
const (
	AuthorityLife   = 10 * 365 * 24 * time.Hour
	CertificateLife = 397 * 24 * time.Hour // CA/Browser Forum, Baseline Requirements 6.3.2 before March 2026
	ListLife        = 365 * 24 * time.Hour
	early           = 5 * time.Minute // before now, for clocks that are behind
)

// Authority signs. Make one with New, or Parse what New gave.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
	now         func() time.Time
}

// Pair is a certificate and its key, in PEM. Whoever holds it clears Key.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Bounds are the names and networks that an authority may sign for.
type Bounds struct {
	Domains  []string // a name, with all below it
	Networks []netip.Prefix
}

// DefaultBounds are this machine and the private networks (RFC 1918, 3927, 4193,
// 6598, 6761, 6762, 8375).
func DefaultBounds() Bounds {
	b := Bounds{Domains: []string{"localhost", "local", "internal", "lan", "home.arpa", "test"}}
	for _, network := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10",
	} {
		b.Networks = append(b.Networks, netip.MustParsePrefix(network))
	}
	return b
}

// New makes an authority.
func New(name string, bounds Bounds, now func() time.Time) (*Authority, Pair, error) {
	if name == "" || len(name) > 64 {
		return nil, Pair{}, errors.New("make authority: its name has 1 to 64 bytes")
	}
	if len(bounds.Domains) == 0 || len(bounds.Networks) == 0 {
		return nil, Pair{}, errors.New("make authority: it needs names and networks that it may sign for")
	}
	template, err := template(name, now, AuthorityLife)
	if err != nil {
		return nil, Pair{}, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.PermittedDNSDomainsCritical, template.PermittedDNSDomains = true, bounds.Domains
	for _, network := range bounds.Networks {
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{
			IP: network.Masked().Addr().AsSlice(), Mask: net.CIDRMask(network.Bits(), network.Addr().BitLen()),
		})
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("make key: %w", err)
	}
	pair, err := sign(template, template, key, key)
	if err != nil {
		return nil, Pair{}, err
	}
	a, err := Parse(pair, now)
	return a, pair, err
}

// Parse reads an authority of New's.
func Parse(pair Pair, now func() time.Time) (*Authority, error) {
	block, _ := pem.Decode(pair.Certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("read authority: it is not a PEM certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	block, _ = pem.Decode(pair.Key)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("read authority's key: it is not a PEM private key")
	}
	defer clear(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("read authority's key: it does not have its form") // the error may hold parts of it
	}
	key, is := parsed.(*ecdsa.PrivateKey)
	if !is || !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, errors.New("read authority's key: it does not belong to the authority's certificate")
	}
	if now().After(certificate.NotAfter) {
		return nil, fmt.Errorf("read authority: it has expired on %s", certificate.NotAfter.Format(time.DateOnly))
	}
	return &Authority{Certificate: certificate, key: key, now: now}, nil
}

// Client issues a certificate for a client of this name, in the form of an agent's
// name.
func (a *Authority) Client(name string) (Pair, error) {
	if !configs.ValidName(name) {
		return Pair{}, errors.New("issue certificate: a client's name is 1 to 64 of a-z, 0-9, '.', '_' and '-'")
	}
	template, err := template(name, a.now, CertificateLife)
	if err != nil {
		return Pair{}, err
	}
	uri, err := url.Parse(certs.ClientURI(name))
	if err != nil {
		return Pair{}, err
	}
	template.URIs = []*url.URL{uri}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template, x509.ExtKeyUsageClientAuth)
}

// Server issues a certificate for a server that goes by these names and addresses.
func (a *Authority) Server(hosts []string) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("issue certificate: a server needs a name or an address")
	}
	template, err := template("", a.now, CertificateLife)
	if err != nil {
		return Pair{}, err
	}
	for _, host := range hosts {
		if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			if address.Zone() != "" || address.IsUnspecified() {
				return Pair{}, fmt.Errorf("issue certificate: %s is not an address that clients use", host)
			}
			template.IPAddresses = append(template.IPAddresses, address.Unmap().AsSlice())
			continue
		}
		if !validDNS(host) {
			return Pair{}, fmt.Errorf("issue certificate: %q is neither a name nor an address; leave out scheme and port", host)
		}
		template.DNSNames = append(template.DNSNames, strings.ToLower(host))
	}
	if len(hosts[0]) <= 64 {
		template.Subject.CommonName = strings.ToLower(strings.Trim(hosts[0], "[]"))
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.issue(template, x509.ExtKeyUsageServerAuth)
}

func validDNS(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return false
		}
	}
	return true
}

// issue signs, and checks that what came out verifies: a name outside the
// authority's bounds is refused here and not by every client later.
func (a *Authority) issue(template *x509.Certificate, usage x509.ExtKeyUsage) (Pair, error) {
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make key: %w", err)
	}
	pair, err := sign(template, a.Certificate, key, a.key)
	if err != nil {
		return Pair{}, err
	}
	block, _ := pem.Decode(pair.Certificate)
	issued, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Pair{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	if _, err := issued.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: a.now(), KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
		clear(pair.Key)
		if invalid, is := errors.AsType[x509.CertificateInvalidError](err); is && invalid.Reason == x509.CANotAuthorizedForThisName {
			return Pair{}, &OutOfBoundsError{Detail: invalid.Detail}
		}
		return Pair{}, fmt.Errorf("issue certificate: %w", err)
	}
	return pair, nil
}

// OutOfBoundsError is a name that the authority was not made for.
type OutOfBoundsError struct{ Detail string }

func (e *OutOfBoundsError) Error() string {
	return "issue certificate: the authority was not made for this name: " + e.Detail
}

// Revoke returns the authority's revocation list in PEM, in date for a year from
// now: what the list before holds, if any, and one more, if it is not nil.
func (a *Authority) Revoke(before []byte, one *x509.Certificate) ([]byte, error) {
	if one != nil && one.CheckSignatureFrom(a.Certificate) != nil {
		return nil, errors.New("revoke certificate: this authority did not sign it")
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: a.now().Add(-early), NextUpdate: a.now().Add(ListLife)}
	if list.NextUpdate.After(a.Certificate.NotAfter) {
		list.NextUpdate = a.Certificate.NotAfter
	}
	if len(before) > 0 {
		block, _ := pem.Decode(before)
		if block == nil {
			return nil, errors.New("read revocation list: it is not PEM")
		}
		old, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read revocation list: %w", err)
		}
		if err := old.CheckSignatureFrom(a.Certificate); err != nil {
			return nil, errors.New("read revocation list: it is another authority's")
		}
		list.RevokedCertificateEntries = old.RevokedCertificateEntries
		if old.Number != nil {
			list.Number = new(big.Int).Add(old.Number, big.NewInt(1))
		}
	}
	if one == nil {
		return a.signList(list)
	}
	known := func(entry x509.RevocationListEntry) bool { return entry.SerialNumber.Cmp(one.SerialNumber) == 0 }
	if !slices.ContainsFunc(list.RevokedCertificateEntries, known) {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: one.SerialNumber, RevocationTime: a.now()})
	}
	return a.signList(list)
}

func (a *Authority) signList(list *x509.RevocationList) ([]byte, error) {
	der, err := x509.CreateRevocationList(rand.Reader, list, a.Certificate, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

func template(name string, now func() time.Time, life time.Duration) (*x509.Certificate, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, err
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive, and of the same length always
	start := now().Add(-early)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name}, NotBefore: start, NotAfter: start.Add(life),
		SignatureAlgorithm: x509.ECDSAWithSHA256, BasicConstraintsValid: true,
	}, nil
}

func sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey, by crypto.Signer) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		return Pair{}, fmt.Errorf("sign certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, errors.New("write key: it cannot be encoded")
	}
	defer clear(private)
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}
