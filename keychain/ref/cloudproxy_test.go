package ref

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
)

const awsHost = "secretsmanager.eu-central-1.amazonaws.com"

// awsOverTLS serves the stand-in under AWS's own name, with a certificate of an
// authority that only the returned file knows.
func awsOverTLS(t *testing.T, s *awsStandIn) (address, authorities string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"}, DNSNames: []string{awsHost}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	authorities = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.Listener.Addr().String(), authorities
}

// tunnel is a proxy as a company has one: it opens connections for who gives its
// password, all of them to one address here.
type tunnel struct {
	*httptest.Server
	to string

	mu   sync.Mutex // guards what follows
	seen []string   // all that it was told, in clear
}

func newTunnel(t *testing.T, to string) *tunnel {
	t.Helper()
	p := &tunnel{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := r.Method + " " + r.RequestURI
	for name, values := range r.Header {
		text += "\n" + name + ": " + strings.Join(values, ",")
	}
	p.mu.Lock()
	p.seen = append(p.seen, text)
	p.mu.Unlock()
	if r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("me:proxy-word")) {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	far, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = near.Close() }()
	_, _ = near.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	var group sync.WaitGroup
	group.Go(func() { _, _ = io.Copy(far, bufio.NewReader(buffered)); _ = far.Close() })
	_, _ = io.Copy(near, far)
	_ = near.Close()
	group.Wait()
}

// TestCloudsByProxy: a proxy is used, learns the host and nothing else, and its
// password is in no error; a certificate of nobody's authority ends it.
func TestCloudsByProxy(t *testing.T) {
	t.Parallel()
	s := newAWS(t)
	address, authorities := awsOverTLS(t, s)
	proxy := newTunnel(t, address)
	by := func(word string) string { return "http://me:" + word + "@" + proxy.Listener.Addr().String() }
	base := with(s.variables(), "AWS_ENDPOINT_URL", "", "HTTPS_PROXY", by("proxy-word"), "AWS_CA_BUNDLE", authorities)
	value, _, err := New(Options{LookupEnv: environment(base), Patience: time.Minute}).Resolve(t.Context(), "aws-secrets://prod/app")
	if err != nil || string(value.Reveal()) != "newest" {
		t.Fatalf("%q %v", value.Reveal(), err)
	}
	proxy.mu.Lock()
	if len(proxy.seen) != 1 || !strings.HasPrefix(proxy.seen[0], "CONNECT "+awsHost+":443\n") || strings.Contains(proxy.seen[0], "AKIDEXAMPLE") {
		t.Errorf("the proxy was told %q", proxy.seen)
	}
	proxy.mu.Unlock()
	before := s.count("prod/app")
	for name, variables := range map[string]map[string]string{
		"authority not known":     with(base, "AWS_CA_BUNDLE", ""),
		"wrong password":          with(base, "HTTPS_PROXY", by("other-proxy-word")),
		"nobody there":            with(base, "HTTPS_PROXY", "http://me:proxy-word@127.0.0.1:1"),
		"proxy that is none":      with(base, "HTTPS_PROXY", "http://me:proxy-word@127.0.0.1:x"),
		"certificate of another":  with(base, "AWS_REGION", "eu-west-1"),
		"no proxy, and no server": with(base, "HTTPS_PROXY", "", "AWS_ENDPOINT_URL", "https://127.0.0.1:1"),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := New(Options{LookupEnv: environment(variables), Patience: time.Minute}).Resolve(t.Context(), "aws-secrets://prod/app")
			wantKind(t, err, keychain.KindNoService)
			wantNoSecret(t, name, err)
		})
	}
	if s.count("prod/app") != before {
		t.Error("somebody got through")
	}
}

// TestNothingBesidesTheMachineInClear: which addresses may be spoken to without TLS.
func TestNothingBesidesTheMachineInClear(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]bool{
		"127.0.0.1": {true, true}, "localhost": {true, true}, "::1": {true, true}, "127.8.8.8": {true, true}, "169.254.169.254": {false, true}, "169.254.170.2": {false, true}, "fd00:ec2::254": {false, true},
		"fe80::1": {false, true}, "10.0.0.1": {false, false}, "192.168.1.1": {false, false}, "fd00::1": {false, false}, "8.8.8.8": {false, false}, "localhost.evil.example.com": {false, false},
		"127.0.0.1.evil.example.com": {false, false}, "metadata.google.internal": {false, false}, "": {false, false}, "0.0.0.0": {false, false}, "::ffff:8.8.8.8": {false, false}, "2130706433": {false, false},
	} {
		if loopback(host) != want[0] || nearby(host) != want[1] {
			t.Errorf("%q: %v %v", host, loopback(host), nearby(host))
		}
	}
	for _, text := range []string{"ftp://127.0.0.1/", "file:///etc/passwd", "http://10.0.0.1/", "http:///x"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, text, nil)
		if err != nil {
			continue
		}
		response, err := (guard{http.DefaultTransport, nearby}).RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("%s was let out", text)
		}
	}
}
