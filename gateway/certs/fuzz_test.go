package certs_test

import (
	"crypto"
	"crypto/tls"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"crypto/x509"
	"crypto/x509/pkix"

	"golang.org/x/crypto/ocsp"

	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
)

// No list lets a suite in that it does not hold, or leaves a listener that nobody
// can talk to.
func FuzzCipherSuites(f *testing.F) {
	for _, seed := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", "TLS_RSA_WITH_RC4_128_SHA", "", ",", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, older bool) {
		list := strings.Split(text, ",")
		lowest := uint16(tls.VersionTLS13)
		if older {
			lowest = tls.VersionTLS12
		}
		low, high, suites, err := certs.Suites(list, lowest)
		if err != nil {
			return
		}
		if low < lowest || low > high || high > tls.VersionTLS13 {
			t.Fatalf("%q: versions %x to %x", text, low, high)
		}
		for _, suite := range suites {
			if !slices.Contains(list, tls.CipherSuiteName(suite)) {
				t.Fatalf("%q allows %s", text, tls.CipherSuiteName(suite))
			}
			if slices.ContainsFunc(tls.InsecureCipherSuites(), func(bad *tls.CipherSuite) bool { return bad.ID == suite }) {
				t.Fatalf("%q allows %s, which is not secure", text, tls.CipherSuiteName(suite))
			}
		}
	})
}

// No file makes the reading of authorities, lists and responses panic, and what is taken has
// an end.
func FuzzFiles(f *testing.F) {
	ca, own, err := authority.New("test", authority.DefaultBounds(), time.Now)
	if err != nil {
		f.Fatal(err)
	}
	pair, err := ca.Client("x")
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(pair.Certificate)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	list, err := ca.Revoke(nil, leaf)
	if err != nil {
		f.Fatal(err)
	}
	der, _ := pem.Decode(list)
	keys, err := tls.X509KeyPair(own.Certificate, own.Key)
	if err != nil {
		f.Fatal(err)
	}
	signer, is := keys.PrivateKey.(crypto.Signer)
	if !is {
		f.Fatal("the authority cannot sign")
	}
	response, err := ocsp.CreateResponse(keys.Leaf, keys.Leaf, ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.SerialNumber, ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour), IssuerHash: crypto.SHA1}, signer)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{response, own.Certificate, pair.Certificate, list, der.Bytes, nil, []byte("-----BEGIN CERTIFICATE-----\n")} {
		f.Add(seed)
	}
	dir, err := os.MkdirTemp("", "openclaw-fuzz-") // one for all inputs
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := certs.ReadExpiries("x", path, time.Now()); err == nil && len(found) == 0 {
			t.Fatal("no certificate is no error")
		}
		if found, err := certs.ReadResponseExpiries(path, time.Now()); err == nil && len(found) == 0 {
			t.Fatal("no response is no error")
		}
		found, err := certs.ReadListExpiries(path, time.Now())
		if err != nil {
			return
		}
		for _, one := range found {
			if one.Until.IsZero() {
				t.Fatal("a list without an end was taken")
			}
		}
	})
}

// A client's name can be shown and is never empty, whatever its certificate holds.
func FuzzNameOf(f *testing.F) {
	f.Add("laptop", "", "")
	f.Add("", "gateway.internal", "openclaw://client/laptop")
	f.Add("a\x1b[31m", "", "")
	f.Add("", "", "spiffe://domain/\u202e")
	f.Fuzz(func(t *testing.T, common, dns, uri string) {
		one := &x509.Certificate{Subject: pkix.Name{CommonName: common}, SerialNumber: big.NewInt(1)}
		if dns != "" {
			one.DNSNames = []string{dns}
		}
		if parsed, err := url.Parse(uri); err == nil && uri != "" {
			one.URIs = []*url.URL{parsed}
		}
		name, err := certs.NameOf(one)
		if err == nil && (name == "" || len(name) > 128 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })) {
			t.Fatalf("%q", name)
		}
		one.URIs = append(one.URIs, &url.URL{Scheme: "a", Host: "b"}, &url.URL{Scheme: "c", Host: "d"})
		if name, err := certs.NameOf(one); err == nil {
			t.Fatalf("two URIs are %q", name)
		}
	})
}
