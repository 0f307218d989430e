package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newAuthority(t *testing.T, bounds Bounds) (*Authority, Pair) {
	t.Helper()
	a, own, err := New("test", bounds, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a, own
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

func TestWhatIsIssuedIsForOneUseAndOneYear(t *testing.T) {
	a, _ := newAuthority(t, DefaultBounds())
	client, err := a.Client("laptop")
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server([]string{"localhost", "192.168.1.5", "[::1]"})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	serials := map[string]bool{}
	for name, row := range map[string]struct {
		pair Pair
		is   x509.ExtKeyUsage
		not  x509.ExtKeyUsage
	}{"client": {client, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, "server": {server, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}} {
		one := parse(t, row.pair.Certificate)
		if _, err := one.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{row.is}}); err != nil {
			t.Error(name, err)
		}
		if _, err := one.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{row.not}}); err == nil {
			t.Error(name, "serves the other use too")
		}
		key, is := one.PublicKey.(*ecdsa.PublicKey)
		if !is || key.Curve != elliptic.P256() || one.IsCA || one.KeyUsage != x509.KeyUsageDigitalSignature {
			t.Errorf("%s: %+v", name, one)
		}
		if life := one.NotAfter.Sub(one.NotBefore); life > 398*24*time.Hour || time.Now().Before(one.NotBefore) {
			t.Error(name, life)
		}
		if one.SerialNumber.BitLen() != 127 || serials[one.SerialNumber.String()] {
			t.Error(name, one.SerialNumber)
		}
		serials[one.SerialNumber.String()] = true
	}
	leaf := parse(t, server.Certificate)
	for _, host := range []string{"localhost", "192.168.1.5", "::1"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if one := parse(t, client.Certificate); len(one.URIs) != 1 || one.URIs[0].String() != "openclaw://client/laptop" {
		t.Error(one.URIs)
	}
}

// A stolen key of the authority must not pose as the rest of the internet.
func TestTheAuthorityIsBounded(t *testing.T) {
	a, _ := newAuthority(t, DefaultBounds())
	for _, host := range []string{"bank.example.org", "8.8.8.8", "2001:db8::1", "localhost.evil.example"} {
		_, err := a.Server([]string{host})
		if _, is := errors.AsType[*OutOfBoundsError](err); !is {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"", "https://localhost", "localhost:1", "a b", "-x.local", "*.local", "0.0.0.0", "fe80::1%eth0", "café.local"} {
		if _, err := a.Server([]string{host}); err == nil {
			t.Errorf("%q is taken", host)
		}
	}
	for _, name := range []string{"", "..", "a/b", "A", "x\n", strings.Repeat("a", 65)} {
		if _, err := a.Client(name); err == nil {
			t.Errorf("%q is a client's name", name)
		}
	}
	wide := DefaultBounds()
	wide.Domains, wide.Networks = append(wide.Domains, "gateway.example.com"), append(wide.Networks, netip.MustParsePrefix("203.0.113.0/24"))
	b, _ := newAuthority(t, wide)
	if _, err := b.Server([]string{"gateway.example.com", "203.0.113.9"}); err != nil {
		t.Error(err)
	}
	if !a.Certificate.PermittedDNSDomainsCritical || !a.Certificate.MaxPathLenZero {
		t.Error("whoever does not know the bounds ignores them")
	}
	if _, _, err := New("x", Bounds{}, time.Now); err == nil {
		t.Error("an authority without bounds")
	}
}

func TestParseRefusesWhatDoesNotFit(t *testing.T) {
	_, own := newAuthority(t, DefaultBounds())
	_, other := newAuthority(t, DefaultBounds())
	for name, pair := range map[string]Pair{
		"another's key": {own.Certificate, other.Key}, "no key": {own.Certificate, nil}, "no certificate": {nil, own.Key}, "swapped": {own.Key, own.Certificate},
	} {
		if _, err := Parse(pair, time.Now); err == nil {
			t.Error(name)
		}
	}
	if _, err := Parse(own, func() time.Time { return time.Now().Add(AuthorityLife + time.Hour) }); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Error(err)
	}
	// What is issued does not outlive its authority.
	late, err := Parse(own, func() time.Time { return time.Now().Add(AuthorityLife - 24*time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	pair, err := late.Client("laptop")
	if err != nil {
		t.Fatal(err)
	}
	if one := parse(t, pair.Certificate); one.NotAfter.After(late.Certificate.NotAfter) {
		t.Error(one.NotAfter)
	}
}

func TestRevocationsAddUp(t *testing.T) {
	a, _ := newAuthority(t, DefaultBounds())
	foreign, _ := newAuthority(t, DefaultBounds())
	list, err := a.Revoke(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"one", "two", "two"} {
		pair, err := a.Client(name)
		if err != nil {
			t.Fatal(err)
		}
		before := list
		if list, err = a.Revoke(list, parse(t, pair.Certificate)); err != nil {
			t.Fatal(err)
		}
		again, err := a.Revoke(list, parse(t, pair.Certificate))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{list, again} {
			block, _ := pem.Decode(text)
			parsed, err := x509.ParseRevocationList(block.Bytes)
			if err != nil || len(parsed.RevokedCertificateEntries) != i+1 || parsed.CheckSignatureFrom(a.Certificate) != nil {
				t.Fatal(err, len(parsed.RevokedCertificateEntries))
			}
		}
		if _, err := foreign.Revoke(before, parse(t, pair.Certificate)); err == nil {
			t.Fatal("an authority revokes what it did not sign")
		}
	}
	theirs, err := foreign.Client("x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Revoke(list, parse(t, theirs.Certificate)); err == nil {
		t.Fatal("another authority's list was taken up")
	}
}

// Of many that write one name at once, one wins, and what it wrote stays whole.
func TestWriteOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "x.key")
	var group sync.WaitGroup
	var mu sync.Mutex
	won := []byte{}
	for i := range 20 {
		data := []byte(strings.Repeat(string(rune('a'+i)), 5000))
		group.Go(func() {
			err := Write(path, data, KeyMode, false)
			if _, taken := errors.AsType[*ExistsError](err); taken {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil || len(won) > 0 {
				t.Error("two wrote it", err)
			}
			won = data
		})
	}
	group.Wait()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != string(won) {
		t.Fatal(err, len(text))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || folder.Mode().Perm() != 0o700 {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Fatal("something is left:", left, err)
	}
	if err := Write(path, []byte("next"), KeyMode, true); err != nil {
		t.Fatal(err)
	}
	if err := WritePair(filepath.Join(dir, "new", "y.crt"), path, Pair{[]byte("c"), []byte("k")}, false); err == nil {
		t.Fatal("a key was replaced")
	}
	if _, err := os.Lstat(filepath.Join(dir, "new", "y.crt")); err == nil {
		t.Fatal("half a pair was written")
	}
}
