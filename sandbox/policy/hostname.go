package policy

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// errHost is a host that is neither a name nor an address.
var errHost = errors.New("not a host name")

// normalName makes a name comparable: lower case, without the dot at its end.
// ok is false when it is not a host name of the DNS: at most 253 bytes of
// letters, digits, "-" and "_" in labels of at most 63. A name that ends in a
// number ("127.1", "0x7f000001") is refused, because resolvers take it for an
// address.
func normalName(host string) (name string, ok bool) {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return "", false
	}
	upper := false
	label, digits := 0, true
	for i := range len(host) {
		c := host[i]
		switch {
		case c == '.':
			if label == 0 || host[i-1] == '-' {
				return "", false
			}
			label, digits = 0, true
			continue
		case '0' <= c && c <= '9':
		case 'a' <= c && c <= 'z' || c == '_':
			digits = false
		case 'A' <= c && c <= 'Z':
			digits, upper = false, true
		case c == '-' && label > 0:
			digits = false
		default:
			return "", false
		}
		if label++; label > 63 {
			return "", false
		}
	}
	if label == 0 || digits || host[len(host)-1] == '-' {
		return "", false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if len(last) > 1 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') {
		return "", false
	}
	if upper {
		host = strings.ToLower(host)
	}
	return host, true
}

// matchDomain reports whether a normal name is the pattern's own, or lies below
// "*.name".
func matchDomain(pattern, name string) bool {
	if parent, wild := strings.CutPrefix(pattern, "*."); wild {
		n := len(name) - len(parent)
		return n > 1 && name[n-1] == '.' && name[n:] == parent
	}
	return pattern == name
}

// parseDomain reads an entry of allowed_domains: "api.example.com",
// "*.example.com", either with ":443".
func parseDomain(written string) (pattern string, port uint16, err error) {
	host := written
	switch {
	case strings.Contains(written, "://") || strings.ContainsAny(written, "/?#@"):
		return "", 0, errors.New("write only the host, without https:// and without a path")
	case written == "*":
		return "", 0, errors.New("leave allowed_domains out and write network_access: true to allow every domain")
	case strings.ContainsFunc(written, func(r rune) bool { return r > 0x7e }):
		return "", 0, errors.New("write the name in its ASCII form (xn--…)")
	}
	if _, err := parseAddressRule(written); err == nil {
		return "", 0, errors.New("this is an address; write it in allowed_ips")
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if port, err = parsePort(host[i+1:]); err != nil {
			return "", 0, err
		}
		host = host[:i]
	}
	parent, wild := strings.CutPrefix(host, "*.")
	if strings.Contains(parent, "*") {
		return "", 0, errors.New("a * stands only at the start, as in *.example.com")
	}
	name, ok := normalName(parent)
	if !ok {
		return "", 0, errHost
	}
	if wild {
		name = "*." + name
	}
	return name, port, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '+' {
		return 0, errors.New("a port is a number from 1 to 65535")
	}
	return uint16(n), nil
}

// parseAddressRule reads "10.0.0.5", "10.0.0.0/8", "10.0.0.5:5432", "::1",
// "fd00::/8", "[::1]:8080" and "[fd00::/8]:443". An IPv4 address written as an
// IPv6 one is the IPv4 address.
func parseAddressRule(written string) (AddressRule, error) {
	var rule AddressRule
	text := written
	if inner, rest, found := strings.Cut(strings.TrimPrefix(text, "["), "]"); found && strings.HasPrefix(text, "[") {
		text = inner
		if rest != "" {
			port, err := parsePort(strings.TrimPrefix(rest, ":"))
			if err != nil || rest[0] != ':' {
				return rule, errors.New("write a port like [::1]:8080")
			}
			rule.Port = port
		}
	} else if strings.Count(text, ":") == 1 {
		host, port, _ := strings.Cut(text, ":")
		n, err := parsePort(port)
		if err != nil {
			return rule, err
		}
		text, rule.Port = host, n
	}
	if strings.Contains(text, "%") {
		return rule, errors.New("an address with a zone cannot be listed")
	}
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return rule, errors.New("not an address; write it like 10.0.0.5, 10.0.0.0/8 or fd00::/8")
		}
		addr = addr.Unmap()
		rule.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return rule, nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return rule, errors.New("not an address range; write it like 10.0.0.0/8 or fd00::/8")
	}
	if addr := prefix.Addr(); addr.Is4In6() {
		if prefix.Bits() < 96 {
			return rule, errors.New("write IPv4 ranges as IPv4, like 10.0.0.0/8")
		}
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	rule.Prefix = prefix
	return rule, nil
}

// literalAddress reads a host that is an address in text form. It looks before
// it parses, because a parse error costs an allocation.
func literalAddress(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(host, ".")
	if host == "" {
		return netip.Addr{}, false
	}
	if last := host[len(host)-1]; strings.IndexByte(host, ':') < 0 && (last < '0' || last > '9') {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	return addr, err == nil
}

// embedded4 is the IPv4 address that an IPv6 address carries for a gateway on
// the way (NAT64 64:ff9b::/96, 6to4 2002::/16, IPv4-compatible ::/96).
func embedded4(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() || addr.IsLoopback() || addr.IsUnspecified() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && allZero(b[4:12]), allZero(b[:12]):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return netip.Addr{}, false
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
