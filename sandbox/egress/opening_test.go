package egress

import (
	"bytes"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
)

// clientHello is what crypto/tls sends first for a name.
func clientHello(tb testing.TB, name string) []byte {
	tb.Helper()
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(near, &tls.Config{ServerName: name, InsecureSkipVerify: name == ""}).Handshake()
		_ = near.Close()
	}()
	buffer := make([]byte, 8192)
	n, err := far.Read(buffer)
	if err != nil {
		tb.Fatal(err)
	}
	_ = far.Close()
	return buffer[:n]
}

// inRecords cuts a ClientHello into records of size bytes.
func inRecords(hello []byte, size int) []byte {
	var out []byte
	for part := range slices.Chunk(hello[recordHeader:], size) {
		out = append(out, recordHandshake, 3, 1, byte(len(part)>>8), byte(len(part)))
		out = append(out, part...)
	}
	return out
}

// versioned is a ClientHello whose first record has another version.
func versioned(hello []byte, major, minor byte) []byte {
	out := slices.Clone(hello)
	out[1], out[2] = major, minor
	return out
}

// named is a ClientHello with these server_name extensions, each as its bytes.
func named(extensions ...[]byte) []byte {
	var all []byte
	for _, value := range extensions {
		all = append(append(all, 0, 0, byte(len(value)>>8), byte(len(value))), value...)
	}
	body := append([]byte{3, 3}, make([]byte, 32)...)      // version, random
	body = append(body, 0, 0, 2, 0x13, 0x01, 1, 0)         // no session, one cipher suite, no compression
	body = append(body, byte(len(all)>>8), byte(len(all))) // extensions
	body = append(body, all...)
	message := append([]byte{handshakeHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{recordHandshake, 3, 1, byte(len(message) >> 8), byte(len(message))}, message...)
}

// serverNames is the value of one server_name extension, each name with its kind.
func serverNames(kind byte, names ...string) []byte {
	var list []byte
	for _, name := range names {
		list = append(append(list, kind, byte(len(name)>>8), byte(len(name))), name...)
	}
	return append([]byte{byte(len(list) >> 8), byte(len(list))}, list...)
}

func TestOpenings(t *testing.T) {
	hello := clientHello(t, "good.example")
	other := append([]byte(nil), hello...)
	other[recordHeader] = 2 // a ServerHello
	between := append(inRecords(hello, 50)[:55], 23, 3, 3, 0, 1, 0)
	for name, row := range map[string]struct {
		data  []byte
		kind  first
		hosts []string
	}{
		"nothing yet":               {nil, firstUnknown, nil},
		"TLS":                       {hello, firstTLS, []string{"good.example"}},
		"TLS and more":              {append(append([]byte(nil), hello...), 20, 3, 3), firstTLS, []string{"good.example"}},
		"TLS in one-byte records":   {inRecords(hello, 1), firstTLS, []string{"good.example"}},
		"TLS in records of 100":     {inRecords(hello, 100), firstTLS, []string{"good.example"}},
		"TLS half":                  {hello[:len(hello)/2], firstUnknown, nil},
		"TLS one byte":              {hello[:1], firstUnknown, nil},
		"TLS header only":           {hello[:5], firstUnknown, nil},
		"TLS without a name":        {clientHello(t, ""), firstTLS, nil},
		"TLS of our own making":     {named(serverNames(0, "good.example")), firstTLS, []string{"good.example"}},
		"TLS with two extensions":   {named(serverNames(0, "good.example"), serverNames(0, "b.example")), firstBroken, nil},
		"TLS with two names":        {named(serverNames(0, "good.example", "b.example")), firstBroken, nil},
		"TLS with an odd name":      {named(serverNames(1, "b.example")), firstBroken, nil},
		"TLS with an empty name":    {named(serverNames(0, "")), firstBroken, nil},
		"TLS with more than names":  {named(append(serverNames(0, "good.example"), 0)), firstBroken, nil},
		"TLS server's message":      {other, firstBroken, nil},
		"TLS with data in between":  {between, firstBroken, nil},
		"TLS record of no length":   {[]byte{22, 3, 1, 0, 0}, firstBroken, nil},
		"TLS record too long":       {[]byte{22, 3, 1, 0xFF, 0xFF}, firstBroken, nil},
		"TLS hello too long":        {[]byte{22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF}, firstBroken, nil},
		"TLS hello cut":             {[]byte{22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0}, firstBroken, nil},
		"TLS of a later version":    {versioned(hello, 3, 9), firstTLS, []string{"good.example"}},
		"TLS of no version":         {versioned(hello, 0, 0), firstTLS, []string{"good.example"}},
		"TLS of the last version":   {versioned(hello, 15, 255), firstTLS, []string{"good.example"}},
		"TLS of no version, cut":    {versioned(hello, 0, 0)[:5], firstUnknown, nil},
		"TLS of two versions":       {versioned(inRecords(hello, 100), 2, 7), firstTLS, []string{"good.example"}},
		"TLS behind a warning":      {append([]byte{21, 3, 1, 0, 2, 1, 90}, hello...), firstBroken, nil},
		"TLS behind two warnings":   {append([]byte{21, 0, 0, 0, 2, 1, 90, 21, 3, 9, 0, 2, 1, 41}, hello...), firstBroken, nil},
		"TLS behind nothing":        {append([]byte{20, 3, 3, 0, 0}, hello...), firstBroken, nil},
		"TLS warning only":          {[]byte{21, 3, 1, 0, 2, 1, 90}, firstUnknown, nil},
		"TLS warning cut":           {[]byte{21, 3, 1, 0, 2, 1}, firstUnknown, nil},
		"0x16 of another protocol":  {[]byte{22, 9, 9, 9, 9, 9}, firstOther, nil},
		"0x16, no version of TLS":   {[]byte{22, 16}, firstOther, nil},
		"a length of 22":            {[]byte{22, 0, 0, 0, 5, 0, 0, 0}, firstOther, nil},
		"a length of 20":            {[]byte{20, 0, 0, 0, 1, 0, 0, 0}, firstOther, nil},
		"a length of 21, a word":    {[]byte("\x15hello"), firstOther, nil},
		"HTTP":                      {[]byte("GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"), firstHTTP, []string{"good.example"}},
		"HTTP with a port":          {[]byte("GET / HTTP/1.1\r\nHost: good.example:8080\r\n\r\n"), firstHTTP, []string{"good.example"}},
		"HTTP with bare newlines":   {[]byte("GET / HTTP/1.1\nhOST:good.example \n\n"), firstHTTP, []string{"good.example"}},
		"HTTP small method":         {[]byte("get / HTTP/1.1\r\nHost: x.example\r\n\r\n"), firstHTTP, []string{"x.example"}},
		"HTTP after empty lines":    {[]byte("\r\n\r\nGET / HTTP/1.1\r\nHost: x.example\r\n\r\n"), firstHTTP, []string{"x.example"}},
		"HTTP with two hosts":       {[]byte("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"), firstHTTP, []string{"a.example", "b.example"}},
		"HTTP with space in header": {[]byte("GET / HTTP/1.1\r\nHost : b.example\r\n\r\n"), firstHTTP, []string{"b.example"}},
		"HTTP whole URL":            {[]byte("GET http://u@b.example:80/x HTTP/1.1\r\nHost: a.example\r\n\r\n"), firstHTTP, []string{"b.example", "a.example"}},
		"HTTP URL in the query":     {[]byte("GET /?u=http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"), firstHTTP, []string{"a.example"}},
		"HTTP CONNECT":              {[]byte("CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"), firstHTTP, []string{"b.example", "a.example"}},
		"HTTP without a host":       {[]byte("GET / HTTP/1.0\r\nAccept: */*\r\n\r\n"), firstHTTP, nil},
		"HTTP folded host":          {[]byte("GET / HTTP/1.1\r\nHost: a.example\r\n b.example\r\n\r\n"), firstBroken, nil},
		"HTTP folded other":         {[]byte("GET / HTTP/1.1\r\nAccept: a\r\n b\r\nHost: a.example\r\n\r\n"), firstHTTP, []string{"a.example"}},
		"HTTP host with return":     {[]byte("GET / HTTP/1.1\r\nHost: a.example\rb\r\n\r\n"), firstBroken, nil},
		"HTTP four words":           {[]byte("GET / x HTTP/1.1\r\nHost: a.example\r\n\r\n"), firstBroken, nil},
		"HTTP head not whole":       {[]byte("GET / HTTP/1.1\r\nHost: good.example\r\n"), firstUnknown, nil},
		"HTTP one letter":           {[]byte("G"), firstUnknown, nil},
		"HTTP line not whole":       {[]byte("GET /index"), firstUnknown, nil},
		"HTTP 0.9":                  {[]byte("GET /\r\n"), firstOther, nil},
		"HTTP/2 without TLS":        {[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), firstHTTP2, nil},
		"HTTP/2 preface not whole":  {[]byte("PRI * HTTP/2.0\r\n\r\nS"), firstUnknown, nil},
		"HTTP/2 preface changed":    {[]byte("PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"), firstBroken, nil},
		"HTTP odd method":           {[]byte("G!T / HTTP/1.1\r\nHost: b.example\r\n\r\n"), firstHTTP, []string{"b.example"}},
		"HTTP long method":          {[]byte(strings.Repeat("A", 40) + " / HTTP/1.1\r\nHost: b.example\r\n\r\n"), firstHTTP, []string{"b.example"}},
		"HTTP with tabs":            {[]byte("GET\t/\tHTTP/1.1\r\nHost: b.example\r\n\r\n"), firstHTTP, []string{"b.example"}},
		"HTTP word behind version":  {[]byte("GET / HTTP/1.1 x\r\nHost: b.example\r\n\r\n"), firstBroken, nil},
		"HTTP of no known version":  {[]byte("GET / HTTP/3.0\r\nHost: b.example\r\n\r\n"), firstBroken, nil},
		"HTTP with two lengths":     {[]byte("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), firstBroken, nil},
		"HTTP length twice":         {[]byte("GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n"), firstBroken, nil},
		"HTTP length with sign":     {[]byte("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n"), firstBroken, nil},
		"HTTP length in list":       {[]byte("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n"), firstBroken, nil},
		"HTTP length with space":    {[]byte("GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n"), firstBroken, nil},
		"HTTP length folded":        {[]byte("GET / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n"), firstBroken, nil},
		"HTTP body, bare newline":   {[]byte("GET / HTTP/1.1\r\nX: a\nContent-Length: 1\r\n\r\n"), firstBroken, nil},
		"HTTP two codings":          {[]byte("GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), firstBroken, nil},
		"HTTP coding with control":  {[]byte("GET / HTTP/1.1\r\nTransfer-Encoding: \vchunked\r\n\r\n"), firstBroken, nil},
		"HTTP 1.0 chunked":          {[]byte("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), firstBroken, nil},
		"HTTP upgrade to HTTP/2":    {[]byte("GET / HTTP/1.1\r\nUpgrade: websocket, h2c\r\n\r\n"), firstBroken, nil},
		"HTTP upgrade with body":    {[]byte("GET / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n"), firstBroken, nil},
		"SSH":                       {[]byte("SSH-2.0-OpenSSH_9.2\r\n"), firstOther, nil},
		"SMTP":                      {[]byte("EHLO me.example\r\n"), firstOther, nil},
		"git (waits a second)":      {[]byte("003egit-upload-pack /x\x00host=x\x00"), firstUnknown, nil},
		"Postgres":                  {[]byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}, firstOther, nil},
		"a long word":               {[]byte(strings.Repeat("A", 40)), firstUnknown, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := readOpening(row.data)
			if got.kind != row.kind || !slices.Equal(got.hosts, row.hosts) {
				t.Errorf("got %+v, want kind %v hosts %q", got, row.kind, row.hosts)
			}
		})
	}
}

func TestAsksFor(t *testing.T) {
	for name, row := range map[string]struct {
		hosts []string
		ok    bool
	}{
		"none":             {nil, true},
		"same":             {[]string{"good.example"}, true},
		"upper case":       {[]string{"GOOD.Example"}, true},
		"trailing dot":     {[]string{"good.example."}, true},
		"other":            {[]string{"evil.example"}, false},
		"second is other":  {[]string{"good.example", "evil.example"}, false},
		"below":            {[]string{"a.good.example"}, false},
		"empty":            {[]string{""}, false},
		"NUL":              {[]string{"good.example\x00.evil.example"}, false},
		"not ASCII":        {[]string{"gооd.example"}, false},
		"address":          {[]string{"127.0.0.1"}, false},
		"two trailing dot": {[]string{"good.example.."}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := (opening{hosts: row.hosts}).asksFor("good.example"); ok != row.ok {
				t.Errorf("got %v", ok)
			}
		})
	}
}

// Whatever the bytes: no panic; a judgement other than "more" stays when more
// bytes come; what names a host names it in any cut of the same bytes.
func FuzzOpening(f *testing.F) {
	hello := clientHello(f, "good.example")
	f.Add(hello)
	f.Add(inRecords(hello, 7))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"))
	f.Add([]byte("CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"))
	f.Add([]byte{22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0})
	f.Add(versioned(hello, 0, 0))
	f.Add(append([]byte{21, 0, 0, 0, 2, 1, 90, 20, 3, 3, 0, 0}, hello...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			data = data[:4096]
		}
		whole := readOpening(data)
		for cut := range data {
			part := readOpening(data[:cut])
			if part.kind == firstUnknown {
				continue
			}
			if part.kind != whole.kind || !slices.Equal(part.hosts, whole.hosts) {
				t.Fatalf("%d bytes are %+v, %d bytes are %+v", cut, part, len(data), whole)
			}
			break
		}
	})
}

func FuzzHostName(f *testing.F) {
	for _, name := range []string{"example.com", "EXAMPLE.com.", "", ".", "a..b", "xn--bcher-kva", strings.Repeat("a.", 127)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, ok := hostName(name)
		if !ok {
			return
		}
		again, ok := hostName(got)
		if !ok || again != got || got != strings.ToLower(got) || bytes.ContainsAny([]byte(got), " \x00/@:") {
			t.Fatalf("%q became %q and then %q", name, got, again)
		}
	})
}
