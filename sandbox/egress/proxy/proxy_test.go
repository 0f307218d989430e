package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

const token = "0123456789abcdef0123456789abcdef"

// world is a proxy on the loopback, an internet of two servers, and what was
// told.
type world struct {
	t       *testing.T
	proxy   *Proxy
	address netip.AddrPort
	dialled []string

	mu      sync.Mutex
	refused []egress.Refusal
	open    []egress.Connection
}

// start serves a policy. Every public address is answered by plain on port 80
// and by secure on port 443.
func start(t *testing.T, own string, options ...func(*egress.Options)) *world {
	t.Helper()
	w := &world{t: t}
	plain := httptest.NewServer(http.HandlerFunc(echo))
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	o := egress.Options{
		Policy: compile(t, own),
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "inside.test":
				return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
			case "gone.test":
				return nil, &net.DNSError{Err: "no such host", Name: host}
			}
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		},
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			w.mu.Lock()
			w.dialled = append(w.dialled, address)
			w.mu.Unlock()
			to := plain.Listener.Addr().String()
			if strings.HasSuffix(address, ":443") {
				to = secure.Listener.Addr().String()
			}
			var d net.Dialer
			return d.DialContext(ctx, "tcp", to)
		},
		HostAddresses: func() ([]netip.Addr, error) { return nil, nil },
		Refused: func(r egress.Refusal) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused = append(w.refused, r)
		},
		Connected: func(c egress.Connection) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.open = append(w.open, c)
		},
	}
	for _, change := range options {
		change(&o)
	}
	p, err := New(Options{Egress: o, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	w.proxy = p
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = netip.MustParseAddrPort(listener.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %q auth=%q hop=%q", r.Method, r.Host, r.URL, body, r.Header.Get("Proxy-Authorization"), r.Header.Get("X-Hop"))
}

func compile(t *testing.T, own string) *policy.Policy {
	t.Helper()
	var domains, allowed []string
	yes := true
	perms := policy.Permissions{Network: &policy.Network{AllowOutbound: &yes}}
	for word := range strings.FieldsSeq(own) {
		switch kind, value, _ := strings.Cut(word, "="); kind {
		case "ask":
			perms.Ask = []policy.Class{policy.ClassNet}
		case "ip":
			allowed = append(allowed, value)
		default:
			domains = append(domains, word)
		}
	}
	perms.Network.AllowedDomains, perms.Network.AllowedIPs = domains, allowed
	p, problems := policy.Compile(policy.Input{Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", Own: perms})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

func (w *world) client() *http.Client {
	w.t.Helper()
	at, err := url.Parse("http://openclaw:" + token + "@" + w.address.String())
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{
		Proxy:           http.ProxyURL(at),
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func (w *world) get(at string) (int, string) {
	w.t.Helper()
	response, err := w.client().Get(at)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// raw sends bytes and returns what comes back until the end.
func (w *world) raw(text string) string {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.address.String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		w.t.Fatal(err)
	}
	got, _ := io.ReadAll(conn)
	return string(got)
}

func authorized() string {
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("openclaw:"+token)) + "\r\n"
}

func (w *world) denials() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, r := range w.refused {
		list = append(list, r.Operation+" "+r.Target+": "+r.Rule)
	}
	return list
}

func TestAllowedNamesAreReached(t *testing.T) {
	w := start(t, "good.test *.wide.test")
	for at, want := range map[string]string{
		"http://good.test/a%2Fb?q=1":  `GET good.test /a%2Fb?q=1 "" auth="" hop=""`,
		"https://good.test/":          `GET good.test / "" auth="" hop=""`,
		"https://deep.er.wide.test/x": `GET deep.er.wide.test /x "" auth="" hop=""`,
		"http://GOOD.test/":           `GET GOOD.test / "" auth="" hop=""`,
	} {
		if code, body := w.get(at); code != 200 || body != want {
			t.Errorf("%s: %d %s", at, code, body)
		}
	}
	if d := w.denials(); len(d) != 0 {
		t.Errorf("denials: %v", d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.open, func(c egress.Connection) bool {
		return c.Target == "good.test:443" && c.Address == "93.184.216.34:443" && c.Rule == "allowed_domains: good.test"
	}) {
		t.Errorf("told: %+v", w.open)
	}
}

func TestBodiesPassUnchanged(t *testing.T) {
	w := start(t, "good.test")
	for _, size := range []int{0, 1, 5000, 200_000} {
		body := strings.Repeat("x", size)
		for _, chunked := range []bool{false, true} {
			var reader io.Reader = strings.NewReader(body)
			if chunked {
				reader = io.MultiReader(reader) // of a length that is not known
			}
			response, err := w.client().Post("http://good.test/", "text/plain", reader)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || !strings.Contains(string(got), fmt.Sprintf("%q", body)) {
				t.Fatalf("%d bytes, chunked %t: %d came back, %v", size, chunked, len(got), err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name, policy, url, answer, denial string
	}{
		{"another name", "good.test", "https://evil.test/", "Forbidden", "connect evil.test:443: not in allowed_domains"},
		{"plain", "good.test", "http://evil.test/", "evil.test:80 is refused: not in allowed_domains", "connect evil.test:80: not in allowed_domains"},
		{"another port", "good.test:443", "http://good.test/", "refused", "connect good.test:80: not in allowed_domains"},
		{"an address", "good.test", "https://93.184.216.34/", "Forbidden", "connect 93.184.216.34:443: not in allowed_ips"},
		{"IPv6", "good.test", "https://[2606:2800::1]/", "Forbidden", "connect [2606:2800::1]:443: not in allowed_ips"},
		{"the loopback by its number", "good.test", "http://127.0.0.1:1/", "127.0.0.1:1", "connect 127.0.0.1:1: built-in: loopback address"},
		{"metadata", "good.test", "http://169.254.169.254/latest", "refused", "connect 169.254.169.254:80: built-in: metadata service"},
		{"a name that leads inside", "inside.test", "https://inside.test/", "Bad Gateway", "connect inside.test:443: built-in: private address"},
		{"plain, to a name that leads inside", "inside.test", "http://inside.test/", "refused or cannot be made", "connect inside.test:80: built-in: private address"},
		{"an address nobody was given", "good.test ip=198.18.0.0/15", "http://198.18.0.9/", "refused", "connect 198.18.0.9:80: an address that stands for no name"},
		{"a number that resolvers take for an address", "*.test", "http://0x7f000001/", "refused", "connect 0x7f000001:80: not a host name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := start(t, test.policy)
			if code, body := w.get(test.url); code == 200 || !strings.Contains(body, test.answer) {
				t.Errorf("answered %d %s", code, body)
			}
			if got := w.denials(); len(got) != 1 || got[0] != test.denial {
				t.Errorf("denials: %q", got)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.dialled) != 0 {
				t.Errorf("dialled %v", w.dialled)
			}
		})
	}
}

// TestNoSecondName: a tunnel to an allowed name cannot be used for another one.
func TestNoSecondName(t *testing.T) {
	w := start(t, "good.test")
	got := w.raw("CONNECT good.test:80 HTTP/1.1\r\nHost: good.test:80\r\n" + authorized() + "\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n")
	if strings.Contains(got, "evil.test") {
		t.Errorf("answered %q", got)
	}
	w.client()
	at, _ := url.Parse("http://openclaw:" + token + "@" + w.address.String())
	transport := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{ServerName: "evil.test", InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	if response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get("https://good.test/"); err == nil {
		response.Body.Close()
		t.Error("another name in the ClientHello was let through")
	}
	got = w.raw("GET http://good.test/ HTTP/1.1\r\nHost: evil.test\r\n" + authorized() + "\r\n")
	if !strings.Contains(got, "GET good.test /") {
		t.Errorf("the URL's host is what counts, but: %q", got)
	}
	want := []string{"connect good.test:80: the Host evil.test is not good.test", "connect good.test:443: the server name evil.test is not good.test"}
	if d := w.denials(); len(d) != 2 || !strings.Contains(d[0], "evil.test is not good.test") || !strings.Contains(d[1], "evil.test is not good.test") {
		t.Errorf("denials %q, want about %q", d, want)
	}
}

func TestOnlyWithTheToken(t *testing.T) {
	w := start(t, "good.test")
	for _, head := range []string{
		"", "Proxy-Authorization: Basic b3BlbmNsYXc6\r\n", "Proxy-Authorization: Bearer " + token + "\r\n", "Authorization: Basic x\r\n",
		strings.Replace(authorized(), "Basic ", "Basic A", 1),
	} {
		got := w.raw("CONNECT good.test:443 HTTP/1.1\r\n" + head + "\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 407 ") || !strings.Contains(got, `Proxy-Authenticate: Basic`) || strings.Contains(got, token) {
			t.Errorf("%q: %q", head, got)
		}
	}
	if _, err := New(Options{Egress: egress.Options{Policy: &policy.Policy{}}, Token: "short"}); err == nil {
		t.Error("a short token was taken")
	}
}

// TestAsk: a question about the network is held, and the answer decides.
func TestAsk(t *testing.T) {
	for _, yes := range []bool{true, false} {
		var asked []string
		w := start(t, "ask good.test", func(o *egress.Options) {
			o.Ask = func(_ context.Context, r egress.Refusal) (bool, error) {
				asked = append(asked, r.Target)
				return yes, nil
			}
		})
		code, body := w.get("http://other.test/")
		if (code == 200) != yes {
			t.Errorf("answered %t: %d %s", yes, code, body)
		}
		if !slices.Equal(asked, []string{"other.test:80"}) {
			t.Errorf("asked %v", asked)
		}
	}
	w := start(t, "ask good.test")
	if code, _ := w.get("http://other.test/"); code != 403 {
		t.Errorf("nobody to ask, and answered %d", code)
	}
}

// TestNarrowedPolicyCuts: a tunnel that a new policy does not allow ends.
func TestNarrowedPolicyCuts(t *testing.T) {
	w := start(t, "good.test")
	conn, err := net.Dial("tcp", w.address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "CONNECT good.test:80 HTTP/1.1\r\n"+authorized()+"\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	w.proxy.SetPolicy(compile(t, "other.test"))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n"); err == nil {
		if rest, _ := io.ReadAll(reader); len(rest) != 0 {
			t.Errorf("%q came through", rest)
		}
	}
	if code, _ := w.get("http://good.test/"); code != 403 {
		t.Errorf("the old policy still holds: %d", code)
	}
}

func TestEndCutsAll(t *testing.T) {
	p, err := New(Options{Egress: egress.Options{Policy: compile(t, "good.test")}, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "CONNECT good"); err != nil { // a head that does not end
		t.Fatal(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
