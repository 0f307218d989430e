package configs

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (v *validator) gateway() {
	g := v.config().Gateway
	v.host()
	v.reference("gateway.gateway_token", g.Token, "gateway")
	v.addresses("gateway.trusted_proxies", g.TrustedProxies)
	for i, proxy := range g.TrustedProxies {
		if prefix, err := netip.ParsePrefix(proxy); err == nil && prefix.Bits() == 0 {
			v.fail(itemKey("gateway.trusted_proxies", i), "name the proxy's address", "%s trusts everybody", proxy)
		}
	}
	for i, origin := range g.AllowedOrigins {
		if u, err := url.Parse(origin); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" || strings.Contains(u.Host, "*") {
			v.fail(itemKey("gateway.allowed_origins", i), "write https://host or https://host:port, with no path", "%s is not an origin", quote(origin))
		}
	}
	for i, host := range g.AllowedHosts {
		if !validHost(host) {
			v.fail(itemKey("gateway.allowed_hosts", i), "write a name such as gateway.example.com, or name:port", "%s is not a host", quote(host))
		}
	}
	rotation := g.TokenRotation
	if rotation.NotifyBeforeDays >= rotation.IntervalDays && (rotation.Enabled || v.written("gateway.token_rotation.notify_before_days")) {
		v.fail("gateway.token_rotation.notify_before_days", "", "%d days are not before the end of %d days", rotation.NotifyBeforeDays, rotation.IntervalDays)
	}
	if v.written("gateway.require_auth") && !g.RequireAuth {
		v.warn("gateway.require_auth", "write true", "every program on this machine can use the gateway and the keys behind it")
	}
	if !g.RateLimiting.Enabled && v.written("gateway.rate_limiting") {
		v.warn("gateway.rate_limiting", "write enabled: true", "rate limiting is off")
	}
}

// host checks that a listener that others can reach is protected.
func (v *validator) host() {
	g := v.config().Gateway
	const key = "gateway.host"
	if g.Host == "" {
		v.fail(key, "write 127.0.0.1", "is empty")
		return
	}
	address, err := netip.ParseAddr(g.Host)
	if err != nil && g.Host != "localhost" {
		v.fail(key, "write an address of this machine, such as 127.0.0.1", "%s is not an address", quote(g.Host))
		return
	}
	if g.Host == "localhost" || address.Unmap().IsLoopback() {
		return
	}
	if !g.RequireAuth {
		v.fail(key, "write require_auth: true", "%s can be reached from elsewhere, and the gateway asks nobody who they are", g.Host)
	}
	switch {
	case g.TLS.Enabled:
	case g.BehindProxy && len(g.TrustedProxies) > 0:
	case g.BehindProxy:
		v.fail(key, "name the proxy in trusted_proxies", "%s can be reached from elsewhere, and behind_proxy trusts no proxy", g.Host)
	default:
		v.fail(key, "turn gateway.tls on, or write behind_proxy: true with trusted_proxies, or host: 127.0.0.1", "%s can be reached from elsewhere, without TLS", g.Host)
	}
}

func validHost(host string) bool {
	name, port, hasPort := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") || strings.Count(host, ":") > 1 {
		_, err := netip.ParseAddrPort(host)
		_, plain := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil || plain == nil
	}
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || !plainName(label) {
			return false
		}
	}
	return true
}

func (v *validator) tls() {
	t := v.config().Gateway.TLS
	const key = "gateway.tls"
	if v.written(key) && !t.Enabled && (v.written(key+".cert_file") || v.written(key+".ca_file")) && !v.written(key+".enabled") {
		v.warn(key, "write enabled: true", "is described and not enabled")
	}
	if t.CAFile == "" && t.ClientAuth == "required" {
		v.fail(key+".client_auth", "write ca_file, the PEM file of the authority that signs client certificates", "required needs ca_file")
	}
	if t.CAFile == "" && t.ClientAuth == "optional" {
		v.warn(key+".client_auth", "write ca_file", "without ca_file no client certificate can be checked")
	}
	if t.CAFile == "" && t.CRLFile != "" {
		v.fail(key+".crl_file", "write ca_file", "is the list of an authority, and ca_file names none")
	}
	v.cipherSuites(key+".cipher_suites", t)
}

// cipherSuites checks names, and whether Go's TLS can keep to the list. It has no
// switch for the suites of TLS 1.3: the gateway keeps to a list by refusing a hello
// for which Go would choose another suite, so the list must hold the one that Go
// chooses for nearly every client.
func (v *validator) cipherSuites(key string, t TLS) {
	if t.CipherSuites == nil {
		return
	}
	if len(t.CipherSuites) == 0 {
		v.fail(key, "remove the key for Go's own choice", "is empty: no client could connect")
		return
	}
	insecure := names(tls.InsecureCipherSuites(), 0)
	modern, older := names(tls.CipherSuites(), tls.VersionTLS13), names(tls.CipherSuites(), tls.VersionTLS12)
	known := slices.Concat(modern, older)
	of13, of12, failed := 0, 0, len(v.problems)
	for i, suite := range t.CipherSuites {
		item := itemKey(key, i)
		switch {
		case slices.Contains(insecure, suite):
			v.fail(item, "remove it", "%s is not secure", suite)
		case slices.Contains(modern, suite):
			of13++
		case slices.Contains(older, suite):
			of12++
			if t.MinTLSVersion == "1.3" {
				v.warn(item, "", "%s belongs to TLS 1.2, which min_tls_version refuses", suite)
			}
		default:
			v.fail(item, "", "%s is not a cipher suite of Go's TLS%s", quote(suite), didYouMean(suite, known))
		}
	}
	switch {
	case len(v.problems) > failed && slices.ContainsFunc(v.problems[failed:], func(p Problem) bool { return !p.Warning }):
	case of13 == 0 && t.MinTLSVersion == "1.3":
		v.fail(key, "add suites of TLS 1.3, or remove the key", "holds no suite that min_tls_version allows")
	case of13 == 0:
		v.warn(key, "", "holds no suite of TLS 1.3: version 1.3 is not offered")
	case of12 == 0 && t.MinTLSVersion == "1.2":
		v.warn(key, "", "holds no suite of TLS 1.2: version 1.2 is not offered")
	}
	if of13 == 0 {
		return
	}
	if !slices.Contains(t.CipherSuites, goFirst) {
		v.fail(key, "add "+goFirst+", or remove the key", "leaves out %s, which Go's TLS 1.3 chooses for every client that offers it, and that cannot be switched off", goFirst)
	}
	if !slices.Contains(t.CipherSuites, goSecond) {
		v.warn(key, "add "+goSecond+" for machines without AES hardware", "leaves out %s: a client that prefers it is not served over TLS 1.3, because Go's TLS would choose it", goSecond)
	}
}

// What Go's TLS 1.3 chooses where both sides have AES hardware, and elsewhere
// (crypto/tls, defaultCipherSuitesTLS13 and defaultCipherSuitesTLS13NoAES).
const (
	goFirst  = "TLS_AES_128_GCM_SHA256"
	goSecond = "TLS_CHACHA20_POLY1305_SHA256"
)

// names lists the suites that a TLS version has; 0 is any version.
func names(suites []*tls.CipherSuite, version uint16) []string {
	var found []string
	for _, suite := range suites {
		if version == 0 || slices.Contains(suite.SupportedVersions, version) {
			found = append(found, suite.Name)
		}
	}
	return found
}

// loopbackHost reports whether a URL's host is this machine.
func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

func (v *validator) client() {
	c := v.config().Client
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		v.fail("client.tls", "", "cert_file and key_file go together")
	}
	if c.GatewayURL == "" {
		return
	}
	at, err := ParseGatewayURL(c.GatewayURL)
	if bad, is := errors.AsType[*URLError](err); is {
		v.fail("client.gateway_url", bad.Hint, "%s", bad.Message)
		return
	}
	if !c.TLS.VerifyServer && at.Secure && !at.Loopback {
		v.warn("client.tls.verify_server", "write true", "false is refused for %s unless --insecure is given too", quote(at.Host))
	}
}
