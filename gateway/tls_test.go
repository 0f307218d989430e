package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// secured is a gateway that speaks TLS, and the authority of both sides.
type secured struct {
	*house
	ca    *authority.Authority
	roots *x509.CertPool
	port  int
}

func newAuthority(t *testing.T, layout configs.Layout) (*authority.Authority, *x509.CertPool) {
	t.Helper()
	ca, own, err := authority.New("test authority", authority.DefaultBounds(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(layout.Certs(), "ca.crt"), own.Certificate)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	return ca, roots
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := authority.Write(path, data, 0o600, true); err != nil {
		t.Fatal(err)
	}
}

func issueServer(t *testing.T, ca *authority.Authority, layout configs.Layout, hosts ...string) {
	t.Helper()
	pair, err := ca.Server(hosts)
	if err != nil {
		t.Fatal(err)
	}
	if err := authority.WritePair(filepath.Join(layout.Certs(), "gateway.crt"), filepath.Join(layout.Certs(), "gateway.key"), pair, true); err != nil {
		t.Fatal(err)
	}
}

func tlsLines(clientAuth string, layout configs.Layout, more string) string {
	return "  tls:\n    enabled: true\n    client_auth: " + clientAuth + "\n    ca_file: " + filepath.Join(layout.Certs(), "ca.crt") + "\n" + more
}

func startTLS(t *testing.T, clientAuth, more string, change func(*Deps)) *secured {
	t.Helper()
	layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
	s := &secured{port: freePort(t)}
	s.ca, s.roots = newAuthority(t, layout)
	issueServer(t, s.ca, layout, "localhost", "127.0.0.1", "box.internal")
	s.house = build(t, layout, s.port, tlsLines(clientAuth, layout, "")+more, func(d *Deps) {
		d.CertificateLook = 20 * time.Millisecond
		if change != nil {
			change(d)
		}
	}).run()
	return s
}

func (s *secured) clientOf(ca *authority.Authority, name string) (*tls.Config, *x509.Certificate) {
	s.t.Helper()
	pair, err := ca.Client(name)
	if err != nil {
		s.t.Fatal(err)
	}
	both, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	return &tls.Config{RootCAs: s.roots, Certificates: []tls.Certificate{both}}, both.Leaf
}

func (s *secured) socket(config *tls.Config, token string) (*client.Client, error) {
	return s.dial(client.Options{URL: "wss://" + s.Address().String(), TLS: config, Token: keychain.NewSecret([]byte(token)), Name: "cli", Version: "test"})
}

// get asks over TLS with exactly this Host.
func (s *secured) get(config *tls.Config, host, path string, header map[string]string) (int, string, error) {
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+s.Address().String()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = host
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func TestTheProtocolOverTLS(t *testing.T) {
	s := startTLS(t, "none", "", nil)
	config := &tls.Config{RootCAs: s.roots}
	c, err := s.socket(config, s.token)
	if err != nil {
		t.Fatal(err)
	}
	var o event.Overview
	if err := c.Call(t.Context(), "openclaw.overview", nil, &o); err != nil {
		t.Fatal(err)
	}
	if o.TLS == nil || o.TLS.Subject != "localhost" || o.TLS.State != certs.StateGood || o.TLS.MinVersion != "1.3" || o.TLS.Days < 390 || o.AgentsEndpoint == "" {
		t.Fatalf("%+v %q", o.TLS, o.AgentsEndpoint)
	}
	if _, err := s.socket(config, "wrong"); err == nil {
		t.Fatal("a wrong token opens it")
	}
	if _, err := s.socket(&tls.Config{RootCAs: x509.NewCertPool()}, s.token); err == nil {
		t.Fatal("the client took a certificate of nobody it knows")
	}
	if _, err := s.dial(client.Options{URL: "ws://" + s.Address().String(), Token: keychain.NewSecret([]byte(s.token))}); err == nil || !strings.Contains(err.Error(), "wss://") {
		t.Fatal("a client without TLS is not told:", err)
	}
	status, body, err := s.get(config, "127.0.0.1:"+fmt.Sprint(s.port), "/v1/models", map[string]string{"X-Api-Key": s.token})
	if err != nil || status != 200 || body != "caller=" {
		t.Fatal(status, body, err)
	}
}

// The names of the certificate are the gateway's own; a rebound name is not among
// them.
func TestHostsOverTLS(t *testing.T) {
	s := startTLS(t, "none", "", nil)
	config := &tls.Config{RootCAs: s.roots}
	port := fmt.Sprint(":", s.port)
	for host, want := range map[string]int{
		"127.0.0.1" + port: 200, "localhost" + port: 200, "box.internal" + port: 200, "box.internal": 421, "evil.example" + port: 421, "x.box.internal" + port: 421,
	} {
		if status, _, err := s.get(config, host, "/health", nil); err != nil || status != want {
			t.Errorf("%s: %d, want %d (%v)", host, status, want, err)
		}
	}
	for origin, want := range map[string]int{"https://localhost" + port: 200, "http://localhost" + port: 403, "https://box.internal" + port: 403, "null": 403} {
		if status, _, err := s.get(config, "localhost"+port, "/health", map[string]string{"Origin": origin}); err != nil || status != want {
			t.Errorf("Origin %s: %d, want %d (%v)", origin, status, want, err)
		}
	}
}

func TestAClientCertificateIsNamedAndTakesNoTokensPlace(t *testing.T) {
	s := startTLS(t, "required", "", nil)
	laptop, leaf := s.clientOf(s.ca, "laptop")
	if _, err := s.socket(&tls.Config{RootCAs: s.roots}, s.token); err == nil {
		t.Fatal("the token alone suffices")
	}
	until(t, "the refusal is on record", func() bool {
		return slices.ContainsFunc(s.audited("authentication"), func(e AuditEntry) bool {
			return e.Result == "denied" && strings.Contains(e.Reason, "showed no certificate") && e.IP == "127.0.0.1"
		})
	})
	if _, err := s.socket(laptop, ""); err == nil {
		t.Fatal("the certificate alone suffices")
	}
	if _, err := s.socket(laptop, s.token); err != nil {
		t.Fatal(err)
	}
	until(t, "the socket is shown with its certificate", func() bool {
		return slices.ContainsFunc(s.registry.Connections(), func(c event.Connection) bool {
			return c.State == "open" && c.Certificate == "laptop" && c.Auth == "token, certificate"
		})
	})
	if !slices.ContainsFunc(s.audited("authentication"), func(e AuditEntry) bool {
		return e.Result == "success" && e.Details["method"] == "certificate" && e.Details["certificate"] == "laptop" && e.Details["serial"] == leaf.SerialNumber.Text(16)
	}) {
		t.Fatalf("%+v", s.audited("authentication"))
	}
}

// A certificate that is revoked cuts what it opened: sockets, streams, and
// connections that are kept alive.
func TestARevokedCertificateCutsWhatItOpened(t *testing.T) {
	began := make(chan struct{}, 1)
	s := startTLS(t, "required", "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/stream" {
				return
			}
			fmt.Fprintln(w, "data: first")
			_ = http.NewResponseController(w).Flush()
			began <- struct{}{}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
	})
	stolen, leaf := s.clientOf(s.ca, "stolen")
	good, _ := s.clientOf(s.ca, "laptop")
	cut, err := s.socket(stolen, s.token)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.socket(good, s.token)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: stolen}
	defer transport.CloseIdleConnections()
	ask := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Address().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", s.token)
		return transport.RoundTrip(r)
	}
	idle, err := ask("/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, idle.Body)
	idle.Body.Close()
	apart := &http.Transport{TLSClientConfig: stolen}
	defer apart.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Address().String()+"/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", s.token)
	stream, err := apart.RoundTrip(r) //nolint:bodyclose // it is closed below
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	<-began

	list, err := s.ca.Revoke(nil, leaf)
	if err != nil {
		t.Fatal(err)
	}
	crl := filepath.Join(s.layout.Certs(), "ca.crl")
	writeFile(t, crl, list)
	s.writeConfig(tlsLines("required", s.layout, "    crl_file: "+crl+"\n"), agentsConfig)
	select {
	case <-cut.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the socket stays open")
	}
	ended := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, stream.Body); ended <- err }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the stream that was cut looks like one that ended")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the stream goes on")
	}
	if answer, err := ask("/v1/models"); err == nil {
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(string(text), "was revoked on") {
			t.Fatal(answer.Status, string(text))
		}
	} else {
		t.Fatal("the kept-alive connection gives no reason:", err)
	}
	if err := kept.Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("another client suffers:", err)
	}
	if _, err := s.socket(stolen, s.token); err == nil {
		t.Fatal("let in again")
	}
	until(t, "the reason is on record", func() bool {
		return slices.ContainsFunc(s.audited("authentication"), func(e AuditEntry) bool {
			return e.Action == "TLS handshake" && strings.Contains(e.Reason, "the certificate of stolen") && strings.Contains(e.Reason, "was revoked on")
		})
	})

	// A list that is no list says nothing of who was revoked: nobody stays in.
	writeFile(t, crl, []byte("<html>404 Not Found</html>"))
	select {
	case <-kept.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("a socket stays open without a list that holds")
	}
	if _, err := s.socket(good, s.token); err == nil {
		t.Fatal("let in without a list that holds")
	}
	if err := s.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the owner is locked out, too:", err)
	}
	writeFile(t, crl, list)
	until(t, "the list is mended", func() bool { _, err := s.socket(good, s.token); return err == nil })
}

// What is in a cage speaks plain HTTP, with an agent's token and nothing else, to
// an endpoint that outlives the gateway's restart.
func TestAgentsReachAGatewayThatSpeaksTLS(t *testing.T) {
	s := startTLS(t, "required", "", nil)
	endpoint := s.AgentsAddress()
	if endpoint == s.Address() || !endpoint.Addr().Is4() || !endpoint.Addr().IsLoopback() {
		t.Fatal(endpoint)
	}
	started := s.startRun(t, "coder")
	if started.Gateway != endpoint.String() || !slices.Contains(started.Env, "ANTHROPIC_BASE_URL=http://"+endpoint.String()) {
		t.Fatalf("%+v", started)
	}
	ask := func(path, key, host string, header ...string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+endpoint.String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("X-Api-Key", key)
		}
		if host != "" {
			r.Host = host
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	if status, text := ask("/v1/models", started.Token, ""); status != 200 || text != "caller=coder" {
		t.Fatal(status, text)
	}
	for name, row := range map[string]struct {
		path, key, host string
		header          []string
		want            int
	}{
		"the gateway's token": {path: "/v1/models", key: s.token, want: 401}, "no token": {path: "/v1/models", want: 401}, "health": {path: "/health", want: 200},
		"a rebound name": {path: "/health", host: "evil.example", want: 421}, "a page": {path: "/health", header: []string{"Origin", "http://" + endpoint.String()}, want: 403},
		"a page's fetch": {path: "/health", header: []string{"Sec-Fetch-Site", "same-site"}, want: 403}, "an escaped climb": {path: "/v1/%2e%2e/x", key: started.Token, want: 400},
		"the protocol":  {path: "/", key: started.Token, header: []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "SaaLXzTs9b4XoSQb0B2yHg=="}, want: 200},
		"another place": {path: "/admin", key: started.Token, want: 403}, "a climb": {path: "/v1/../x", key: started.Token, want: 400},
	} {
		if status, text := ask(row.path, row.key, row.host, row.header...); status != row.want {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	before := s.guard.Total()
	if status, _ := ask("/v1/models", "a-guess", ""); status != 401 || s.guard.Total() != before+1 {
		t.Errorf("a guess is not slowed: %d, %d wrong tokens and %d before it", status, s.guard.Total(), before)
	}
	// require_auth: false does not open it.
	s.writeConfig("  require_auth: false\n"+tlsLines("required", s.layout, ""), "\nagents: {}\n")
	if status, _ := ask("/v1/models", "", ""); status != 401 {
		t.Error("open without authentication:", status)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := build(t, s.layout, s.port, tlsLines("none", s.layout, ""), nil).run()
	if again.AgentsAddress() != endpoint {
		t.Errorf("the cages that live on know %s, and now it is %s", endpoint, again.AgentsAddress())
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	// Where the port is taken meanwhile, another serves.
	taken, err := net.Listen("tcp", endpoint.String())
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	third := build(t, s.layout, s.port, tlsLines("none", s.layout, ""), nil).run()
	if third.AgentsAddress() == endpoint || !third.AgentsAddress().IsValid() {
		t.Fatal(third.AgentsAddress())
	}
}

// Without TLS on 127.0.0.1 agents go to the listener itself, as ever.
func TestAgentsUseThePlainListenerWhereThereIsOne(t *testing.T) {
	h := start(t, "")
	if h.AgentsAddress() != h.Address() {
		t.Fatal(h.AgentsAddress())
	}
}

func TestCertificatesAreReloadedAndToldOf(t *testing.T) {
	s := startTLS(t, "none", "", func(d *Deps) { d.CertificateLook = time.Hour }) // only when asked
	notices := s.bus.Subscribe(100, event.KindNotice)
	defer notices.Close()
	config := &tls.Config{RootCAs: s.roots}
	open, err := s.socket(config, s.token)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		conn, err := tls.Dial("tcp", s.Address().String(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
	}
	before := shown()
	issueServer(t, s.ca, s.layout, "127.0.0.1", "localhost")
	if shown() != before {
		t.Fatal("it was read without being asked")
	}
	if err := s.ReloadCertificates(); err != nil {
		t.Fatal(err)
	}
	second := shown()
	if second == before {
		t.Fatal("the old certificate is shown")
	}
	if err := os.WriteFile(filepath.Join(s.layout.Certs(), "gateway.crt"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	failure, is := errors.AsType[*Error](s.ReloadCertificates())
	if !is || failure.Hint == "" || shown() != second {
		t.Fatal(failure)
	}
	for {
		e := <-notices.C()
		if strings.Contains(e.Notice.Text, "do not load") {
			break
		}
	}
	var o event.Overview
	if err := open.Call(t.Context(), "openclaw.overview", nil, &o); err != nil || o.TLS.Problem == "" {
		t.Fatal(err, o.TLS)
	}
	if err := s.local().Call(t.Context(), "openclaw.config.reload", nil, nil); err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
		t.Fatal("'gateway reload' hides it:", err)
	}
	entries := s.audited("config_change")
	if len(entries) < 2 || entries[0].Result != "success" || entries[len(entries)-1].Result != "failure" {
		t.Fatalf("%+v", entries)
	}
	// A config that asks for files that do not load is refused whole.
	text, _ := os.ReadFile(s.layout.Config())
	changed := strings.Replace(string(text), "client_auth: none", "client_auth: optional", 1)
	if err := os.WriteFile(s.layout.Config(), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Reload("test"); err == nil {
		t.Fatal("a config whose certificate does not load is in force")
	}
}

func TestACertificateThatEndsSoonIsTold(t *testing.T) {
	var ahead time.Duration
	layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
	ca, _ := newAuthority(t, layout)
	issueServer(t, ca, layout, "localhost")
	ahead = authority.CertificateLife - 5*24*time.Hour
	h := build(t, layout, freePort(t), tlsLines("none", layout, ""), func(d *Deps) { d.Now = func() time.Time { return time.Now().Add(ahead) } })
	notices := h.bus.Subscribe(100, event.KindNotice)
	defer notices.Close()
	h.run()
	e := <-notices.C()
	if e.Notice.Level != "error" || !strings.Contains(e.Notice.Text, "the gateway certificate of localhost ends on") || !strings.Contains(e.Notice.Text, "in 4 days") {
		t.Fatalf("%+v", e.Notice)
	}
}

// A listener that others can reach serves them by the names of its certificate
// and by nothing else.
func TestAHostThatIsNotLoopback(t *testing.T) {
	address := otherAddress(t)
	layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
	ca, roots := newAuthority(t, layout)
	issueServer(t, ca, layout, "box.internal", "localhost")
	port := freePort(t)
	h := build(t, layout, port, tlsLines("none", layout, ""), func(d *Deps) {
		text := fmt.Sprintf("gateway:\n  host: %s\n  port: %d\n%s%s", address, port, tlsLines("none", layout, ""), agentsConfig)
		if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.Config.Reload("test"); err != nil {
			t.Fatal(err)
		}
	}).run()
	s := &secured{house: h, ca: ca, roots: roots, port: port}
	config := &tls.Config{RootCAs: roots, ServerName: "box.internal"}
	for host, want := range map[string]int{fmt.Sprint("box.internal:", port): 200, fmt.Sprint(address, ":", port): 200, fmt.Sprint("evil.example:", port): 421} {
		if status, _, err := s.get(config, host, "/health", nil); err != nil || status != want {
			t.Errorf("%s: %d, want %d (%v)", host, status, want, err)
		}
	}
	// An agent's token that comes from elsewhere got out of its cage.
	started := h.startRun(t, "coder")
	if status, _, err := s.get(config, fmt.Sprint("box.internal:", port), "/v1/models", map[string]string{"X-Api-Key": started.Token}); err != nil || status != 401 {
		t.Errorf("an agent's token from elsewhere: %d %v", status, err)
	}
	if status, _, err := s.get(config, fmt.Sprint("box.internal:", port), "/v1/models", map[string]string{"X-Api-Key": h.token}); err != nil || status != 200 {
		t.Errorf("the gateway's token: %d %v", status, err)
	}
	if !h.AgentsAddress().Addr().IsLoopback() {
		t.Error("agents would have to leave the machine:", h.AgentsAddress())
	}
}

// otherAddress is one of this machine's that is not loopback.
func otherAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if network, is := one.(*net.IPNet); is && !network.IP.IsLoopback() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required here: an address that is not loopback")
	}
	t.Skip("this machine has no address that is not loopback")
	return ""
}

func (h *house) startRun(t *testing.T, agent string) wire.RunStarted {
	t.Helper()
	return startRun(t, h.local(), agent)
}
