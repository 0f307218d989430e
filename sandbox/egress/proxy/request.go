package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// request is what a program asked of the proxy.
type request struct {
	host      string // a name or an address, as it was written
	port      uint16
	authority string // Proxy-Authorization
	head      []byte // what goes to the server first; empty for a tunnel
	rest      []byte // what was read behind the head

	from        netip.AddrPort // where the program's own end is
	destination netip.AddrPort // at egress
}

// target is host:port, safe to show.
func (r *request) target() string { return net.JoinHostPort(r.host, strconv.Itoa(int(r.port))) }

// status is an answer that ends a request.
type status struct {
	code int
	text string
}

func (s *status) Error() string { return s.text }

var errToken = &status{code: http.StatusProxyAuthRequired, text: "openclaw: this proxy is of one run alone; use the address in HTTP_PROXY"}

func bad(text string) error { return &status{code: http.StatusBadRequest, text: "openclaw: " + text} }

// readRequest reads the head of a request, within maxHead and headTimeout, and
// not a byte of what follows on the way to the server but keeps it.
func readRequest(conn net.Conn) (*request, error) {
	if err := conn.SetReadDeadline(time.Now().Add(headTimeout)); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxHead}
	reader := bufio.NewReader(limited)
	asked, err := parseRequest(reader)
	if err != nil {
		return nil, err
	}
	if asked.rest, err = reader.Peek(reader.Buffered()); err != nil {
		return nil, err
	}
	asked.rest = bytes.Clone(asked.rest)
	return asked, conn.SetReadDeadline(time.Time{})
}

// parseRequest reads a head.
func parseRequest(reader *bufio.Reader) (*request, error) {
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, bad("a request that cannot be read")
	}
	asked := &request{authority: r.Header.Get("Proxy-Authorization")}
	if r.Method == http.MethodConnect {
		if r.ContentLength > 0 || len(r.TransferEncoding) > 0 {
			return nil, bad("a CONNECT with a body")
		}
		asked.host, asked.port, err = hostPort(r.RequestURI, 0)
		return asked, err
	}
	if r.URL.Scheme != "http" || r.URL.Host == "" || r.URL.User != nil {
		return nil, bad("this is a proxy: it takes CONNECT and http:// URLs")
	}
	if asked.host, asked.port, err = hostPort(r.URL.Host, 80); err != nil {
		return nil, err
	}
	asked.head, err = forwarded(r)
	return asked, err
}

// hostPort reads "host:port"; without a port the default one counts, if there
// is one.
func hostPort(written string, standard uint16) (string, uint16, error) {
	host, port, err := net.SplitHostPort(written)
	if err != nil {
		if standard == 0 {
			return "", 0, bad("CONNECT takes host:port")
		}
		host, port = strings.Trim(written, "[]"), strconv.Itoa(int(standard))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '+' {
		return "", 0, bad("a port is a number from 1 to 65535")
	}
	if !plainHost(host) {
		return "", 0, bad("not a host name")
	}
	return host, uint16(n), nil
}

// plainHost keeps what can be neither a name nor an address out of answers and
// denials.
func plainHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	for i := range len(host) {
		c := host[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(".-_:", c) >= 0
		if !plain {
			return false
		}
	}
	return true
}

// forwarded is the head as the server gets it: the path instead of the whole
// URL, one request for the connection, nothing that was meant for the proxy.
func forwarded(r *http.Request) ([]byte, error) {
	for name := range strings.SplitSeq(strings.Join(r.Header["Connection"], ","), ",") {
		if name = strings.TrimSpace(name); name != "" {
			r.Header.Del(name)
		}
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Content-Length",
	} {
		r.Header.Del(name)
	}
	var b bytes.Buffer
	path := (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}).RequestURI()
	b.WriteString(r.Method + " " + path + " HTTP/1.1\r\nHost: " + r.URL.Host + "\r\n")
	switch {
	case len(r.TransferEncoding) > 0:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case r.ContentLength > 0:
		b.WriteString("Content-Length: " + strconv.FormatInt(r.ContentLength, 10) + "\r\n")
	case r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("Connection: close\r\n")
	if err := r.Header.Write(&b); err != nil {
		return nil, bad("a header that cannot be passed on")
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// answer tells a program why its request ends.
func answer(conn net.Conn, why error) {
	s, ok := errors.AsType[*status](why)
	if !ok {
		return
	}
	writeStatus(conn, s)
}

func writeStatus(conn net.Conn, s *status) {
	body := s.text + "\n"
	head := "HTTP/1.1 " + strconv.Itoa(s.code) + " " + http.StatusText(s.code) + "\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	if s.code == http.StatusProxyAuthRequired {
		head += "Proxy-Authenticate: Basic realm=\"openclaw\"\r\n"
	}
	if err := conn.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return
	}
	_, _ = conn.Write([]byte(head + "\r\n" + body)) // the program may be gone
}
