package certs_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
)

// Each client gets the version and the suite that the config allows, or nothing.
func TestVersionsAndSuites(t *testing.T) {
	w := newWorld(t)
	const (
		gcm128, gcm256, chacha = "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
		old128, old256         = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	)
	type ask struct {
		name string
		low  uint16
		high uint16
		old  []uint16 // suites of 1.2 that the client offers
		want string   // suite; empty: refused
	}
	only := func(suite uint16) []uint16 { return []uint16{suite} }
	for _, row := range []struct {
		name, lowest string
		list         []string
		asks         []ask
	}{
		{"1.3 only", "1.3", nil, []ask{
			{"1.3", tls.VersionTLS13, tls.VersionTLS13, nil, "any"}, {"1.2", tls.VersionTLS12, tls.VersionTLS12, nil, ""},
			{"1.0 and 1.1", tls.VersionTLS10, tls.VersionTLS11, nil, ""},
		}},
		{"from 1.2", "1.2", nil, []ask{
			{"both", tls.VersionTLS12, tls.VersionTLS13, nil, "any"}, {"1.2", tls.VersionTLS12, tls.VersionTLS12, nil, "any"},
			{"1.1", tls.VersionTLS10, tls.VersionTLS11, nil, ""},
			{"CBC only", tls.VersionTLS12, tls.VersionTLS12, only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA), ""},
		}},
		{"one suite of 1.2", "1.2", []string{old256}, []ask{
			{"all", tls.VersionTLS12, tls.VersionTLS13, nil, old256}, {"the other", tls.VersionTLS12, tls.VersionTLS12, only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), ""},
			{"1.3 only", tls.VersionTLS13, tls.VersionTLS13, nil, ""},
		}},
		{"both versions", "1.2", []string{gcm128, gcm256, chacha, old128}, []ask{
			{"1.3", tls.VersionTLS13, tls.VersionTLS13, nil, "any"}, {"1.2", tls.VersionTLS12, tls.VersionTLS12, nil, old128},
		}},
		{"list of 1.3 with 1.2 allowed", "1.2", []string{gcm128, gcm256, chacha}, []ask{
			{"1.3", tls.VersionTLS12, tls.VersionTLS13, nil, "any"}, {"1.2", tls.VersionTLS12, tls.VersionTLS12, nil, ""},
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			settings := w.settings()
			settings.MinTLSVersion, settings.CipherSuites = row.lowest, row.list
			address := w.serve(w.open(settings), certs.ListenerOptions{})
			for _, ask := range row.asks {
				state, err := w.echo(address, &tls.Config{MinVersion: ask.low, MaxVersion: ask.high, CipherSuites: ask.old})
				got := tls.CipherSuiteName(state.CipherSuite)
				switch {
				case ask.want == "" && err == nil:
					t.Errorf("%s: served with %s", ask.name, got)
				case ask.want != "" && err != nil:
					t.Errorf("%s: %v", ask.name, err)
				case ask.want != "" && ask.want != "any" && got != ask.want:
					t.Errorf("%s: %s", ask.name, got)
				case err == nil && row.list != nil && !slices.Contains(row.list, got):
					t.Errorf("%s: %s is not in the list", ask.name, got)
				}
				if err == nil && state.DidResume {
					t.Error("a session was resumed")
				}
			}
		})
	}
}

// Go chooses the suites of TLS 1.3 by itself: a list that it cannot keep to is an
// error that says so.
func TestAListOfTLS13ThatGoCannotKeepIsAnError(t *testing.T) {
	w := newWorld(t)
	for _, list := range [][]string{{"TLS_AES_256_GCM_SHA384"}, {"TLS_RSA_WITH_RC4_128_SHA"}, {"TLS_NONSENSE"}, {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, {}} {
		settings := w.settings()
		settings.CipherSuites = list
		if err := certs.Check(settings, nil); err == nil {
			t.Errorf("%v is taken", list)
		}
	}
}

// Whatever list the config's own check takes, the gateway takes too.
func TestTheConfigAndTheListenerAgreeOnLists(t *testing.T) {
	w := newWorld(t)
	first := w.settings()
	if first.CipherSuites = []string{"TLS_AES_128_GCM_SHA256"}; certs.Check(first, nil) != nil {
		missing(t, "without AES hardware the listener asks for more than the config's check can know")
	}
	var all []string
	for _, suite := range tls.CipherSuites() {
		all = append(all, suite.Name)
	}
	for bits := range 1 << 3 {
		for _, lowest := range []string{"1.2", "1.3"} {
			list := []string{}
			for i, name := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"} {
				if bits>>i&1 == 1 {
					list = append(list, name)
				}
			}
			settings := w.settings()
			settings.CipherSuites, settings.MinTLSVersion = list, lowest
			text := "gateway:\n  tls:\n    enabled: true\n    min_tls_version: \"" + lowest + "\"\n    cipher_suites: [" + strings.Join(list, ", ") + "]\n"
			_, said := configs.Parse("config.yaml", []byte(text), configs.Options{NoFiles: true, Getenv: func(string) string { return "" }})
			if did := certs.Check(settings, nil); (said == nil) != (did == nil) {
				t.Errorf("%s %v: the config says %v, the listener %v", lowest, list, said, did)
			}
		}
	}
	if err := certs.Check(func() configs.TLS { s := w.settings(); s.CipherSuites = all; return s }(), nil); err != nil {
		t.Error("all of Go's suites:", err)
	}
}

// handHello sends a TLS 1.3 hello with exactly these suites and returns the type of
// the record that comes back: 22 is a handshake, 21 an alert.
func handHello(t *testing.T, address net.Addr, suites ...uint16) byte {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}).HandshakeContext(t.Context())
		client.Close()
	}()
	header := make([]byte, 5)
	if _, err := io.ReadFull(server, header); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(header[3])<<8|int(header[4]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	server.Close()
	// handshake header 4, version 2, random 32, session id 1+n, then the suites.
	at := 4 + 2 + 32
	at += 1 + int(body[at])
	length := int(body[at])<<8 | int(body[at+1])
	rest := body[at+2+length:]
	list := []byte{}
	for _, suite := range suites {
		list = append(list, byte(suite>>8), byte(suite))
	}
	hello := slices.Concat(body[4:at], []byte{byte(len(list) >> 8), byte(len(list))}, list, rest)
	hello = slices.Concat([]byte{1, 0, byte(len(hello) >> 8), byte(len(hello))}, hello)
	conn, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(slices.Concat([]byte{22, 3, 1, byte(len(hello) >> 8), byte(len(hello))}, hello)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, header[:1]); err != nil {
		t.Fatal(err)
	}
	return header[0]
}

// No connection uses a suite of TLS 1.3 that is not listed, also where Go would
// choose it.
func TestASuiteOfTLS13ThatIsNotListedIsNeverUsed(t *testing.T) {
	w := newWorld(t)
	settings := w.settings()
	settings.CipherSuites = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}
	if err := certs.Check(settings, nil); err != nil {
		missing(t, "without AES hardware this list is refused: "+err.Error())
	}
	address := w.serve(w.open(settings), certs.ListenerOptions{})
	const handshake, alert = 22, 21
	for _, row := range []struct {
		offered []uint16
		want    byte
	}{
		{[]uint16{tls.TLS_AES_128_GCM_SHA256}, handshake}, {[]uint16{tls.TLS_AES_256_GCM_SHA384}, handshake},
		{[]uint16{tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}, handshake},
		{[]uint16{tls.TLS_CHACHA20_POLY1305_SHA256}, alert}, {[]uint16{tls.TLS_CHACHA20_POLY1305_SHA256, tls.TLS_AES_128_GCM_SHA256}, alert},
	} {
		if got := handHello(t, address, row.offered...); got != row.want {
			t.Errorf("offered %x: record %d, want %d", row.offered, got, row.want)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	w := newWorld(t)
	foreign, _, err := authority.New("somebody else", authority.DefaultBounds(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := w.ca.Client("stolen")
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.ca.Revoke(nil, parse(t, revoked.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	w.write("ca.crl", list)
	stale, err := w.at(time.Now().Add(-2*authority.ListLife)).Revoke(nil, parse(t, revoked.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	w.write("stale.crl", stale)
	good := w.client(w.ca, "laptop")
	old := w.client(w.at(time.Now().Add(-2*authority.CertificateLife)), "old-laptop")
	for _, row := range []struct {
		name, auth, crl string
		shown           *tls.Certificate
		want            string // part of the reason; empty: let in
	}{
		{"none, none asked", "none", "", nil, ""},
		{"one, none asked", "none", "", &good, ""},
		{"none, optional", "optional", "", nil, ""},
		{"none, required", "required", "", nil, "showed no certificate"},
		{"good, optional", "optional", "", &good, ""},
		{"good, required", "required", "", &good, ""},
		{"good, required, with a list", "required", "ca.crl", &good, ""},
		{"expired", "required", "", &old, "old-laptop (serial "},
		{"expired, optional", "optional", "", &old, "not now"},
		{"of another authority", "required", "", new(w.client(foreign, "laptop")), "not signed by an authority of ca_file"},
		{"for servers", "required", "", new(keyPair(t, w.server())), "not for client authentication"},
		{"revoked", "required", "ca.crl", new(keyPair(t, revoked)), "the certificate of stolen (serial "},
		{"revoked, optional", "optional", "ca.crl", new(keyPair(t, revoked)), "was revoked on"},
		{"list has run out", "required", "stale.crl", &good, "has run out on"},
	} {
		t.Run(row.name, func(t *testing.T) {
			settings := w.settings()
			settings.ClientAuth, settings.CAFile = row.auth, w.path("ca.crt")
			if row.crl != "" {
				settings.CRLFile = w.path(row.crl)
			}
			w.mu.Lock()
			w.failures, w.byClient = nil, 0
			w.mu.Unlock()
			address := w.serve(w.open(settings), certs.ListenerOptions{})
			config := &tls.Config{}
			if row.shown != nil {
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return row.shown, nil }
			}
			_, err := w.echo(address, config)
			if (err == nil) != (row.want == "") {
				t.Fatal(err)
			}
			if row.want == "" {
				return
			}
			until(t, "the refusal is told", func() bool { return w.failure() != "" })
			if !strings.Contains(w.failure(), row.want) || w.byClient != 1 {
				t.Fatalf("%q, %d by the client's certificate", w.failure(), w.byClient)
			}
		})
	}
}

// Without ca_file the system's authorities must not become those of clients.
func TestOptionalWithoutAnAuthorityAsksForNothing(t *testing.T) {
	w := newWorld(t)
	settings := w.settings()
	settings.ClientAuth = "optional"
	address := w.serve(w.open(settings), certs.ListenerOptions{})
	asked := false
	if _, err := w.echo(address, &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}}); err != nil || asked {
		t.Fatal(err, asked)
	}
	settings.ClientAuth = "required"
	if err := certs.Check(settings, nil); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Fatal(err)
	}
}

// A list of part of the certificates, or of a stranger, is not taken for the
// whole one of the authority.
func TestRevocationListsThatAreNotWholeAreRefused(t *testing.T) {
	w := newWorld(t)
	settings := w.settings()
	settings.ClientAuth, settings.CAFile, settings.CRLFile = "required", w.path("ca.crt"), w.path("ca.crl")
	signer := keyPair(t, w.own).PrivateKey
	issue := func(change func(*x509.RevocationList)) []byte {
		list := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
		change(list)
		der, err := x509.CreateRevocationList(rand.Reader, list, w.ca.Certificate, asSigner(t, signer))
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	inPEM := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}) }
	whole := issue(func(*x509.RevocationList) {})
	forged := slices.Clone(whole)
	forged[len(forged)-1] ^= 1
	for name, row := range map[string]struct {
		data []byte
		want string
	}{
		"PEM": {inPEM(whole), ""}, "DER": {whole, ""}, "empty": {nil, "holds no revocation list"}, "text": {[]byte("hello"), ""},
		"delta": {inPEM(issue(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
		})), "not a full one"},
		"forged": {inPEM(forged), "not signed by it"},
	} {
		w.write("ca.crl", row.data)
		err := certs.Check(settings, nil)
		switch {
		case name == "text" && err == nil:
			t.Error("text is taken for a list")
		case name != "text" && row.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
	// A list of another authority says nothing of ours: fail closed.
	foreign, _, err := authority.New("somebody else", authority.DefaultBounds(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := foreign.Client("x")
	if err != nil {
		t.Fatal(err)
	}
	other, err := foreign.Revoke(nil, parse(t, theirs.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	w.write("ca.crl", other)
	address := w.serve(w.open(settings), certs.ListenerOptions{})
	good := w.client(w.ca, "laptop")
	if _, err := w.echo(address, &tls.Config{Certificates: []tls.Certificate{good}}); err == nil {
		t.Fatal("let in without a list of its authority")
	}
	until(t, "the refusal is told", func() bool { return strings.Contains(w.failure(), "holds no revocation list of test authority") })
}

// A thousand sockets that never finish a handshake, and some that send garbage,
// hold little, end in time, and keep nobody out.
func TestUnfinishedHandshakesAreBounded(t *testing.T) {
	w := newWorld(t)
	address := w.serve(w.open(w.settings()), certs.ListenerOptions{Timeout: 2 * time.Second, Unfinished: 200})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			conn.Close()
		}
	}()
	starts := [][]byte{nil, {22}, {22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb}, []byte("\x00\x00garbage that is not TLS at all"), {0x80, 0x2e, 1, 0, 2}}
	for i := range 1000 {
		conn, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
		_, _ = conn.Write(starts[i%len(starts)])
		if i%100 == 50 {
			if _, err := w.echo(address, &tls.Config{}); err != nil {
				t.Fatalf("after %d: %v", i, err)
			}
		}
	}
	if n := runtime.NumGoroutine() - goroutines; n > 2*200+50 {
		t.Errorf("%d goroutines", n)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 32<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	// All of them are closed by the other side within the time of a handshake.
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
			t.Fatal("a socket is still open")
		}
	}
	until(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
}

func isTimeout(err error) bool {
	timeout, is := errors.AsType[net.Error](err)
	return is && timeout.Timeout()
}

// Who speaks plain HTTP to the port is told what to write.
func TestPlainHTTPIsToldThatThisIsTLS(t *testing.T) {
	w := newWorld(t)
	address := w.serve(w.open(w.settings()), certs.ListenerOptions{})
	for _, method := range []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		conn, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, method+" /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(method, err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "wss://") {
			t.Fatal(method, answer.Status, string(body), err)
		}
		conn.Close()
	}
}
