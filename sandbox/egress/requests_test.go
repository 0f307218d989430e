package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// memory is a connection that holds what a program sends and what got out.
type memory struct {
	net.Conn
	in   io.Reader
	out  bytes.Buffer
	shut bool
}

func (m *memory) Read(b []byte) (int, error)      { return m.in.Read(b) }
func (m *memory) Write(b []byte) (int, error)     { return m.out.Write(b) }
func (m *memory) SetReadDeadline(time.Time) error { return nil }
func (m *memory) CloseWrite() error               { m.shut = true; return nil }

// oneByOne gives a byte at a time.
type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(b []byte) (int, error) { return o.r.Read(b[:min(1, len(b))]) }

// carried is what gets out of a connection to a name when a program sends sent,
// and the refusal that ended it.
func carried(sent io.Reader, host string) (out []byte, whole bool, refusal string) {
	e := New(Options{Now: func() time.Time { return time.Time{} }})
	var told Refusal
	e.o.Refused = func(r Refusal) { told = r }
	client, server := &memory{in: sent}, &memory{}
	s := &stream{where: place{host: host, port: 80}, client: client, server: server}
	err := e.outward(s, owner{})
	return server.out.Bytes(), err == nil && server.shut, told.Rule
}

const (
	good = "GET /a HTTP/1.1\r\nHost: good.example\r\n\r\n"
	evil = "GET /b HTTP/1.1\r\nHost: evil.example\r\n\r\n"
)

// Each request of a connection is judged, wherever the bytes are cut; what was
// allowed before a refusal went out, and not a byte behind it.
func TestEveryRequestIsJudged(t *testing.T) {
	post := func(length, body string) string {
		return "POST /p HTTP/1.1\r\nHost: good.example\r\nContent-Length: " + length + "\r\n\r\n" + body
	}
	chunked := func(body string) string {
		return "POST /p HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n" + body
	}
	upgrade := "GET /ws HTTP/1.1\r\nHost: good.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	connect := "CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n"
	for name, row := range map[string]struct {
		passes, refused, rule string
	}{
		"one":                               {good, "", ""},
		"three in a row":                    {good + good + good, "", ""},
		"empty lines between":               {good + "\r\n\r\n" + good + "\r\n", "", ""},
		"another host behind":               {good, evil, "HTTP host evil.example is not good.example"},
		"another host behind empty lines":   {good, "\r\n\r\n" + evil, "HTTP host evil.example"},
		"another host in the target":        {good, "GET http://evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", "HTTP host evil.example"},
		"another host in the second header": {good, "GET / HTTP/1.1\r\nHost: good.example\r\nHost: evil.example\r\n\r\n", "HTTP host evil.example"},
		"CONNECT elsewhere":                 {good, "CONNECT evil.example:443 HTTP/1.1\r\n\r\n", "HTTP host evil.example"},
		"a body":                            {post("5", "hello") + good, "", ""},
		"a request in a body":               {post("42", evil[:38]+"abcd") + good, "", ""},
		"a body that is shorter than sent":  {post("5", "hello"), evil, "HTTP host evil.example"},
		"an empty body":                     {post("0", ""), evil, "HTTP host evil.example"},
		"chunks":                            {chunked("5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n") + good, "", ""},
		"chunks and trailers":               {chunked("5\r\nhello\r\n0\r\nX: y\r\n\r\n") + good, "", ""},
		"chunks, then another host":         {chunked("5\r\nhello\r\n0\r\n\r\n"), evil, "HTTP host evil.example"},
		"a chunk that is too long":          {chunked("5\r\nhello"), "!\r\n0\r\n\r\n" + evil, "longer than it says"},
		"a chunk size that is none":         {chunked(""), "0x5\r\nhello\r\n" + evil, "chunk that cannot be read"},
		"a negative chunk":                  {chunked(""), "-1\r\n" + evil, "chunk that cannot be read"},
		"a bare newline in an extension":    {chunked(""), "5;x\nhello\r\n0\r\n\r\n" + evil, "line of its body"},
		"a bare return in an extension":     {chunked(""), "5;x\ry\r\nhello\r\n" + evil, "line of its body"},
		"a bare newline behind a chunk":     {chunked("5\r\nhello"), "\n0\r\n\r\n" + evil, "line of its body"},
		"not a request behind one":          {good, "SSH-2.0-x\r\n", "not another one"},
		"TLS behind a request":              {good, "\x16\x03\x01\x00\x05", "not another one"},
		"HTTP/2 behind a request":           {good, preface, "not another one"},
		"half a request":                    {good, "GET / HT", "does not end"},
		"a WebSocket":                       {upgrade + "\x81\x85\x01\x02\x03\x04" + evil, "", ""},
		"a WebSocket that is none":          {upgrade, evil, "HTTP host evil.example"},
		"a WebSocket, again":                {upgrade + good, evil, "HTTP host evil.example"},
		"a tunnel to itself":                {connect + "\x16\x03\x01" + evil, "", ""},
		"a tunnel that is none":             {connect, evil, "HTTP host evil.example"},
		"a tunnel of text":                  {connect, "SSH-2.0-x\r\n", "not another one"},
		"a tunnel, and nothing":             {connect, "", ""},
		"two lengths":                       {good, "GET / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "two lengths"},
		"an odd method":                     {good, "G!T / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP host evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sent := range []io.Reader{strings.NewReader(row.passes + row.refused), oneByOne{strings.NewReader(row.passes + row.refused)}} {
				out, whole, rule := carried(sent, "good.example")
				if string(out) != row.passes {
					t.Errorf("got out: %q", out)
				}
				if whole != (row.rule == "") || !strings.Contains(rule, row.rule) || row.rule == "" && rule != "" {
					t.Errorf("refusal %q, whole %v", rule, whole)
				}
			}
		})
	}
}

// What a lenient server reads as a request, although it is not written as one, goes
// out no further than to where it becomes one: servers split words at any white
// space, skip it at the start, take headers behind a request without a version, and
// end a header at a bare return (Python's http.server does all of it). What is
// another protocol is left alone.
func TestOddRequestsAreJudged(t *testing.T) {
	upgrade := "GET /ws HTTP/1.1\r\nHost: good.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	const odd, without = "not written as one", "cannot be read"
	for name, row := range map[string]struct{ passes, refused, rule string }{
		"a space first":                   {"", " " + evil, odd},
		"a tab first":                     {"", "\t" + evil, odd},
		"a vertical tab first":            {"", "\v" + evil, odd},
		"a separator first":               {"", "\x1c" + evil, odd},
		"a space of Latin 1 first":        {"", "\xa0" + evil, odd},
		"a space first, and its own name": {"", " " + good, odd},
		"a space behind an empty line":    {"", "\r\n " + evil, odd},
		"a separator between":             {"", "GET\x1c/\x1cHTTP/1.1\r\nHost: evil.example\r\n\r\n", odd},
		"a page break between":            {"", "GET\f/\x01\fHTTP/1.1\r\nHost: evil.example\r\n\r\n", odd},
		"no version":                      {"", "GET /\r\nHost: evil.example\r\n\r\n", odd},
		"no version, whole URL":           {"", "GET http://evil.example/\r\n\r\n", odd},
		"a space behind an upgrade":       {upgrade, " " + evil, "not another one"},
		"a page break behind an upgrade":  {upgrade, "\f" + evil, odd},
		"a header behind a bare return":   {"", "GET / HTTP/1.1\r\nX: a\rHost: evil.example\r\n\r\n", "bare return"},
		"a length behind a bare return":   {good, "GET / HTTP/1.1\r\nX: a\rContent-Length: 99\r\nHost: good.example\r\n\r\n", "bare return"},
		"a bare return in the first line": {"", "GET /\rHTTP/1.1\r\nHost: evil.example\r\n\r\n", without},
		"a folded line first":             {"", "GET / HTTP/1.1\r\n Host: evil.example\r\nHost: good.example\r\n\r\n", "folded"},
		"SMTP":                            {"EHLO me.example\r\nMAIL FROM:<a@b>\r\n", "", ""},
		"Redis":                           {"GET key\r\nGET other\r\n", "", ""},
		"memcached":                       {"get /key\r\n", "", ""},
		"LDAP":                            {"0\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", "", ""},
		"RTSP":                            {"OPTIONS rtsp://good.example/ RTSP/1.0\r\n\r\n", "", ""},
		"many blanks first":               {strings.Repeat(" ", 2*maxOpening) + "\n", evil, odd},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sent := range []io.Reader{strings.NewReader(row.passes + row.refused), oneByOne{strings.NewReader(row.passes + row.refused)}} {
				out, whole, rule := carried(sent, "good.example")
				// What stands before the end of the first line may have gone out.
				most := len(row.passes)
				if row.rule != "" {
					start := len(row.refused) - len(strings.TrimLeft(row.refused, "\r\n"))
					most += start + strings.IndexByte(row.refused[start:], '\n')
				}
				if !strings.HasPrefix(row.passes+row.refused, string(out)) || len(out) > most || row.rule == "" && len(out) < most {
					t.Errorf("got out: %q", out)
				}
				if whole != (row.rule == "") || !strings.Contains(rule, row.rule) || row.rule == "" && rule != "" {
					t.Errorf("refusal %q, whole %v", rule, whole)
				}
			}
		})
	}
}

// On a port that is not the web's, a word that waits until it is taken for another
// protocol is still judged when it becomes a request.
func TestSlowWordIsJudged(t *testing.T) {
	server, received := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
	conn := c.dialName("good.example.", "7000")
	const word = "GET /"
	if _, err := conn.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len(word))); err != nil { // it was taken for another protocol
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("b HTTP/1.1\r\nHost: evil.example\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	wantReset(t, conn)
	c.wantRefusal("good.example:7000", "not written as one")
	if n := received(); n != len(word) {
		t.Errorf("%d bytes went out", n)
	}
}

// Heads and lines are bounded.
func TestRequestsAreBounded(t *testing.T) {
	long := strings.Repeat("a", maxOpening)
	for name, sent := range map[string]string{
		"head":     good + "GET / HTTP/1.1\r\nX: " + long,
		"line":     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + long,
		"trailers": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", maxOpening/4),
	} {
		if _, whole, rule := carried(strings.NewReader(sent), "good.example"); whole || !strings.Contains(rule, "do not end") && !strings.Contains(rule, "does not end") {
			t.Errorf("%s: %q", name, rule)
		}
	}
}

// pausing is a program that is silent between the parts of what it sends, for longer
// than any limit: a read that has one ends with it.
type pausing struct {
	memory
	parts   []string
	limited bool
}

func (p *pausing) SetReadDeadline(limit time.Time) error { p.limited = !limit.IsZero(); return nil }

func (p *pausing) Read(b []byte) (int, error) {
	switch {
	case len(p.parts) == 0:
		return 0, io.EOF
	case p.limited:
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, p.parts[0])
	p.parts = p.parts[1:]
	return n, nil
}

// An empty line behind a request is no start of the next one: what follows it may take
// its time. A started one may not.
func TestIdleBehindEmptyLine(t *testing.T) {
	post := "POST /p HTTP/1.1\r\nHost: good.example\r\nContent-Length: 3\r\n\r\nabc\r\n"
	for name, row := range map[string]struct {
		parts []string
		rule  string
	}{
		"empty line": {[]string{post, good, "\r\n", good}, ""},
		"a start":    {[]string{post + "G", good}, "the start of an HTTP request that does not end"},
	} {
		e := New(Options{})
		var told Refusal
		e.o.Refused = func(r Refusal) { told = r }
		client, server := &pausing{parts: row.parts}, &memory{}
		s := &stream{where: place{host: "good.example", port: 80}, client: client, server: server}
		err := e.outward(s, owner{})
		if out := server.out.String(); told.Rule != row.rule || row.rule == "" && (err != nil || out != strings.Join(row.parts, "")) {
			t.Errorf("%s: %v, refused %q, sent %q", name, err, told.Rule, out)
		}
	}
}

// hop is one connection of a real client through an Egress to a real server.
func hop(t *testing.T, server *httptest.Server) (*cage, func(context.Context, string, string) (net.Conn, error)) {
	t.Helper()
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, server.Listener.Addr().String())
	return c, func(context.Context, string, string) (net.Conn, error) { return c.dialName("good.example.", "80"), nil }
}

// A client that keeps its connection alive uses it for the name it was opened
// for, and gets a reset for another.
func TestKeptAliveConnection(t *testing.T) {
	var mu sync.Mutex
	hosts := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		hosts[r.Host]++
		mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	c, dial := hop(t, server)
	dials := 0
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return dial(ctx, network, address)
	}}}
	defer client.CloseIdleConnections()
	large := strings.Repeat("x", 5<<20) // past the point where the kernel moves it
	for _, body := range []string{"", "small", large, "small"} {
		var reader io.Reader = strings.NewReader(body)
		if body == large {
			reader = io.MultiReader(reader) // of no known length: chunked
		}
		reply, err := client.Post("http://good.example/", "text/plain", reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if err != nil || string(got) != body {
			t.Fatalf("got %d bytes of %d, %v", len(got), len(body), err)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://good.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	if reply, err := client.Do(request); err == nil {
		_ = reply.Body.Close()
		t.Error("the other host answered")
	}
	c.wantRefusal("good.example:80", "HTTP host evil.example is not good.example")
	mu.Lock()
	defer mu.Unlock()
	if hosts["good.example"] != 4 || hosts["evil.example"] != 0 || dials > 2 {
		t.Errorf("hosts %v in %d connections", hosts, dials)
	}
}

// The same over HTTP/2 without TLS, with a real client and a real server.
func TestHTTP2WithoutTLS(t *testing.T) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, r.Proto+r.Host)
	}))
	server.Config.Protocols = &protocols
	server.Start()
	defer server.Close()
	c, dial := hop(t, server)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols, DialContext: dial}}
	defer client.CloseIdleConnections()
	ask := func(host, body string) (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://good.example/", strings.NewReader(body))
		if err != nil {
			return "", err
		}
		request.Host = host
		request.Header.Set("X-Long", strings.Repeat("y", 20<<10)) // more than one frame
		reply, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer func() { _ = reply.Body.Close() }()
		got, err := io.ReadAll(reply.Body)
		return string(got), err
	}
	body := strings.Repeat("x", 300<<10)
	for range 3 {
		if got, err := ask("good.example", body); err != nil || got != body+"HTTP/2.0good.example" {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
	if got, err := ask("evil.example", ""); err == nil {
		t.Errorf("the other host answered %q", got)
	}
	c.wantRefusal("good.example:80", "HTTP/2 authority evil.example is not good.example")
}

// frameOf is one HTTP/2 frame.
func frameOf(kind, flags byte, stream uint32, payload string) string {
	n := len(payload)
	return string([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
}

// Headers are read as the server reads them: in parts, padded, and by what was
// said before on the connection.
func TestFrames(t *testing.T) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encode := func(authority string) string {
		block.Reset()
		for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":authority", Value: authority}} {
			if err := encoder.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		return block.String()
	}
	start := preface + frameOf(4, 0, 0, "")
	first, second, third := encode("good.example"), encode("evil.example"), encode("good.example")
	if len(third) >= len(first) {
		t.Fatal("the encoder does not refer back")
	}
	const whole = flagEndHeaders
	for name, row := range map[string]struct{ passes, refused, rule string }{
		"one":           {start + frameOf(1, whole, 1, first), "", ""},
		"data and more": {start + frameOf(1, whole, 1, first) + frameOf(0, 1, 1, evil) + frameOf(8, 0, 0, "\x00\x00\x00\x01"), "", ""},
		"in two frames": {start + frameOf(1, 0, 1, first[:3]) + frameOf(9, whole, 1, first[3:]), "", ""},
		"padded":        {start + frameOf(1, whole|flagPadded|flagPriority, 1, "\x03\x00\x00\x00\x00\x10"+first+"\x00\x00\x00"), "", ""},
		"another":       {start + frameOf(1, whole, 1, first), frameOf(1, whole, 3, second), "authority evil.example"},
		"another, referred to": {
			start + frameOf(1, whole, 1, first), frameOf(1, whole, 3, second) + frameOf(1, whole, 5, third), "authority evil.example",
		},
		"another in the second frame": {start, frameOf(1, 0, 1, first[:1]) + frameOf(9, whole, 1, "\x41\x0cevil.example"), "authority evil.example"},
		"another as a host":           {start, frameOf(1, whole, 1, first+"\x00\x04host\x0cevil.example"), "authority evil.example"},
		"another as a target":         {start, frameOf(1, whole, 1, first+"\x04\x15http://evil.example/x"), "authority evil.example"},
		"the name as a target":        {start + frameOf(1, whole, 1, first+"\x04\x15http://good.example/x"), "", ""},
		"data inside headers":         {start, frameOf(1, 0, 1, first[:3]) + frameOf(0, 0, 1, "x"), "cannot be read"},
		"another stream inside":       {start, frameOf(1, 0, 1, first[:3]) + frameOf(9, whole, 3, first[3:]), "cannot be read"},
		"headers that do not end":     {start, frameOf(1, 0, 1, first), "cannot be read"},
		"too much padding":            {start, frameOf(1, whole|flagPadded, 1, "\xff"+first), "cannot be read"},
		"no such table entry":         {start, frameOf(1, whole, 1, "\xff\x80\x01"), "cannot be read"},
		"a push by a client":          {start, frameOf(5, whole, 1, "\x00\x00\x00\x02"+second), "no client sends"},
		"a continuation of nothing":   {start, frameOf(9, whole, 1, second), "no client sends"},
		"too long":                    {start, frameOf(1, 0, 1, strings.Repeat("\x00\x01a\x01b", 12000)) + frameOf(9, 0, 1, strings.Repeat("\x00\x01a\x01b", 12000)), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sent := range []io.Reader{strings.NewReader(row.passes + row.refused), oneByOne{strings.NewReader(row.passes + row.refused)}} {
				out, whole, rule := carried(sent, "good.example")
				if string(out) != row.passes || whole != (row.rule == "") || !strings.Contains(rule, row.rule) {
					t.Errorf("got out %q, whole %v, refusal %q", out, whole, rule)
				}
			}
		})
	}
}

// A small block that stands for much is not unpacked for ever.
func TestHeadersThatGrow(t *testing.T) {
	asked := &headerReader{}
	asked.decoder = hpack.NewDecoder(4096, asked.field)
	grow := append([]byte("\x40\x01a\x7f\x80\x10"), bytes.Repeat([]byte("b"), 127+2048)...) // one long entry of the table
	if _, err := asked.read(grow); err != nil {
		t.Fatal(err)
	}
	if _, err := asked.read(bytes.Repeat([]byte{0x80 | 62}, 60<<10)); err == nil {
		t.Error("120 MB of headers were read")
	}
}

// Whatever gets out is read by Go's own server as requests for the name alone.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		good + good, good + evil, "POST / HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n" + evil,
		"POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 3\r\n\r\nabc" + evil, "GET / HTTP/1.0\n\n" + evil,
		"GET /ws HTTP/1.1\r\nHost: good.example\r\nUpgrade: websocket\r\n\r\n" + evil,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		out, _, _ := carried(strings.NewReader(sent), "good.example")
		if !strings.HasPrefix(sent, string(out)) {
			t.Fatalf("the bytes changed: %q", out)
		}
		reader := bufio.NewReader(bytes.NewReader(out))
		for {
			for { // as servers do
				if next, err := reader.Peek(1); err != nil || next[0] != '\r' && next[0] != '\n' {
					break
				}
				_, _ = reader.Discard(1)
			}
			r, err := http.ReadRequest(reader)
			if err != nil {
				return // a server ends the connection
			}
			if r.ProtoMajor > 1 {
				return // see FuzzFrames
			}
			if host, ok := hostName(withoutPort(r.Host)); r.Host != "" && (!ok || host != "good.example") {
				t.Fatalf("%q was asked for by %q", r.Host, out)
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
		}
	})
}

// The same for HTTP/2 without TLS and Go's own reader of its frames.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(frameOf(1, 4, 1, "\x82\x41\x0cgood.example")), true)
	f.Add([]byte(frameOf(1, 0, 1, "\x82\x41")+frameOf(9, 4, 1, "\x0cevil.example")), false)
	f.Add([]byte(frameOf(1, 0x2c, 1, "\x01\x00\x00\x00\x00\x10\x82\x41\x0cgood.example\x00")+frameOf(1, 4, 3, "\xbe")), true)
	f.Fuzz(func(t *testing.T, frames []byte, slow bool) {
		var sent io.Reader = strings.NewReader(preface + string(frames))
		if slow {
			sent = oneByOne{sent}
		}
		out, _, _ := carried(sent, "good.example")
		if len(out) < len(preface) {
			return
		}
		framer := http2.NewFramer(io.Discard, bytes.NewReader(out[len(preface):]))
		framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				if se := (http2.StreamError{}); errors.As(err, &se) {
					continue // the server goes on
				}
				return
			}
			headers, ok := frame.(*http2.MetaHeadersFrame)
			if !ok {
				continue
			}
			for _, field := range headers.Fields {
				host, ok := hostName(withoutPort(field.Value))
				if (field.Name == ":authority" || field.Name == "host") && (!ok || host != "good.example") {
					t.Fatalf("%q was asked for", field.Value)
				}
			}
		}
	})
}
