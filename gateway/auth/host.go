package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Site is what the gateway answers to: its port, and the names and origins
// that the config adds to its own. It is immutable.
type Site struct {
	Port    uint16
	Secure  bool     // it speaks TLS: its own origin is https
	Hosts   []string // name, or name:port
	Origins []string // scheme://host[:port]
}

// CheckHost reports whether the Host header names this gateway: 127.0.0.1,
// localhost or [::1] with the gateway's port, or a configured name. A page that
// rebinds its own name to a loopback address fails here, because its name is
// in the header.
func (s Site) CheckHost(host string) bool {
	name, port, ok := splitHost(host)
	if !ok {
		return false
	}
	if port == strconv.Itoa(int(s.Port)) && isLoopbackName(name) {
		return true
	}
	for _, allowed := range s.Hosts {
		wanted, wantedPort, fine := splitHost(allowed)
		if fine && strings.EqualFold(name, wanted) && (wantedPort == "" || wantedPort == port) {
			return true
		}
	}
	return false
}

// CheckOrigin reports whether a request may come from where it says. A request
// without an Origin comes from no browser. Every other origin must be this
// gateway's own or a configured one, to the letter; "null" never is.
func (s Site) CheckOrigin(header http.Header) bool {
	values := header.Values("Origin")
	switch len(values) {
	case 0:
		return true
	case 1:
	default:
		return false
	}
	origin := values[0]
	for _, allowed := range s.Origins {
		if allowed != "" && allowed != "null" && strings.EqualFold(origin, allowed) {
			return true
		}
	}
	scheme := "http://"
	if s.Secure {
		scheme = "https://"
	}
	host, own := strings.CutPrefix(origin, scheme)
	if !own {
		return false
	}
	name, port, ok := splitHost(host)
	return ok && port == strconv.Itoa(int(s.Port)) && isLoopbackName(name)
}

// CheckFetchSite reports whether a browser says that the request comes from
// this site itself or from the person. Node's clients send Sec-Fetch-Mode, so
// only Sec-Fetch-Site is judged.
func CheckFetchSite(header http.Header) bool {
	for _, value := range header.Values("Sec-Fetch-Site") {
		if value != "same-origin" && value != "none" {
			return false
		}
	}
	return true
}

// splitHost splits "name", "name:port", "[::1]" and "[::1]:port", and refuses
// everything that is not one of these.
func splitHost(host string) (name, port string, ok bool) {
	if host == "" || len(host) > 255+6 || strings.ContainsAny(host, "/@\\ \t\r\n?#%,") {
		return "", "", false
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		address, rest, closed := strings.Cut(inner, "]")
		ip, err := netip.ParseAddr(address)
		if !closed || err != nil || !ip.Is6() {
			return "", "", false
		}
		if rest == "" {
			return ip.String(), "", true
		}
		port, ok = strings.CutPrefix(rest, ":")
		return ip.String(), port, ok && isPort(port)
	}
	if !strings.Contains(host, ":") {
		return host, "", true
	}
	name, port, err := net.SplitHostPort(host)
	return name, port, err == nil && name != "" && isPort(port)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

func isLoopbackName(name string) bool {
	return name == "127.0.0.1" || name == "::1" || strings.EqualFold(name, "localhost")
}
