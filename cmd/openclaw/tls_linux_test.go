package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/wire"
)

// An agent in its cage calls its model through a gateway that speaks TLS and wants
// client certificates, as ever over plain HTTP from inside; also after the gateway
// was killed and started anew.
func TestACagedAgentReachesAGatewayThatSpeaksTLS(t *testing.T) {
	t.Parallel()
	p, u, _ := mortal(t)
	port := freePort(t)
	certs := filepath.Join(p.home, ".openclaw", "certs")
	write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\n  tls:\n    enabled: true\n    client_auth: required\n    ca_file: %s/ca.crt\nagents:\n  coder: {}\n%s",
		port, certs, u.providers()))
	for _, args := range [][]string{{"cert", "ca"}, {"cert", "issue", "server", "localhost", "127.0.0.1"}} {
		if r := p.openclaw(args...); r.code != 0 {
			t.Fatal(args, r)
		}
	}
	g := p.gateway()
	c := p.cage("coder")
	call := func() string { return c.do(modelCall("", "") + `; echo " curl $?"`) }
	if said := call(); !strings.Contains(said, `"id":"msg_1"`) || !strings.Contains(said, "curl 0") {
		t.Fatal(said)
	}
	// The cage reaches the endpoint and no other port of the machine, the TLS port
	// included.
	if said := c.do(fmt.Sprintf(`curl -sSk -m 5 https://127.0.0.1:%d/health; echo " curl $?"`, port)); strings.Contains(said, "curl 0") {
		t.Fatal("the TLS port answers in the cage:", said)
	}
	g.kill()
	p.gateway()
	p.eventually("a call through the next gateway", func() bool { return strings.Contains(call(), `"id":"msg_1"`) })
}

// SIGHUP reads certificate and key again, changed or not, and what it finds is on
// record.
func TestSIGHUPReadsTheCertificates(t *testing.T) {
	t.Parallel()
	p, _, _ := mortal(t)
	port := freePort(t)
	write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\n  tls:\n    enabled: true\n", port))
	for _, args := range [][]string{{"cert", "ca"}, {"cert", "issue", "server", "localhost", "127.0.0.1"}} {
		if r := p.openclaw(args...); r.code != 0 {
			t.Fatal(args, r)
		}
	}
	g := p.gateway()
	own := filepath.Join(p.home, ".openclaw", "certs", "gateway.crt")
	records := func(result string) (count int) {
		var found wire.AuditSearchResult
		p.ask(wire.MethodAuditSearch, wire.AuditSearchParams{Event: "config_change"}, &found)
		for _, entry := range found.Entries {
			var row struct{ Action, Result string }
			if json.Unmarshal(entry, &row) == nil && row.Action == "certificates" && row.Result == result {
				count++
			}
		}
		return count
	}
	hangup := func() {
		if err := syscall.Kill(g.pid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if records("success") != 0 {
		t.Fatal("they were read before")
	}
	hangup()
	p.eventually("the files are read", func() bool { return records("success") == 1 })
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	hangup()
	p.eventually("the broken file is on record", func() bool { return records("failure") >= 1 })
	ca, err := os.ReadFile(filepath.Join(p.home, ".openclaw", "certs", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal("the old certificate is not in use:", err)
	}
	_ = conn.Close()
}
