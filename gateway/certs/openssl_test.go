package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/certs"
)

// opensslCA is an authority as people run one with openssl alone.
type opensslCA struct {
	t   *testing.T
	dir string
}

const opensslConfig = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
`

func newOpensslCA(t *testing.T) *opensslCA {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		missing(t, "openssl is not installed")
	}
	ca := &opensslCA{t: t, dir: t.TempDir()}
	for name, text := range map[string]string{"ca.cnf": opensslConfig, "index.txt": "", "serial": "1000", "crlnumber": "01"} {
		if err := os.WriteFile(filepath.Join(ca.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key")
	ca.openssl("req", "-config", "ca.cnf", "-new", "-x509", "-key", "ca.key", "-subj", "/CN=openssl authority", "-days", "60", "-extensions", "authority", "-out", "ca.crt")
	return ca
}

func (ca *opensslCA) openssl(args ...string) {
	ca.t.Helper()
	cmd := exec.CommandContext(ca.t.Context(), "openssl", args...)
	cmd.Dir = ca.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		ca.t.Fatalf("openssl %q: %v: %s", args, err, out)
	}
}

func (ca *opensslCA) client(name string) tls.Certificate {
	ca.t.Helper()
	ca.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name+".key")
	ca.openssl("req", "-config", "ca.cnf", "-new", "-key", name+".key", "-subj", "/CN="+name, "-out", name+".csr")
	ca.openssl("ca", "-config", "ca.cnf", "-batch", "-notext", "-extensions", "client", "-in", name+".csr", "-out", name+".crt")
	pair, err := tls.LoadX509KeyPair(filepath.Join(ca.dir, name+".crt"), filepath.Join(ca.dir, name+".key"))
	if err != nil {
		ca.t.Fatal(err)
	}
	return pair
}

// list writes the list of who is revoked now.
func (ca *opensslCA) list(more ...string) []byte {
	ca.t.Helper()
	ca.openssl(append([]string{"ca", "-config", "ca.cnf", "-gencrl", "-out", "ca.crl"}, more...)...)
	return ca.read("ca.crl")
}

func (ca *opensslCA) read(name string) []byte {
	ca.t.Helper()
	data, err := os.ReadFile(filepath.Join(ca.dir, name))
	if err != nil {
		ca.t.Fatal(err)
	}
	return data
}

// The lists of openssl, over the life of a listener that requires certificates:
// who is revoked is out with the next list, and what is no list that holds lets
// nobody in until one does.
func TestListsThatOpensslMakes(t *testing.T) {
	ca := newOpensslCA(t)
	w := newWorld(t)
	w.write("clients.crt", ca.read("ca.crt"))
	laptop, stolen := ca.client("laptop"), ca.client("stolen")
	first := ca.list()
	w.write("clients.crl", first)
	settings := w.settings()
	settings.ClientAuth, settings.CAFile, settings.CRLFile = "required", w.path("clients.crt"), w.path("clients.crl")
	server, err := certs.New(settings, certs.Options{Every: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = server.Run(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })
	address := w.serve(server, certs.ListenerOptions{})
	comesIn := func(pair tls.Certificate) bool {
		t.Helper()
		_, err := w.echo(address, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }})
		return err == nil
	}
	refusedBecause := func(reason string) {
		t.Helper()
		until(t, "the reason "+reason, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.ContainsFunc(w.failures, func(f string) bool { return strings.Contains(f, reason) })
		})
	}
	if !comesIn(laptop) || !comesIn(stolen) {
		t.Fatal("nobody is revoked, and somebody is refused:", w.failure())
	}
	inside := server.PeerOf(tls.ConnectionState{PeerCertificates: []*x509.Certificate{laptop.Leaf}})
	ca.openssl("ca", "-config", "ca.cnf", "-revoke", "stolen.crt", "-crl_reason", "keyCompromise")
	second := ca.list()
	w.write("clients.crl", second)
	until(t, "the next list is in use", func() bool { return !comesIn(stolen) })
	refusedBecause("the certificate of stolen")
	if !comesIn(laptop) || inside.Still() != nil {
		t.Fatal("the wrong one is refused:", w.failure())
	}
	ca.openssl("crl", "-in", "ca.crl", "-outform", "DER", "-out", "ca.der")
	w.write("clients.crl", ca.read("ca.der"))
	if err := server.Reload(); err != nil || comesIn(stolen) || !comesIn(laptop) {
		t.Fatal("the same list in DER:", err, w.failure())
	}
	mended := func(name string) {
		t.Helper()
		w.write("clients.crl", second)
		until(t, "the list is mended: "+name, func() bool { return !server.RefusesClients() && server.Problem() == nil })
		if !comesIn(laptop) || inside.Still() != nil || comesIn(stolen) {
			t.Errorf("%s, and then mended: %s", name, w.failure())
		}
	}
	refused := func(name string) {
		t.Helper()
		until(t, "nobody is let in: "+name, server.RefusesClients)
		w.mu.Lock()
		w.failures = nil
		w.mu.Unlock()
		if comesIn(laptop) || inside.Still() == nil || !strings.Contains(server.Problem().Error(), "read revocation list") {
			t.Errorf("%s: let in without a list that holds: %v", name, server.Problem())
		}
		refusedBecause("nobody can say whether the certificate of laptop")
	}
	// The other authority has the same name: only the signature tells them apart.
	for name, damaged := range map[string][]byte{
		"cut short": second[:len(second)/2], "empty": {}, "a page of the web": []byte("<html>404</html>"), "signed by another": newOpensslCA(t).list(),
	} {
		w.write("clients.crl", damaged)
		refused(name)
		mended(name)
	}
	if err := os.Remove(w.path("clients.crl")); err != nil {
		t.Fatal(err)
	}
	refused("gone")
	mended("gone")
	w.write("clients.crl", ca.list("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"))
	until(t, "a list that has run out lets nobody in", func() bool { return inside.Still() != nil })
	if comesIn(laptop) || server.RefusesClients() {
		t.Error("let in by a list that has run out:", w.failure())
	}
	refusedBecause("has run out on 2020-02-01")
}

// Where a certificate is optional, a damaged list leaves the one before in use:
// who shows none is let in anyway.
func TestADamagedListWhereCertificatesAreOptional(t *testing.T) {
	ca := newOpensslCA(t)
	w := newWorld(t)
	w.write("clients.crt", ca.read("ca.crt"))
	laptop, stolen := ca.client("laptop"), ca.client("stolen")
	ca.openssl("ca", "-config", "ca.cnf", "-revoke", "stolen.crt")
	w.write("clients.crl", ca.list())
	settings := w.settings()
	settings.ClientAuth, settings.CAFile, settings.CRLFile = "optional", w.path("clients.crt"), w.path("clients.crl")
	server := w.open(settings)
	address := w.serve(server, certs.ListenerOptions{})
	w.write("clients.crl", []byte("damaged"))
	if err := server.Reload(); err == nil || server.RefusesClients() {
		t.Fatal(err)
	}
	for _, row := range []struct {
		pair *tls.Certificate
		in   bool
	}{{nil, true}, {&laptop, true}, {&stolen, false}} {
		_, err := w.echo(address, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if row.pair == nil {
				return &tls.Certificate{}, nil
			}
			return row.pair, nil
		}})
		if (err == nil) != row.in {
			t.Errorf("%+v: %v", row, err)
		}
	}
}
