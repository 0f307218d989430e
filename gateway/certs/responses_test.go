package certs_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
)

// responder answers for an authority.
type responder struct {
	t           *testing.T
	authority   *x509.Certificate
	certificate *x509.Certificate // own; the authority's: it answers itself
	key         crypto.Signer
}

func newResponder(t *testing.T, of authority.Pair) *responder {
	t.Helper()
	pair := keyPair(t, of)
	return &responder{t: t, authority: pair.Leaf, certificate: pair.Leaf, key: asSigner(t, pair.PrivateKey)}
}

// delegate is a responder that the authority has given a certificate of its own.
func (r *responder) delegate(usage []x509.ExtKeyUsage, from, until time.Time, ownKey bool) *responder {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	by, parent := r.key, r.authority
	if ownKey { // it calls itself signed by the authority
		by, parent = key, &x509.Certificate{Subject: r.authority.Subject, RawSubject: r.authority.RawSubject}
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "responder"}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage,
	}, parent, key.Public(), by)
	if err != nil {
		r.t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		r.t.Fatal(err)
	}
	return &responder{t: r.t, authority: r.authority, certificate: certificate, key: key}
}

func (r *responder) answer(about *x509.Certificate, status int, from, until time.Time) []byte {
	r.t.Helper()
	template := ocsp.Response{Status: status, SerialNumber: about.SerialNumber, ThisUpdate: from, NextUpdate: until, IssuerHash: crypto.SHA1}
	if status == ocsp.Revoked {
		template.RevokedAt = from
	}
	if !r.certificate.Equal(r.authority) {
		template.Certificate = r.certificate
	}
	der, err := ocsp.CreateResponse(r.authority, r.certificate, template, r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	return der
}

// With ocsp_file a client's certificate needs the word of its authority, or of
// whom the authority has given that right, and no other.
func TestClientCertificatesByOCSP(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	own := newResponder(t, w.own)
	shown, other := w.client(w.ca, "laptop"), w.client(w.ca, "desk")
	leaf := shown.Leaf
	_, strangerPair, err := authority.New("test authority", authority.DefaultBounds(), time.Now) // of the same name
	if err != nil {
		t.Fatal(err)
	}
	stranger := newResponder(t, strangerPair)
	signing := []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	asPEM := func(ders ...[]byte) (text []byte) {
		for _, der := range ders {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "OCSP RESPONSE", Bytes: der})...)
		}
		return text
	}
	good := own.answer(leaf, ocsp.Good, hour(-1), hour(1))
	otherGood := own.answer(other.Leaf, ocsp.Good, hour(-1), hour(1))
	revokedLong := own.answer(leaf, ocsp.Revoked, hour(-48), hour(-24))
	clean, err := w.at(now).Revoke(nil, other.Leaf) // the list knows nothing of leaf
	if err != nil {
		t.Fatal(err)
	}
	stale, err := w.at(now.Add(-2*authority.ListLife)).Revoke(nil, other.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	w.write("clean.crl", clean)
	w.write("stale.crl", stale)
	for _, row := range []struct {
		name, list string
		file       []byte
		want       string // part of the reason; empty: let in
	}{
		{"good", "", good, ""},
		{"good, in PEM behind another", "", asPEM(otherGood, good), ""},
		{"good, in DER behind another", "", append(append([]byte{}, otherGood...), good...), ""},
		{"by a responder with the right", "", own.delegate(signing, hour(-1), hour(1), false).answer(leaf, ocsp.Good, hour(-1), hour(1)), ""},
		{"list has run out, response good", "stale.crl", good, ""},
		{"list in date, no response", "clean.crl", otherGood, ""},
		{"revoked", "", own.answer(leaf, ocsp.Revoked, hour(-1), hour(1)), "the certificate of laptop (serial "},
		{"revoked in a response that has run out", "", append(append([]byte{}, good...), revokedLong...), "was revoked on"},
		{"revoked, though the list does not know", "clean.crl", own.answer(leaf, ocsp.Revoked, hour(-1), hour(1)), "was revoked on"},
		{"unknown to the responder", "", own.answer(leaf, ocsp.Unknown, hour(-1), hour(1)), "holds no response of"},
		{"has run out", "", own.answer(leaf, ocsp.Good, hour(-2), hour(-1)), "does not hold now"},
		{"of tomorrow", "", own.answer(leaf, ocsp.Good, hour(24), hour(48)), "does not hold now"},
		{"about another", "", otherGood, "holds no response of"},
		{"by an authority of the same name", "", stranger.answer(leaf, ocsp.Good, hour(-1), hour(1)), "holds no response of"},
		{"by a client's own certificate", "", own.delegate([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, hour(-1), hour(1), false).answer(leaf, ocsp.Good, hour(-1), hour(1)), "holds no response of"},
		{"by a responder that nobody signed", "", own.delegate(signing, hour(-1), hour(1), true).answer(leaf, ocsp.Good, hour(-1), hour(1)), "holds no response of"},
		{"by a responder whose time is over", "", own.delegate(signing, hour(-3), hour(-1), false).answer(leaf, ocsp.Good, hour(-2), hour(1)), "holds no response of"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.write("clients.ocsp", row.file)
			settings := w.settings()
			settings.ClientAuth, settings.CAFile, settings.OCSPFile = "required", w.path("ca.crt"), w.path("clients.ocsp")
			if row.list != "" {
				settings.CRLFile = w.path(row.list)
			}
			w.mu.Lock()
			w.failures = nil
			w.mu.Unlock()
			address := w.serve(w.open(settings), certs.ListenerOptions{})
			_, err := w.echo(address, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }})
			if (err == nil) != (row.want == "") {
				t.Fatal(err, w.failure())
			}
			if row.want == "" {
				return
			}
			until(t, "the refusal is told", func() bool { return w.failure() != "" })
			if !strings.Contains(w.failure(), row.want) {
				t.Fatal(w.failure())
			}
		})
	}
}

// A response that changes reaches who is inside already, and a file that does not
// load lets nobody in.
func TestResponsesChangeUnderAConnection(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	own := newResponder(t, w.own)
	shown := w.client(w.ca, "laptop")
	good := own.answer(shown.Leaf, ocsp.Good, now.Add(-time.Hour), now.Add(time.Hour))
	w.write("clients.ocsp", good)
	settings := w.settings()
	settings.ClientAuth, settings.CAFile, settings.OCSPFile = "required", w.path("ca.crt"), w.path("clients.ocsp")
	clock := now
	server, err := certs.New(settings, certs.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	inside := server.PeerOf(tls.ConnectionState{PeerCertificates: []*x509.Certificate{shown.Leaf}})
	if err := inside.Still(); err != nil {
		t.Fatal(err)
	}
	clock = now.Add(2 * time.Hour)
	if err := inside.Still(); err == nil || !strings.Contains(err.Error(), "does not hold now") {
		t.Error("still inside by a response that has run out:", err)
	}
	clock = now
	w.write("clients.ocsp", own.answer(shown.Leaf, ocsp.Revoked, now.Add(-time.Hour), now.Add(time.Hour)))
	server.Look()
	if err := inside.Still(); err == nil || !strings.Contains(err.Error(), "was revoked") {
		t.Error("still inside though revoked:", err)
	}
	w.write("clients.ocsp", []byte("<html>404</html>"))
	server.Look()
	server.Look()
	if !server.RefusesClients() || !strings.Contains(server.Problem().Error(), "read OCSP responses") {
		t.Error("a page of the web is a file of responses:", server.Problem())
	}
	w.write("clients.ocsp", good)
	server.Look()
	if err := inside.Still(); err != nil || server.RefusesClients() {
		t.Error("mended, and still refused:", err)
	}
}

// The response about the gateway's own certificate goes along with it while it
// holds, and a gateway whose certificate was revoked does not start.
func TestOwnResponseIsSentAlong(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	own := newResponder(t, w.own)
	pair, err := tls.LoadX509KeyPair(w.path("gateway.crt"), w.path("gateway.key"))
	if err != nil {
		t.Fatal(err)
	}
	settings := w.settings()
	settings.CAFile, settings.OCSPFile = w.path("ca.crt"), w.path("own.ocsp")
	for _, row := range []struct {
		name        string
		status      int
		from, until time.Duration
		sent        bool
	}{{"good", ocsp.Good, -time.Hour, time.Hour, true}, {"has run out", ocsp.Good, -2 * time.Hour, -time.Hour, false}, {"unknown", ocsp.Unknown, -time.Hour, time.Hour, false}} {
		der := own.answer(pair.Leaf, row.status, now.Add(row.from), now.Add(row.until))
		w.write("own.ocsp", der)
		state, err := w.echo(w.serve(w.open(settings), certs.ListenerOptions{}), &tls.Config{})
		if err != nil {
			t.Fatal(row.name, err)
		}
		if got := string(state.OCSPResponse) == string(der); got != row.sent || (!row.sent && len(state.OCSPResponse) > 0) {
			t.Errorf("%s: sent: %t", row.name, got)
		}
	}
	w.write("own.ocsp", own.answer(pair.Leaf, ocsp.Revoked, now.Add(-time.Hour), now.Add(time.Hour)))
	if err := certs.Check(settings, nil); err == nil || !strings.Contains(err.Error(), "was revoked on") {
		t.Error("served with a certificate that was revoked:", err)
	}
}

// Our own clients obey what a gateway sends with its certificate.
func TestClientsObeyTheResponseThatIsSentAlong(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	own := newResponder(t, w.own)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(serial int64, more ...pkix.Extension) tls.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, ExtraExtensions: more,
		}, own.authority, key.Public(), own.key)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	}
	plain := issue(1001)
	demanding := issue(1002, pkix.Extension{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}) // RFC 7633
	answer := func(about tls.Certificate, status int, from, until time.Duration) []byte {
		return own.answer(about.Leaf, status, now.Add(from), now.Add(until))
	}
	for _, row := range []struct {
		name        string
		certificate tls.Certificate
		staple      []byte
		want        string
	}{
		{"none", plain, nil, ""},
		{"good", plain, answer(plain, ocsp.Good, -time.Hour, time.Hour), ""},
		{"of nobody", plain, []byte("not a response"), ""},
		{"revoked", plain, answer(plain, ocsp.Revoked, -time.Hour, time.Hour), "was revoked on"},
		{"asked for, none", demanding, nil, "must come with an OCSP response"},
		{"asked for, has run out", demanding, answer(demanding, ocsp.Good, -2*time.Hour, -time.Minute), "must come with an OCSP response"},
		{"asked for, of another", demanding, answer(plain, ocsp.Good, -time.Hour, time.Hour), "must come with an OCSP response"},
		{"asked for, good", demanding, answer(demanding, ocsp.Good, -time.Hour, time.Hour), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.certificate.OCSPStaple = row.staple
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{row.certificate}, MinVersion: tls.VersionTLS13})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_ = conn.(*tls.Conn).HandshakeContext(t.Context())
				_, _ = conn.Read(make([]byte, 1))
			}()
			config, err := certs.ClientConfig(configs.ClientTLS{CAFile: w.path("ca.crt")}, false)
			if err != nil {
				t.Fatal(err)
			}
			config.ServerName = "localhost"
			conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", l.Addr().String())
			if err == nil {
				conn.Close()
			}
			if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
				t.Fatal(err)
			}
		})
	}
}

// The responses that openssl's responder gives, for a file that openssl writes.
func TestResponsesThatOpensslMakes(t *testing.T) {
	ca := newOpensslCA(t)
	w := newWorld(t)
	w.write("clients.crt", ca.read("ca.crt"))
	laptop, stolen := ca.client("laptop"), ca.client("stolen")
	ca.openssl("ca", "-config", "ca.cnf", "-revoke", "stolen.crt")
	var file []byte
	for _, name := range []string{"laptop", "stolen"} {
		ca.openssl("ocsp", "-issuer", "ca.crt", "-cert", name+".crt", "-reqout", name+".req")
		ca.openssl("ocsp", "-index", "index.txt", "-rsigner", "ca.crt", "-rkey", "ca.key", "-CA", "ca.crt", "-ndays", "2", "-reqin", name+".req", "-respout", name+".der")
		file = append(file, ca.read(name+".der")...)
	}
	w.write("clients.ocsp", file)
	settings := w.settings()
	settings.ClientAuth, settings.CAFile, settings.OCSPFile = "required", w.path("clients.crt"), w.path("clients.ocsp")
	server := w.open(settings)
	address := w.serve(server, certs.ListenerOptions{})
	for _, row := range []struct {
		pair tls.Certificate
		in   bool
	}{{laptop, true}, {stolen, false}} {
		_, err := w.echo(address, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &row.pair, nil }})
		if (err == nil) != row.in {
			t.Errorf("%s: %v: %s", row.pair.Leaf.Subject, err, w.failure())
		}
	}
	ends := 0
	for _, one := range server.Expiries() {
		if one.What == "OCSP response" && one.State == certs.StateGood {
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("%d ends of responses are told: %+v", ends, server.Expiries())
	}
	if err := os.Chmod(w.path("clients.ocsp"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := certs.Check(settings, nil); err == nil || !strings.Contains(err.Error(), "its mode is 0666") {
		t.Error("responses that everybody may write are believed:", err)
	}
}
