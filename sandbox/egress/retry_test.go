package egress

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// serverHello is the start of one, with a random of its own or the one that asks
// for another ClientHello.
func serverHello(retry bool) []byte {
	random := bytes.Repeat([]byte{7}, 32)
	if retry {
		random = retryRandom()
	}
	body := append([]byte{3, 3}, random...)
	body = append(body, 0, 0x13, 0x01, 0)
	out := append([]byte{recordHandshake, 3, 3, 0, byte(handshakeHeader + len(body)), handshakeServer, 0, 0, byte(len(body))}, body...)
	return out
}

// answering is a server that takes a first message of size bytes, answers it, and tells
// what came after it.
func answering(t *testing.T, size int, say []byte) (address string, rest <-chan string) {
	t.Helper()
	listener := listen(t)
	t.Cleanup(func() { _ = listener.Close() })
	got := make(chan string, 1)
	go func() {
		defer close(got)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.ReadFull(conn, make([]byte, size)); err != nil {
			return
		}
		for _, part := range [][]byte{say[:7], say[7:]} { // in two segments
			if _, err := conn.Write(part); err != nil {
				return
			}
		}
		all, _ := io.ReadAll(conn)
		got <- string(all)
	}()
	return listener.Addr().String(), got
}

// A server that asks for a second ClientHello takes the name of that, so it is read
// like the first: whenever it comes, and whatever stands before it.
func TestSecondHello(t *testing.T) {
	const (
		change  = "\x14\x03\x03\x00\x01\x01"
		warning = "\x15\x03\x03\x00\x02\x01\x5a"
		early   = "\x17\x03\x03\x00\x05hello"
		other   = "second TLS server name evil.example is not good.example"
	)
	good, evil := string(clientHello(t, "good.example")), string(clientHello(t, "evil.example"))
	finished := "\x16\x03\x03\x00\x28\x01" + strings.Repeat("\xff", 39)
	for name, row := range map[string]struct {
		retry   bool
		next    string
		passes  int    // bytes of next that go out all the same
		refused string // part of the rule
	}{
		"the same name":             {true, change + good, len(change + good), ""},
		"another":                   {true, evil, 0, other},
		"another behind a change":   {true, change + evil, len(change), other},
		"another behind a warning":  {true, warning + change + evil, len(warning + change), other},
		"another behind early data": {true, early + early + evil, len(early + early), other},
		"another in small records":  {true, change + string(inRecords([]byte(evil), 3)), len(change), other},
		"another message behind it": {true, "\x16\x03\x03\x00\x06\x01\x00\x00\x01ab", 0, "another message behind it"},
		"no hello":                  {true, "\x16\x03\x03\x00\x04\x02\x00\x00\x00", 0, "cannot be read"},
		"no record":                 {true, "hello", 0, "no TLS"},
		"no second one asked for":   {false, change + finished, len(change + finished), ""},
	} {
		for _, waits := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "", false: ", at once"}[waits], func(t *testing.T) {
				t.Parallel()
				said := serverHello(row.retry)
				server, rest := answering(t, len(good), said)
				c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
				conn := c.dialName("good.example.", "443")
				first, next := good, row.next
				if !waits {
					first, next = good+row.next, ""
				}
				if _, err := conn.Write([]byte(first)); err != nil {
					t.Fatal(err)
				}
				if got := make([]byte, len(said)); waits {
					if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, said) {
						t.Fatalf("the server's answer came as %x, %v", got, err)
					}
				}
				_, _ = conn.Write([]byte(next)) // it may be reset already
				if row.refused != "" {
					c.wantRefusal("good.example:443", row.refused)
				}
				_ = conn.CloseWrite()
				// A reset may overtake what was let out before it.
				got, want := <-rest, row.next[:row.passes]
				if got != want && (row.refused == "" || !strings.HasPrefix(want, got)) {
					t.Errorf("%q went out, want %q", got, want)
				}
			})
		}
	}
}

// A whole conversation in which the server asks for a second ClientHello.
func TestRetriedHandshake(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"good.example"}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		listener := listen(t)
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server := tls.Server(conn, &tls.Config{
				Certificates:     []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
				CurvePreferences: []tls.CurveID{tls.CurveP384}, MaxVersion: version,
			})
			_, _ = io.Copy(server, server)
			_ = server.Close()
		}()
		c := newCage(t, Options{Policy: allowing(t, "good.example")}, listener.Addr().String())
		client := tls.Client(net.Conn(c.dialName("good.example.", "443")), &tls.Config{
			ServerName: "good.example", InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP384},
		})
		if err := client.Handshake(); err != nil {
			t.Fatalf("version %x: %v", version, err)
		}
		if asked := client.ConnectionState().HelloRetryRequest; asked != (version == tls.VersionTLS13) {
			t.Errorf("version %x: a second ClientHello asked for: %v", version, asked)
		}
		if _, err := client.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(client, got); err != nil || string(got) != "hello" {
			t.Errorf("version %x: got %q, %v", version, got, err)
		}
	}
}
