package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
)

const siteName = "gateway.example.com"

// certificate writes a self-signed pair for siteName.
func (p *person) certificate() (certificate, key string) {
	p.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{siteName}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		p.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		p.t.Fatal(err)
	}
	certificate, key = filepath.Join(p.home, "site.crt"), filepath.Join(p.home, "site.key")
	write(p.t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(p.t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return certificate, key
}

func program(t *testing.T, name string) string {
	t.Helper()
	for _, folder := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path := filepath.Join(folder, name); executableFile(path) {
			return path
		}
	}
	required(t, false, name+" is not installed")
	return ""
}

func executableFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// behindNginx is the gateway of a person behind a real nginx with the
// configuration that `integrate nginx` wrote. dial reaches the site, from a given
// address of this machine.
func behindNginx(t *testing.T) (p *person, u *upstream, dial func(from string) *http.Transport) {
	t.Helper()
	nginx := program(t, "nginx")
	p, u = newPerson(t), newUpstream(t)
	p.environ = append(p.environ, "KEY_OF_THE_PROVIDER="+providerKey, "TOKEN_OF_THE_GATEWAY="+rightToken)
	p.configure("  gateway_token: ${TOKEN_OF_THE_GATEWAY}\n  behind_proxy: true\n  trusted_proxies: [127.0.0.1]\n  allowed_hosts: [" + siteName + "]\nagents:\n  coder: {}\n" + u.providers())
	p.gateway()
	p.eventually("the token", func() bool { return p.overview().TokenSet })

	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	certificate, key := p.certificate()
	folder := filepath.Join(p.home, "nginx")
	said := p.openclaw("integrate", "nginx", "--listen", listen, "--cert", certificate, "--key", key, "--output", folder)
	if said.code != 0 || said.errors != "" {
		t.Fatalf("integrate nginx: %d %s", said.code, said.errors)
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("  %s_temp_path %s/%s;\n", kind, folder, kind)
	}
	config := filepath.Join(folder, "nginx.conf")
	write(t, config, fmt.Sprintf("daemon off; pid %[1]s/pid; error_log %[1]s/errors; worker_processes 1;\nevents {}\nhttp {\n  access_log off;\n%[2]s  include %[1]s/openclaw.conf;\n}\n", folder, temporary))
	if text, err := exec.CommandContext(t.Context(), nginx, "-t", "-c", config).CombinedOutput(); err != nil {
		t.Fatalf("nginx refuses the configuration: %v\n%s", err, text)
	}
	p.start(nil, nginx, "-c", config)
	dial = func(from string) *http.Transport {
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: siteName},
			DialContext:     (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext,
		}
		t.Cleanup(transport.CloseIdleConnections)
		return transport
	}
	site := "https://" + listen
	t.Setenv("SITE_UNDER_TEST", site)
	p.eventually("nginx", func() bool {
		response, err := (&http.Client{Transport: dial("127.0.0.1")}).Do(siteRequest(t, http.MethodGet, "/health", ""))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return p, u, dial
}

func siteRequest(t *testing.T, method, path, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, os.Getenv("SITE_UNDER_TEST")+path, strings.NewReader(`{"model":"m","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = siteName
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// Behind nginx, with the file that we write: health, a socket, a stream that is
// not held back, the client's own address, and nginx's limit.
func TestBehindNginx(t *testing.T) {
	p, u, dial := behindNginx(t)
	const client = "127.0.0.9"

	dialer := websocket.Dialer{HandshakeTimeout: time.Minute, TLSClientConfig: dial(client).TLSClientConfig, NetDialContext: dial(client).DialContext}
	conn, response, err := dialer.DialContext(t.Context(), "wss"+strings.TrimPrefix(os.Getenv("SITE_UNDER_TEST"), "https")+"/", http.Header{"Host": {siteName}})
	if err != nil {
		t.Fatal(err, response)
	}
	defer func() { _ = response.Body.Close() }()
	t.Cleanup(func() { _ = conn.Close() })
	s := &socket{conn, t}
	s.receive() // the challenge
	s.send(websocket.TextMessage, connectFrame(t, rightToken))
	if hello := s.receive(); hello.Response == nil || !hello.Response.OK {
		t.Fatalf("the right token is refused: %+v", hello.Response)
	}
	s.serves()
	var rows []event.Connection
	listed := p.openclaw("client", "list", "--json")
	if err := json.Unmarshal([]byte(listed.out), &rows); err != nil {
		t.Fatalf("client list: %v: %s", err, listed.errors)
	}
	found := false
	for _, row := range rows {
		found = found || strings.HasPrefix(row.From, client+" by 127.0.0.1:") && row.Auth == "token"
	}
	if !found {
		t.Errorf("no client is shown with its own address: %s", listed.out)
	}

	// The first event arrives while the provider holds the second one back.
	r := siteRequest(t, http.MethodPost, "/v1/messages?does=hang+later", rightToken)
	response, err = (&http.Client{Transport: dial(client), Timeout: time.Minute}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(response.Body).ReadString('\n')
	if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(first, "event: ping") {
		t.Errorf("the stream begins with %d %q, %v", response.StatusCode, first, err)
	}
	_ = response.Body.Close() // the client leaves, and the provider hears of it
	p.eventually("the end of the call to the provider", func() bool { return u.open.Load() == 0 })

	// Too many requests at once end at nginx. At once they are only where the machine has
	// the time for it.
	hasty := &http.Client{Transport: dial("127.0.0.10"), Timeout: time.Minute}
	p.eventually("nginx limits somebody", func() bool {
		var limited atomic.Int64
		var group sync.WaitGroup
		for range 40 {
			request := siteRequest(t, http.MethodPost, "/v1/messages", "")
			group.Go(func() {
				response, err := hasty.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode == http.StatusTooManyRequests {
					limited.Add(1)
				}
			})
		}
		group.Wait()
		return limited.Load() > 0
	})
	if u.keyless.Load() != 0 {
		t.Error("a call reached the provider without the key")
	}
}

// fail2ban reads every kind of refusal in the gateway's own log, in both of its
// formats, and is led to nobody else by what a client writes.
func TestFail2banReadsOurLog(t *testing.T) {
	t.Parallel()
	reader := program(t, "fail2ban-regex")
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			p.environ = append(p.environ, "TOKEN_OF_THE_GATEWAY="+rightToken)
			port := p.configure("  gateway_token: ${TOKEN_OF_THE_GATEWAY}\n  trusted_proxies: [127.0.0.1]\n  rate_limiting: {max_requests_per_minute: 3}\nlogging: {format: " + format + "}\n")
			p.gateway()
			p.eventually("the token", func() bool { return p.overview().TokenSet })
			forged := `x" ip=9.9.9.9 "ip":"9.9.9.9","`
			from := func(address string, change func(*http.Request)) func(*http.Request) {
				return func(r *http.Request) {
					r.Header.Set("X-Forwarded-For", "9.9.9.9, "+address)
					if change != nil {
						change(r)
					}
				}
			}
			p.post(port, "/v1/messages", "", from("192.0.2.1", nil))
			p.post(port, "/v1/messages", "wrong-token-wrong-token", from("192.0.2.2", nil))
			p.post(port, "/v1/messages", "", from("192.0.2.3", func(r *http.Request) { r.Host = "evil.example" }))
			p.post(port, "/v1/messages", "", from("192.0.2.4", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }))
			for range 5 {
				p.post(port, "/v1/messages", rightToken, from("2001:db8::5", nil))
			}
			p.post(port, "/v1/messages", "", from("192.0.2.6", func(r *http.Request) {
				r.URL.Path = "/v1/" + forged
				r.Header.Set("User-Agent", forged)
			}))
			p.post(port, "/v1/messages", rightToken, from("192.0.2.8", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
			p.post(port, "/p/anthropic/v1/%2e%2e/messages", rightToken, from("192.0.2.9", nil))
			p.post(port, "/v1/messages", auth.AgentPrefix+strings.Repeat("a", 43), from("192.0.2.10", nil))
			p.post(port, "/?token="+rightToken, "", from("192.0.2.11", func(r *http.Request) {
				r.Method = http.MethodGet
				r.Header.Set("Connection", "Upgrade")
				r.Header.Set("Upgrade", "websocket")
			}))
			if s, status, body := upgrade(t, port, http.Header{"X-Forwarded-For": {"192.0.2.7"}}); s == nil {
				t.Fatalf("no socket: %d %s", status, body)
			} else {
				s.send(websocket.TextMessage, []byte(strings.Replace(string(connectFrame(t, "wrong-token-wrong-token")), "gateway-client", "cli", 1)))
				_, _, _ = s.ends()
			}
			folder := filepath.Join(p.home, "fail2ban")
			if said := p.openclaw("integrate", "fail2ban", "--output", folder); said.code != 0 {
				t.Fatal(said.errors)
			}
			filter, log := filepath.Join(folder, "filter.d", "openclaw.conf"), filepath.Join(p.home, ".openclaw", "logs", "gateway.log")
			// What closed a socket is in the log a moment later.
			p.eventually("the last refusal in the log", func() bool { return strings.Contains(contents(t, log), "192.0.2.7") })
			found, err := exec.CommandContext(t.Context(), reader, "-o", "ip", log, filter).CombinedOutput()
			if err != nil {
				t.Fatalf("fail2ban-regex: %v\n%s", err, found)
			}
			for _, want := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::5", "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11"} {
				if !strings.Contains("\n"+string(found), "\n"+want+"\n") {
					t.Errorf("%s is not found in\n%s", want, found)
				}
			}
			if strings.Contains(string(found), "9.9.9.9") {
				t.Errorf("a client leads it to somebody else:\n%s", found)
			}
			jail, err := os.ReadFile(filepath.Join(folder, "jail.d", "openclaw.conf"))
			if err != nil || !strings.Contains(string(jail), "logpath = "+log) || !strings.Contains(string(jail), fmt.Sprintf("port = %d,443", port)) {
				t.Errorf("the jail: %v\n%s", err, jail)
			}
		})
	}
}

// What is printed for a firewall is what that firewall reads. Nothing is applied.
func TestFirewallRules(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	port := p.configure("")
	allow := []string{"--allow", "192.168.1.100", "--allow", "10.0.0.0/8", "--allow", "2001:db8::/32"}
	rules := p.openclaw(append([]string{"firewall", "print"}, allow...)...)
	says(t, rules.out,
		fmt.Sprintf("sudo iptables -A INPUT -i lo -p tcp --dport %d -j ACCEPT\nsudo iptables -A INPUT -s 192.168.1.100/32 -p tcp --dport %[1]d -j ACCEPT\nsudo iptables -A INPUT -s 10.0.0.0/8 -p tcp --dport %[1]d -j ACCEPT\nsudo iptables -A INPUT -p tcp --dport %[1]d -j DROP", port),
		fmt.Sprintf("sudo ip6tables -A INPUT -s 2001:db8::/32 -p tcp --dport %d -j ACCEPT", port))
	rules = p.openclaw(append([]string{"firewall", "print", "--firewalld"}, allow...)...)
	says(t, rules.out, fmt.Sprintf(`rule family="ipv4" source address="192.168.1.100/32" port port="%d" protocol="tcp" accept`, port), "firewall-cmd --reload")
	rules = p.openclaw(append([]string{"firewall", "print", "--nftables"}, allow...)...)
	file := filepath.Join(p.home, "rules.nft")
	write(t, file, rules.out)
	// In a network of its own, where an ordinary user may ask too.
	if text, err := exec.CommandContext(t.Context(), program(t, "unshare"), "-Urn", program(t, "nft"), "-c", "-f", file).CombinedOutput(); err != nil {
		t.Errorf("nft refuses it: %v\n%s\n%s", err, text, rules.out)
	}
	if said := p.openclaw("firewall", "print", "--allow", "nobody"); said.code != 2 {
		t.Errorf("%+v", said)
	}
}

// A file that is there and is another's stays.
func TestIntegrateOverwritesNothing(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("")
	folder := filepath.Join(p.home, "out")
	args := []string{"integrate", "nginx", "--server-name", siteName, "--output", folder}
	said := p.openclaw(args...)
	if said.code != 0 {
		t.Fatal(said.errors)
	}
	says(t, said.errors, "trusted_proxies: [127.0.0.1]", "allowed_hosts: ["+siteName+"]")
	if again := p.openclaw(args...); again.code != 0 {
		t.Errorf("the same file again: %s", again.errors)
	}
	file := filepath.Join(folder, "openclaw.conf")
	write(t, file, "mine\n")
	if said := p.openclaw(args...); said.code != 1 || !strings.Contains(said.errors, "--force") {
		t.Errorf("%+v", said)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine\n" {
		t.Errorf("%q %v", text, err)
	}
	for _, bad := range []string{"a b", "x;} evil {", "$host", `q"`, ""} {
		if said := p.openclaw("integrate", "nginx", "--server-name", bad); said.code != 2 {
			t.Errorf("%q: %+v", bad, said)
		}
	}
}
