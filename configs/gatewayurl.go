package configs

import (
	"net/url"
	"strconv"
	"strings"
)

// GatewayURL is where a client finds a gateway.
type GatewayURL struct {
	URL      string // ws:// or wss://; empty for a socket
	Socket   string // absolute path of a unix socket
	Host     string // name or address
	Secure   bool   // wss
	Loopback bool   // the host is this machine
}

// URLError is why a text is no gateway's URL. It holds nothing of the text but the
// scheme and the host.
type URLError struct {
	Message string
	Hint    string
}

func (e *URLError) Error() string { return e.Message }

// ParseGatewayURL reads ws://HOST:PORT of this machine, wss://HOST:PORT, or
// unix:///path/to/gateway.sock. An error is a *URLError.
func ParseGatewayURL(text string) (GatewayURL, error) {
	bad := func(hint, message string) (GatewayURL, error) {
		return GatewayURL{}, &URLError{Message: message, Hint: hint}
	}
	const like = "write wss://host:port"
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > 2048 || u.Opaque != "":
		return bad(like, "is not a URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return bad("the token goes into OPENCLAW_GATEWAY_TOKEN", "must hold no user, password, query or fragment")
	case u.Scheme == "unix":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.ContainsRune(u.Path, 0) {
			return bad("write unix:///path/to/gateway.sock", "needs an absolute path")
		}
		return GatewayURL{Socket: u.Path, Loopback: true}, nil
	case u.Scheme != "ws" && u.Scheme != "wss":
		return bad(like, quote(u.Scheme)+" is not ws, wss or unix")
	case u.Hostname() == "":
		return bad(like, "names no host")
	case u.Path != "" && u.Path != "/":
		return bad(like, "must hold no path")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return bad(like, "holds a port that is not one of 1 to 65535")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return bad(like, "holds no port after the colon")
	}
	at := GatewayURL{URL: u.Scheme + "://" + u.Host + "/", Host: u.Hostname(), Secure: u.Scheme == "wss", Loopback: loopbackHost(u.Hostname())}
	if !at.Secure && !at.Loopback {
		return bad("write wss://", "sends the token to "+quote(at.Host)+" in the clear")
	}
	return at, nil
}
