package egress_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/linux/network"
	"openclaw/sandbox/policy"
)

// caged is a process in a net namespace of its own whose network an Egress
// out here serves.
type caged struct {
	egress  *egress.Egress
	encoder *json.Encoder
	decoder *json.Decoder
	options network.Options

	mu       sync.Mutex
	refusals []egress.Refusal
	dialled  []string
}

// start runs the child, as root or as an ordinary user, and serves it.
func start(tb testing.TB, way network.Way, ordinary bool, outbound bool, o egress.Options) *caged {
	tb.Helper()
	requireNamespaces(tb)
	c := &caged{}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the gateway")) }))
	tb.Cleanup(gateway.Close)
	c.options = network.Options{Gateway: netip.MustParseAddrPort(gateway.Listener.Addr().String()), Outbound: outbound, Way: way}
	o.Gateway = func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", gateway.Listener.Addr().String())
	}
	o.Refused = func(r egress.Refusal) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refusals = append(c.refusals, r)
	}
	real := o.Dial
	o.Dial = func(ctx context.Context, family, address string) (net.Conn, error) {
		c.mu.Lock()
		c.dialled = append(c.dialled, address)
		c.mu.Unlock()
		return real(ctx, family, address)
	}

	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "child")
	cmd := childCommand(ordinary, c.options)
	cmd.ExtraFiles = []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	_ = theirs.Close()
	mine := os.NewFile(uintptr(pair[0]), "parent")
	conn, err := net.FileConn(mine)
	_ = mine.Close()
	if err != nil {
		tb.Fatal(err)
	}
	c.encoder, c.decoder = json.NewEncoder(conn), json.NewDecoder(conn)
	listeners := receive(tb, conn.(*net.UnixConn), c.options)
	o.Destination = listeners.Destination
	if identify := o.Identify; identify != nil {
		o.Identify = func(remote netip.AddrPort, udp bool) (int, string, string) {
			return identify(listeners.Source(remote, udp), udp)
		}
	}
	c.egress = egress.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- c.egress.Serve(ctx, listeners.TCP, listeners.DNSPacket, listeners.DNSStream, listeners.Gateway)
	}()
	tb.Cleanup(func() {
		_ = conn.Close() // the child ends with it
		if err := cmd.Wait(); err != nil {
			tb.Errorf("child: %v", err)
		}
		cancel()
		if err := <-served; err != nil {
			tb.Errorf("serve: %v", err)
		}
		listeners.Close()
	})
	return c
}

func receive(tb testing.TB, conn *net.UnixConn, o network.Options) *network.Listeners {
	tb.Helper()
	oob := make([]byte, 256)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		tb.Fatal(err)
	}
	_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		tb.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		tb.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		tb.Fatalf("%d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		tb.Fatal(err)
	}
	var files []*os.File
	for _, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), "cage socket"))
	}
	sockets, err := network.FromFiles(files, o)
	if err != nil {
		tb.Fatal(err)
	}
	listeners, err := sockets.Listeners()
	if err != nil {
		tb.Fatal(err)
	}
	return listeners
}

func childCommand(ordinary bool, o network.Options) *exec.Cmd {
	options, _ := json.Marshal(o)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=caged", optionsVariable + "=" + string(options), "GORACE=atexit_sleep_ms=0"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = namespaces()
	if ordinary {
		cmd.Env[0] = roleVariable + "=ordinary user"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL}
	}
	return cmd
}

func namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
}

func requireNamespaces(tb testing.TB) {
	tb.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = namespaces()
	if err := cmd.Run(); err != nil {
		reason := "no user and net namespace on this machine: " + err.Error()
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			tb.Fatal(reason)
		}
		tb.Skip(reason)
	}
}

// try lets the child do one thing.
func (c *caged) try(tb testing.TB, a attempt) outcome {
	tb.Helper()
	if err := c.encoder.Encode(a); err != nil {
		tb.Fatal(err)
	}
	var got outcome
	if err := c.decoder.Decode(&got); err != nil {
		tb.Fatalf("the child is gone: %v", err)
	}
	return got
}

// world is the outside as the tests have it: names, what they lead to, and
// servers that stand for the internet.
type world struct {
	plain, secret *httptest.Server
	private       *httptest.Server // on the host's loopback; nobody inside may reach it
}

func newWorld(t *testing.T) *world {
	t.Helper()
	hello := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(text + " for " + r.Host)) })
	}
	w := &world{plain: httptest.NewServer(hello("hello")), secret: httptest.NewUnstartedServer(hello("hello over TLS")), private: httptest.NewServer(hello("private"))}
	w.secret.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are refused on the way
	w.secret.StartTLS()
	t.Cleanup(func() { w.plain.Close(); w.secret.Close(); w.private.Close() })
	return w
}

func (w *world) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	address, ok := map[string]string{
		"good.test": "93.184.216.34", "own.test": "192.0.77.7", "xn--bcher-kva.test": "93.184.216.34", "a.b.wild.test": "93.184.216.34", "rebind.test": "127.0.0.1", "internal.test": "10.0.0.7", "blocked.test": "142.250.0.1",
	}[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(address)}, nil
}

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	var dialer net.Dialer
	switch address {
	case "93.184.216.34:80", "8.8.4.4:80":
		return dialer.DialContext(ctx, "tcp", w.plain.Listener.Addr().String())
	case "93.184.216.34:443":
		return dialer.DialContext(ctx, "tcp", w.secret.Listener.Addr().String())
	}
	return nil, errors.New("connection refused")
}

func compiled(tb testing.TB, rules policy.Network) *policy.Policy {
	tb.Helper()
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Workspace: "/work", Home: "/home/user", StateDir: "/home/user/.openclaw",
		Own: policy.Permissions{Network: &rules}, OwnKey: "agents.coder.permissions",
	})
	for _, problem := range problems {
		if !problem.Warning {
			tb.Fatalf("policy: %s: %s", problem.Key, problem.Message)
		}
	}
	return p
}

// A program in a real namespace reaches what the policy names and nothing
// else, by whatever way it tries; every refusal is told.
func TestFromNamespace(t *testing.T) {
	for _, way := range ways() {
		for _, user := range []struct {
			name     string
			ordinary bool
		}{{"own user", false}, {"ordinary user", true}} {
			t.Run(string(way)+", "+user.name, func(t *testing.T) {
				if user.ordinary && os.Getuid() != 0 {
					t.Skip("the other test ran as an ordinary user already")
				}
				t.Parallel()
				testFromNamespace(t, way, user.ordinary)
			})
		}
	}
}

// ways are the two kinds of a cage's network; what a program sees is the same.
func ways() []network.Way { return []network.Way{network.WayRedirect, network.WayTUN} }

func testFromNamespace(t *testing.T, way network.Way, ordinary bool) {
	t.Helper()
	w := newWorld(t)
	c := start(t, way, ordinary, true, egress.Options{
		Policy: compiled(t, policy.Network{
			AllowedDomains: []string{"good.test", "*.wild.test", "rebind.test", "internal.test", "blocked.test", "missing.test", "own.test", "xn--bcher-kva.test"},
			BlockedIPs:     []string{"142.250.0.0/16"}, AllowedIPs: []string{"8.8.4.4:80", "192.0.77.0/24"},
		}),
		Lookup: w.lookup, Dial: w.dial,
		HostAddresses: func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.77.7")}, nil },
	})
	private := w.private.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(private)
	notSent := map[network.Way]string{network.WayRedirect: "operation not permitted", network.WayTUN: "network is unreachable"}[way]
	for _, row := range []struct {
		name    string
		try     attempt
		want    string // part of what the program got
		refusal string // operation, target and part of the rule; empty: none
	}{
		{"allowed name", attempt{Do: "get", Target: "http://good.test/"}, "hello for good.test", ""},
		{"trailing dot", attempt{Do: "get", Target: "http://good.test./"}, "hello for good.test.", ""},
		{"upper case", attempt{Do: "get", Target: "http://GOOD.Test/"}, "hello for", ""},
		{"below a wildcard", attempt{Do: "get", Target: "http://a.b.wild.test/"}, "hello for a.b.wild.test", ""},
		{"TLS", attempt{Do: "get", Target: "https://good.test/"}, "hello over TLS", ""},
		{"allowed address", attempt{Do: "get", Target: "http://8.8.4.4/"}, "hello for 8.8.4.4", ""},
		{"curl", attempt{Do: "curl", Target: "http://good.test/"}, "hello for good.test", ""},
		{"gateway", attempt{Do: "get", Target: "http://" + c.options.Gateway.String() + "/"}, "the gateway", ""},
		{"denied name", attempt{Do: "lookup", Target: "denied.test"}, "error: ", "resolve denied.test allowed_domains"},
		{"denied name with curl", attempt{Do: "curl", Target: "http://curl.denied.test/"}, "Could not resolve", "resolve curl.denied.test allowed_domains"},
		{"denied name at a server of its own choice", attempt{Do: "ask", Target: "own.denied.test", Server: "8.8.8.8:53"}, "error: ", "resolve own.denied.test allowed_domains"},
		{"DNS over a stream", attempt{Do: "ask stream", Target: "stream.denied.test", Server: "9.9.9.9:53"}, "error: ", "resolve stream.denied.test allowed_domains"},
		{"wildcard itself", attempt{Do: "lookup", Target: "wild.test"}, "error: ", "resolve wild.test allowed_domains"},
		{"name of another server name", attempt{Do: "get", Target: "https://good.test/", Name: "evil.test"}, "error: ", "connect good.test:443 TLS server name evil.test"},
		{"name of another host", attempt{Do: "get", Target: "http://good.test/", Name: "evil.test"}, "error: ", "connect good.test:80 HTTP host evil.test"},
		{"address", attempt{Do: "get", Target: "http://1.1.1.1/"}, "error: ", "connect 1.1.1.1:80 allowed_ips"},
		{"another port of an allowed address", attempt{Do: "tcp", Target: "8.8.4.4:81"}, "error: ", "connect 8.8.4.4:81 allowed_ips"},
		{"IPv6 address", attempt{Do: "tcp", Target: "[2606:4700::1111]:443"}, "error: ", "connect [2606:4700::1111]:443 allowed_ips"},
		{"mapped address", attempt{Do: "tcp", Target: "[::ffff:1.1.1.2]:80"}, "error: ", "connect 1.1.1.2:80 allowed_ips"},
		{"rebinding", attempt{Do: "get", Target: "http://rebind.test/"}, "error: ", "connect rebind.test:80 loopback"},
		{"private address", attempt{Do: "get", Target: "http://internal.test/"}, "error: ", "connect internal.test:80 private"},
		{"blocked range", attempt{Do: "get", Target: "http://blocked.test/"}, "error: ", "connect blocked.test:80 blocked_ips"},
		{"metadata", attempt{Do: "tcp", Target: "169.254.169.254:80"}, "error: ", "connect 169.254.169.254:80 metadata"},
		{"IPv6 metadata", attempt{Do: "tcp", Target: "[fd00:ec2::254]:80"}, "error: ", "connect [fd00:ec2::254]:80 metadata"},
		{"link-local", attempt{Do: "tcp", Target: "169.254.7.7:80"}, "error: ", "connect 169.254.7.7:80 link-local"},
		{"carrier's address", attempt{Do: "tcp", Target: "100.64.0.1:80"}, "error: ", "connect 100.64.0.1:80 carrier"},
		{"broadcast", attempt{Do: "tcp", Target: "255.255.255.255:80"}, "error: ", ""},
		{"multicast", attempt{Do: "tcp", Target: "224.0.0.1:80"}, "error: ", ""},
		{"NAT64", attempt{Do: "tcp", Target: "[64:ff9b::7f00:1]:80"}, "error: ", "connect [64:ff9b::7f00:1]:80 built-in"},
		{"zero", attempt{Do: "tcp", Target: "0.0.0.0:" + port}, "connection refused", ""},
		{"IPv6 zero", attempt{Do: "tcp", Target: "[::]:" + port}, "connection refused", ""},
		{"this machine", attempt{Do: "tcp", Target: "192.0.77.7:80"}, "error: ", "connect 192.0.77.7:80 address of this machine"},
		{"a name of this machine", attempt{Do: "tcp", Target: "own.test:80"}, "error: ", "connect own.test:80 address of this machine"},
		{"a host of DNS over HTTPS", attempt{Do: "get", Target: "https://dns.google/dns-query"}, "error: ", "resolve dns.google allowed_domains"},
		{"a name in other letters", attempt{Do: "lookup", Target: "b\u00fccher.test"}, "error: ", ""},
		{"its ASCII form", attempt{Do: "get", Target: "http://xn--bcher-kva.test/"}, "hello for xn--bcher-kva.test", ""},
		{"an address that stands for no name", attempt{Do: "tcp", Target: "198.19.1.1:80"}, "error: ", "connect 198.19.1.1:80 no name"},
		{"a name that is not there", attempt{Do: "get", Target: "http://missing.test/"}, "error: ", ""},
		{"a port where nobody listens", attempt{Do: "tcp", Target: "good.test:81"}, "error: ", ""},
		{"host's loopback", attempt{Do: "get", Target: "http://" + private + "/"}, "connection refused", ""},
		{"QUIC", attempt{Do: "udp", Target: "93.184.216.34:443"}, notSent, ""},
		{"UDP elsewhere", attempt{Do: "udp", Target: "1.1.1.1:123"}, notSent, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.mu.Lock()
			before := len(c.refusals)
			c.mu.Unlock()
			got := c.try(t, row.try)
			if got.Missing != "" {
				t.Skip(got.Missing)
			}
			if !strings.Contains(got.Text, row.want) {
				t.Errorf("the program got %q, want %q", got.Text, row.want)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			told := c.refusals[before:]
			if row.refusal == "" && len(told) != 0 {
				t.Errorf("refusals %+v", told)
			}
			if row.refusal != "" && (len(told) != 1 || !matches(told[0], row.refusal)) {
				t.Errorf("refusals %+v, want %q", told, row.refusal)
			}
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, address := range c.dialled {
		if !slices.Contains([]string{"93.184.216.34:80", "93.184.216.34:443", "93.184.216.34:81", "8.8.4.4:80"}, address) {
			t.Errorf("dialled %s", address)
		}
	}
}

func matches(r egress.Refusal, want string) bool {
	operation, rest, _ := strings.Cut(want, " ")
	target, rule, _ := strings.Cut(rest, " ")
	return r.Operation == operation && r.Target == target && strings.Contains(r.Rule, rule)
}

// Without outbound nothing is there but the gateway's endpoint, and a look-up
// is refused at once.
func TestFromNamespaceWithoutOutbound(t *testing.T) {
	no := false
	w := newWorld(t)
	c := start(t, network.WayRedirect, false, false, egress.Options{
		Policy: compiled(t, policy.Network{AllowOutbound: &no}), Lookup: w.lookup, Dial: w.dial,
	})
	for _, row := range []struct {
		try  attempt
		want string
	}{
		{attempt{Do: "get", Target: "http://" + c.options.Gateway.String() + "/"}, "the gateway"},
		{attempt{Do: "lookup", Target: "good.test"}, "error: "},
		{attempt{Do: "tcp", Target: "1.1.1.1:80"}, "network is unreachable"},
		{attempt{Do: "udp", Target: "1.1.1.1:443"}, "network is unreachable"},
		{attempt{Do: "tcp", Target: "[2606:4700::1111]:443"}, "error: "},
	} {
		if got := c.try(t, row.try); !strings.Contains(got.Text, row.want) {
			t.Errorf("%s %s: %q, want %q", row.try.Do, row.try.Target, got.Text, row.want)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) != 1 || !matches(c.refusals[0], "resolve good.test allow_outbound: false") || len(c.dialled) != 0 {
		t.Errorf("refusals %+v, dialled %q", c.refusals, c.dialled)
	}
}

// A policy that became narrower cuts what a program inside holds, at once and
// by a reset, and answers no more for the name.
func TestNarrowingFromNamespace(t *testing.T) {
	for _, way := range ways() {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			server := talker(t)
			c := start(t, way, false, true, egress.Options{
				Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.test"}}), Lookup: (&world{}).lookup,
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", server.address)
				},
			})
			narrowed := make(chan struct{})
			go func() {
				defer close(narrowed)
				<-server.spoke
				c.egress.SetPolicy(compiled(t, policy.Network{AllowedDomains: []string{"other.test"}}))
			}()
			got := c.try(t, attempt{Do: "held", Target: "good.test:7000"})
			<-narrowed
			if !strings.Contains(got.Text, "reset by peer") || strings.Contains(got.Text, "before") {
				t.Errorf("the held connection got %q", got.Text)
			}
			if got := c.try(t, attempt{Do: "lookup", Target: "good.test"}); !strings.HasPrefix(got.Text, "error: ") {
				t.Errorf("the look-up got %q", got.Text)
			}
		})
	}
}

// A flood of connections is carried up to the limit, the rest is reset, and
// afterwards everything is as before.
func TestManyConnectionsFromNamespace(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections")
	}
	for _, way := range ways() {
		t.Run(string(way), func(t *testing.T) {
			server := talker(t)
			c := start(t, way, false, true, egress.Options{
				Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.test"}}), Lookup: (&world{}).lookup,
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", server.address)
				},
			})
			got := c.try(t, attempt{Do: "many", Name: "good.test", Target: "7000", Count: 1200})
			if carried, err := strconv.Atoi(got.Text); err != nil || carried == 0 || carried > 1024 {
				t.Errorf("carried %q", got.Text)
			}
			for tries := 0; ; tries++ { // until the ends of the flood have been seen
				if got = c.try(t, attempt{Do: "many", Name: "good.test", Target: "7000", Count: 1}); got.Text == "1" || tries == 1200 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if got.Text != "1" {
				t.Errorf("after the flood: %q", got.Text)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.refusals) == 0 || !strings.Contains(c.refusals[0].Rule, "more than 1024") {
				t.Errorf("%d refusals", len(c.refusals))
			}
		})
	}
}

// talk is a server that answers the first byte with one, and then is silent.
type talk struct {
	address string
	spoke   chan struct{} // has a value when somebody had the answer and spoke again
}

func talker(t *testing.T) *talk {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &talk{address: listener.Addr().String(), spoke: make(chan struct{}, 1)}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					return
				}
				_, _ = conn.Write([]byte{1})
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					return
				}
				select {
				case s.spoke <- struct{}{}:
				default:
				}
				_, _ = conn.Read(make([]byte, 1))
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return s
}
