package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// laptop is a person on another machine: a home of their own, the gateway's address,
// its token, and a certificate that it issued.
func laptop(t *testing.T, server *person, port int, token string) *person {
	t.Helper()
	other := newPerson(t)
	certs := filepath.Join(other.home, ".openclaw", "certs")
	if err := os.MkdirAll(certs, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := server.openclaw("cert", "issue", "client", "laptop"); r.code != 0 {
		t.Fatal(r)
	}
	for _, file := range []string{"ca.crt", "clients/laptop.crt", "clients/laptop.key"} {
		text, err := os.ReadFile(filepath.Join(server.home, ".openclaw", "certs", file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(certs, filepath.Base(file)), string(text))
	}
	write(t, other.configFile(), fmt.Sprintf("client:\n  gateway_url: wss://localhost:%d\n  tls:\n    ca_file: %[2]s/ca.crt\n    cert_file: %[2]s/laptop.crt\n    key_file: %[2]s/laptop.key\n", port, certs))
	other.environ = append(other.environ, "OPENCLAW_GATEWAY_TOKEN="+token)
	return other
}

// answers presses n and then key until an ask of target is gone from those that wait:
// keys sleep a moment after it is in sight.
func (s *screen) answers(key, target, done string) {
	s.p.t.Helper()
	s.keys("n")
	s.shows("[3 Denials", target)
	done = "✓ " + done + " coder → open ~" + target
	for end := time.Now().Add(patience); time.Now().Before(end); {
		s.keys(key)
		for wait := time.Now().Add(900 * time.Millisecond); time.Now().Before(wait); time.Sleep(30 * time.Millisecond) {
			if strings.Contains(s.text(), done) {
				return
			}
		}
	}
	s.p.t.Fatalf("%s never said %q; it shows:\n%s", key, done, s.text())
}

// The screen of a gateway on another machine, over TLS with a client certificate:
// it shows what runs there and answers what is held, and when the gateway is killed
// and started anew it says so, comes back by itself, keeps what was asked and
// answers what is held next.
func TestTheScreenOfAGatewayElsewhere(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	port := freePort(t)
	const token = "the-servers-own-token-0123456789"
	write(t, filepath.Join(p.home, "token"), token)
	root := filepath.Join(p.home, ".openclaw")
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\n  gateway_token: file://%s/token\n  tls:\n    enabled: true\n    client_auth: required\n    ca_file: %s/certs/ca.crt\nagents:\n  coder:\n    permissions: {ask: [path.read]}\n", port, p.home, root))
	for _, args := range [][]string{{"cert", "ca"}, {"cert", "issue", "server", "localhost", "127.0.0.1"}} {
		if r := p.openclaw(args...); r.code != 0 {
			t.Fatal(args, r)
		}
	}
	for _, name := range []string{"one", "two", "three", "four"} {
		write(t, filepath.Join(p.home, "projects", name), "this is "+name+"\n")
	}
	g := p.gateway()
	c := p.cage("coder")
	s := laptop(t, p, port, token).open("elsewhere", 120, 36, "tui")
	s.shows("running", "agents 1/1")
	s.keys("2")
	s.shows("[2 Connections]", "laptop")
	s.keys("8") // nothing that belongs to the other machine is offered
	s.shows("[8 Config]")

	c.tell("cat ~/projects/one")
	s.shows("1 ask waits", "projects/one")
	s.answers("a", "/projects/one", "allowed once")
	if said := c.do(":"); said != "this is one" {
		t.Errorf("allowed, and the program read %q", said)
	}

	// A request that is held while the gateway is killed is denied, and not forgotten.
	s.lacks("ask waits")
	c.tell("cat ~/projects/two")
	p.waits("open", filepath.Join(p.home, "projects", "two"))
	s.shows("1 ask waits", "projects/two")
	g.kill()
	s.shows("gateway lost", "projects/two")
	if said := c.do(":"); !strings.Contains(said, "Permission denied") {
		t.Errorf("without a gateway the program read %q", said)
	}
	p.gateway()
	s.shows("● running", "projects/two")
	s.lacks("ask waits")

	// The gateway has the run back a moment before the cage knows it: what is asked
	// in between is denied.
	p.eventually("the cage asks the new gateway", func() bool {
		c.tell("cat ~/projects/four &")
		c.do("sleep 0.3")
		return len(p.asks()) == 1
	})
	s.shows("1 ask waits")
	s.answers("a", "/projects/four", "allowed once")
	if said := c.do("wait"); !strings.Contains(said, "this is four") {
		t.Errorf("the new gateway allowed, and the program read %q", said)
	}
	s.lacks("ask waits")
	c.tell("cat ~/projects/three")
	s.shows("1 ask waits", "projects/three")
	s.answers("d", "/projects/three", "denied")
	if said := c.do(":"); !strings.Contains(said, "Permission denied") {
		t.Errorf("denied, and the program read %q", said)
	}
	s.keys("q")
	s.shows("leave the gateway running")
	s.keys("l")
	p.eventually("the screen is left", func() bool { return !s.open() })
	if p.gatewayPID() == 0 {
		t.Error("the gateway went with the screen")
	}
}
