package egress

import (
	"bytes"
	"net"
	"strconv"
	"strings"
)

// body is what follows the head of a request (RFC 9112, section 6).
type body int

const (
	bodyNone    body = iota
	bodyLength       // opening.length bytes
	bodyChunked      // chunks, of which the last is empty, and trailers
	bodySwitch       // another protocol, if the server agrees
)

// readRequestHead judges bytes that do not start like TLS. A request is a
// method, a target and a version on the first line; a protocol that starts
// with a word too (SMTP, IRC) is told apart by its first line's end. Empty
// lines before a request are skipped, as servers do.
func readRequestHead(all []byte) opening {
	data := bytes.TrimLeft(all, "\r\n")
	method := 0
	for method < len(data) && inMethod(data[method]) {
		method++
	}
	switch {
	case method == len(data):
		return opening{kind: firstUnknown}
	case method == 0, data[method] != ' ' && data[method] != '\t':
		return opening{kind: firstOther}
	}
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return opening{kind: firstUnknown}
	}
	parts := strings.Fields(string(data[:end]))
	versions := 0
	for _, part := range parts[1:] {
		if strings.HasPrefix(strings.ToUpper(part), "HTTP/") {
			versions++
		}
	}
	switch {
	case versions == 0:
		return opening{kind: firstOther}
	case len(parts) == 3 && parts[0] == "PRI" && parts[2] == "HTTP/2.0":
		return readPreface(data)
	case len(parts) != 3 || versions != 1 || parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0" || hasBare(withoutReturn(data[:end])):
		return opening{kind: firstBroken, reason: "an HTTP request whose first line cannot be read"}
	}
	return readHeaders(parts, data[:end+1], data[end+1:], len(all)-len(data)+end+1)
}

// hasBare reports whether a line has within it what some servers end it at.
func hasBare(line []byte) bool { return bytes.ContainsAny(line, "\r\x00") }

// withoutReturn takes the carriage return off that ends a line.
func withoutReturn(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\r")) }

// inMethod reports whether c may be in a method: RFC 9110's token.
func inMethod(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// head collects what the headers of a request say.
type head struct {
	found    opening
	lengths  []string
	codings  []string
	upgrades bool
	bare     bool // a line ends without a carriage return
}

// readHeaders collects the hosts of a request: of its target, where that
// names one, and of every Host header; and how its body ends. before is the
// number of bytes up to the end of the first line.
func readHeaders(parts []string, line, data []byte, before int) opening {
	h := head{found: opening{kind: firstHTTP}, bare: !bytes.HasSuffix(line, []byte("\r\n"))}
	if host, ok := hostOfTarget(parts[0], parts[1]); ok {
		h.found.hosts = append(h.found.hosts, host)
	}
	size, watched := before, true // as a header, what is folded behind the first line
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return opening{kind: firstUnknown}
		}
		line := withoutReturn(data[:end])
		h.bare = h.bare || len(line) == end
		data, size = data[end+1:], size+end+1
		switch {
		case len(line) == 0:
			h.found.size = size
			return h.settle(parts)
		case hasBare(line):
			return opening{kind: firstBroken, reason: "an HTTP request with a bare return or a NUL in a header"}
		case line[0] == ' ' || line[0] == '\t':
			if watched {
				return opening{kind: firstBroken, reason: "an HTTP request with a folded header that matters"}
			}
			continue
		}
		var reason string
		if watched, reason = h.read(line); reason != "" {
			return opening{kind: firstBroken, reason: "an HTTP request with " + reason}
		}
	}
}

// read takes one header. watched says that it is one that matters here.
func (h *head) read(line []byte) (watched bool, reason string) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	key := strings.ToLower(string(bytes.TrimSpace(name)))
	text := string(bytes.Trim(value, " \t"))
	switch key {
	case "host", "content-length", "transfer-encoding", "upgrade":
		if !ok || bytes.ContainsAny(value, "\r\x00") || key != "host" && len(key) != len(name) {
			return true, "a " + key + " that cannot be read"
		}
	}
	switch key {
	case "host":
		h.found.hosts = append(h.found.hosts, withoutPort(strings.TrimSpace(text)))
	case "content-length":
		h.lengths = append(h.lengths, text)
	case "transfer-encoding":
		h.codings = append(h.codings, strings.ToLower(text))
	case "upgrade":
		h.upgrades = true
		for protocol := range strings.SplitSeq(strings.ToLower(text), ",") {
			if strings.HasPrefix(strings.TrimSpace(protocol), "h2") {
				return true, "an upgrade to HTTP/2 without TLS: its hosts cannot be followed"
			}
		}
	default:
		return false, ""
	}
	return true, ""
}

// settle decides how the body ends. Whatever two readers may take differently
// is refused: one of them is the server.
func (h *head) settle(parts []string) opening {
	refuse := func(what string) opening {
		return opening{kind: firstBroken, reason: "an HTTP request with " + what}
	}
	switch {
	case len(h.lengths) > 0 && len(h.codings) > 0:
		return refuse("two lengths of its body")
	case (len(h.lengths) > 0 || len(h.codings) > 0) && h.bare:
		return refuse("a body, and a line that ends without a carriage return")
	case len(h.codings) > 0:
		if len(h.codings) > 1 || h.codings[0] != "chunked" || parts[2] != "HTTP/1.1" {
			return refuse("a transfer coding that is not chunked")
		}
		h.found.body = bodyChunked
	case len(h.lengths) > 0:
		length, err := strconv.ParseUint(h.lengths[0], 10, 62)
		if len(h.lengths) > 1 || err != nil || h.lengths[0][0] == '+' {
			return refuse("a content-length that cannot be read")
		}
		if h.found.length = int64(length); length > 0 {
			h.found.body = bodyLength
		}
	}
	if h.upgrades || strings.EqualFold(parts[0], "CONNECT") {
		if h.found.body != bodyNone {
			return refuse("a body, and a change of protocol")
		}
		h.found.body = bodySwitch
	}
	return h.found
}

// hostOfTarget returns the host of CONNECT's target and of a whole URL.
func hostOfTarget(method, target string) (string, bool) {
	if strings.EqualFold(method, "CONNECT") {
		return withoutPort(target), true
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok || strings.HasPrefix(target, "/") {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return withoutPort(rest), true
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
