package egress

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"openclaw/sandbox/policy"
)

// A narrower policy ends look-ups too, of names that were answered before.
func TestSetPolicyEndsLookups(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "kept.example", "gone.example")}, server)
	before := c.ask("gone.example.", dnsmessage.TypeA)
	if len(before.Answers) != 1 {
		t.Fatal(before)
	}
	c.SetPolicy(allowing(t, "kept.example"))
	if got := c.ask("gone.example.", dnsmessage.TypeA); got.RCode != dnsmessage.RCodeNameError || len(got.Answers) != 0 {
		t.Errorf("gone: %v", got)
	}
	if got := c.ask("kept.example.", dnsmessage.TypeA); len(got.Answers) != 1 {
		t.Errorf("kept: %v", got)
	}
	// The answer that a program has kept leads nowhere either.
	octets := before.Answers[0].Body.(*dnsmessage.AResource).A
	wantReset(t, c.dial(net.JoinHostPort(net.IP(octets[:]).String(), "7000")))
	c.wantRefusal("gone.example:7000", "allowed_domains")
	no := false
	c.SetPolicy(compiled(t, policy.Network{AllowOutbound: &no}))
	if got := c.ask("kept.example.", dnsmessage.TypeA); got.RCode != dnsmessage.RCodeNameError {
		t.Errorf("without outbound: %v", got)
	}
}

// encryptedHello is a ClientHello with an encrypted one inside: outside it asks
// for outer, inside for inner (RFC 9849).
func encryptedHello(t *testing.T, outer, inner string) []byte {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := key.PublicKey().Bytes()
	contents := append([]byte{1, 0, 0x20, 0, byte(len(public))}, public...)            // id, X25519, its key
	contents = append(contents, 0, 4, 0, 1, 0, 1, 32, byte(len(outer)))                // one suite, longest name, name
	contents = append(append(contents, outer...), 0, 0)                                // no extensions
	config := binary.BigEndian.AppendUint16([]byte{0xfe, 0x0d}, uint16(len(contents))) // version
	config = append(config, contents...)
	list := append(binary.BigEndian.AppendUint16(nil, uint16(len(config))), config...)
	near, far := net.Pipe()
	failed := make(chan error, 1)
	go func() {
		failed <- tls.Client(near, &tls.Config{ServerName: inner, MinVersion: tls.VersionTLS13, EncryptedClientHelloConfigList: list}).Handshake()
		_ = near.Close()
	}()
	buffer := make([]byte, 8192)
	n, err := far.Read(buffer)
	_ = far.Close()
	if err != nil {
		t.Fatal(err, <-failed)
	}
	return buffer[:n]
}

// Of an encrypted ClientHello the outer name counts: it must be the name that
// was looked up. What is inside is out of sight.
func TestEncryptedHello(t *testing.T) {
	for outer, refused := range map[string]bool{"good.example": false, "cover.example": true} {
		hello := encryptedHello(t, outer, "inner.example")
		if strings.Contains(string(hello), "inner.example") {
			t.Fatal("the inner name is not encrypted")
		}
		server, received := echo(t)
		c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
		conn := c.dialName("good.example.", "443")
		if _, err := conn.Write(hello); err != nil {
			t.Fatal(err)
		}
		if refused {
			wantReset(t, conn)
			c.wantRefusal("good.example:443", "TLS server name cover.example")
			if received() != 0 {
				t.Error("a byte went out")
			}
			continue
		}
		if _, err := io.ReadFull(conn, make([]byte, len(hello))); err != nil {
			t.Error(err)
		}
	}
}

// A ClientHello in many records and many segments is read whole before a byte
// goes out.
func TestFragmentedHello(t *testing.T) {
	for _, row := range []struct {
		name    string
		refused bool
	}{{"good.example", false}, {"evil.example", true}} {
		server, received := echo(t)
		c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
		conn := c.dialName("good.example.", "443")
		if err := conn.SetNoDelay(true); err != nil {
			t.Fatal(err)
		}
		data := inRecords(clientHello(t, row.name), 7)
		for i := range data {
			if i == len(data)/2 && received() != 0 {
				t.Error("half a hello went out")
			}
			if _, err := conn.Write(data[i : i+1]); err != nil {
				break // reset already
			}
		}
		if row.refused {
			wantReset(t, conn)
			c.wantRefusal("good.example:443", "TLS server name evil.example")
			continue
		}
		if _, err := io.ReadFull(conn, make([]byte, len(data))); err != nil {
			t.Error(err)
		}
	}
}

// Somebody who sends the start of a conversation byte by byte is cut in the
// time that a whole one has.
func TestSlowStart(t *testing.T) {
	server, received := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
	c.openingTimeout = 2 * time.Second
	for _, before := range []string{"", good} {
		conn := c.dialName("good.example.", "80")
		if _, err := conn.Write([]byte(before)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len(before))); err != nil {
			t.Fatal(err)
		}
		was := received()
		for range 1000 {
			if _, err := conn.Write([]byte("G")); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if received() != was {
			t.Error("half a request went out")
		}
		c.wantRefusal("good.example:80", "does not end")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) != 2 {
		t.Errorf("refusals %+v", c.refusals)
	}
}

// A server that resets is a reset for the program, and no refusal.
func TestServerResets(t *testing.T) {
	listener := listen(t)
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			reset(conn)
		}
	}()
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, listener.Addr().String())
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	wantReset(t, conn)
	c.until("the end", func() bool {
		last := c.connections[len(c.connections)-1]
		return !last.Closed.IsZero() && strings.Contains(last.Error, "reset")
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) != 0 {
		t.Errorf("refusals %+v", c.refusals)
	}
}

// A program that never reads stops its server, fills no memory, and is cut at
// once when the policy wants it.
func TestProgramNeverReads(t *testing.T) {
	listener := listen(t)
	defer func() { _ = listener.Close() }()
	var sent atomic.Int64
	stopped := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			stopped <- err
			return
		}
		block := make([]byte, 64<<10)
		for {
			n, err := conn.Write(block)
			sent.Add(int64(n))
			if err != nil {
				stopped <- err
				return
			}
		}
	}()
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, listener.Addr().String())
	conn := c.dialName("good.example.", "7000")
	// The kernel's buffers of both connections and a pipe fill up, and no more.
	for last, same := int64(-1), 0; same < 10; time.Sleep(20 * time.Millisecond) {
		now := sent.Load()
		if now > 256<<20 {
			t.Fatal("256 MB were taken that nobody reads")
		}
		if same++; now != last {
			last, same = now, 0
		}
	}
	c.SetPolicy(allowing(t))
	select {
	case err := <-stopped:
		if err == nil || errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the server was not cut")
	}
	_ = conn
}

// Many programs that connect and say nothing leave room for one that
// speaks, and all of them end with the policy.
func TestHalfOpenConnections(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example", "kept.example")}, server)
	var silent []*net.TCPConn
	for range 200 {
		silent = append(silent, c.dialName("good.example.", "443"))
	}
	talking := c.dialName("kept.example.", "7000")
	if _, err := talking.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	if _, err := talking.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	c.SetPolicy(allowing(t, "kept.example"))
	for _, conn := range silent {
		wantReset(t, conn)
	}
}
