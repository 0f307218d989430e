package egress

import (
	"bytes"
	"net"
	"strings"
)

// maxMethod is longer than any registered HTTP method.
const maxMethod = 24

// readRequestHead judges bytes that do not start like TLS. A request is a
// method, a target and a version on the first line; a protocol that starts
// with a word too (SMTP, IRC) is told apart by its first line's end. Empty
// lines before a request are skipped, as servers do.
func readRequestHead(data []byte) opening {
	data = bytes.TrimLeft(data, "\r\n")
	method := 0
	for method < len(data) && method <= maxMethod && inMethod(data[method]) {
		method++
	}
	switch {
	case method == len(data) && method <= maxMethod:
		return opening{kind: firstUnknown}
	case method == 0, method > maxMethod, data[method] != ' ':
		return opening{kind: firstOther}
	}
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return opening{kind: firstUnknown}
	}
	parts := strings.Fields(string(data[:end]))
	if len(parts) < 2 || !strings.HasPrefix(strings.ToUpper(parts[len(parts)-1]), "HTTP/") {
		return opening{kind: firstOther}
	}
	if len(parts) != 3 {
		return opening{kind: firstBroken, reason: "an HTTP request whose first line cannot be read"}
	}
	if parts[0] == "PRI" && parts[2] == "HTTP/2.0" {
		return opening{kind: firstOther} // HTTP/2 without TLS: the host is compressed; the address binds the name
	}
	return readHeaders(parts[0], parts[1], data[end+1:])
}

func inMethod(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_'
}

// readHeaders collects the hosts of a request: of its target, where that
// names one, and of every Host header.
func readHeaders(method, target string, data []byte) opening {
	found := opening{kind: firstHTTP}
	if host, ok := hostOfTarget(method, target); ok {
		found.hosts = append(found.hosts, host)
	}
	afterHost := false
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return opening{kind: firstUnknown}
		}
		line := bytes.TrimSuffix(data[:end], []byte("\r"))
		data = data[end+1:]
		if len(line) == 0 {
			return found
		}
		if line[0] == ' ' || line[0] == '\t' {
			if afterHost {
				return opening{kind: firstBroken, reason: "an HTTP request with a folded Host"}
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		afterHost = strings.EqualFold(string(bytes.TrimSpace(name)), "host")
		if !afterHost {
			continue
		}
		if !ok || bytes.ContainsAny(value, "\r\x00") {
			return opening{kind: firstBroken, reason: "an HTTP request with a Host that cannot be read"}
		}
		found.hosts = append(found.hosts, withoutPort(string(bytes.TrimSpace(value))))
	}
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
