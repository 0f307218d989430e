//go:build linux

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Resolver is the address at which a cage's DNS listens, port 53. A cage's
// resolv.conf names it; queries to any other IPv4 server arrive there too.
const Resolver = "127.0.0.1"

// ownIPv4 is the cage's own address beside loopback. It exists so that programs
// see a configured network (getaddrinfo with AI_ADDRCONFIG gives no IPv4
// address without one). It is the last address of the benchmark range (RFC
// 2544), whose other addresses stand for names. IPv6 has none: a resolver then
// does not ask for what it would not get, and the kernel makes a new IPv6
// address usable some time later, which would lose the first connections.
const ownIPv4 = "198.19.255.254"

// Options says what the cage's network offers.
type Options struct {
	// Gateway is the agent endpoint, an address in 127.0.0.0/8 with its port.
	// The zero value gives the cage no endpoint.
	Gateway netip.AddrPort

	// Outbound redirects TCP to Sockets.TCP. False: nothing leaves.
	Outbound bool

	// Forward names addresses in 127.0.0.0/8 whose connections are redirected
	// to Sockets.TCP as well, instead of ending at the cage's own loopback.
	// They are what a policy's allowed_ips names of the host's loopback.
	Forward []netip.AddrPort
}

// Setup configures the net namespace of the calling process, which must be
// fresh and in which the caller must hold CAP_NET_ADMIN and
// CAP_NET_BIND_SERVICE. On an error the namespace is unusable: throw it away.
func Setup(o Options) (*Sockets, error) {
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	if err := configureLoopback(o.Outbound); err != nil {
		return nil, err
	}
	sockets, err := listen(o)
	if err != nil {
		return nil, err
	}
	if o.Outbound {
		port, err := localPort(sockets.TCP)
		if err == nil {
			err = addRules(port, o.Forward)
		}
		if err != nil {
			sockets.Close()
			return nil, err
		}
	}
	return sockets, nil
}

func checkOptions(o Options) error {
	if o.Gateway.IsValid() && (!isLoopback4(o.Gateway) || o.Gateway.Port() == 53) {
		return &Error{
			Op: "check gateway address", Err: fmt.Errorf("%s cannot be served inside a cage", o.Gateway),
			Hint: "let the gateway listen on 127.0.0.1 and a port other than 53",
		}
	}
	for _, address := range o.Forward {
		if !isLoopback4(address) {
			return &Error{Op: "check forwarded address", Err: fmt.Errorf("%s is not an address of 127.0.0.0/8 with a port", address)}
		}
	}
	return nil
}

func isLoopback4(a netip.AddrPort) bool {
	return a.Addr().Is4() && a.Addr().IsLoopback() && a.Port() != 0
}

// configureLoopback brings lo up and, for outbound, routes everything to it:
// the output rules take it from there.
func configureLoopback(outbound bool) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return failed("find loopback interface", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return failed("bring loopback up", err)
	}
	if !outbound {
		return nil
	}
	own := &netlink.Addr{IPNet: hostNet(netip.MustParseAddr(ownIPv4)), Flags: unix.IFA_F_NOPREFIXROUTE}
	if err := netlink.AddrAdd(lo, own); err != nil {
		return failed("add address "+ownIPv4, err)
	}
	everything := &netlink.Route{
		LinkIndex: lo.Attrs().Index, Scope: netlink.SCOPE_LINK, Src: own.IP,
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	}
	if err := netlink.RouteAdd(everything); err != nil {
		return failed("add route", err)
	}
	everything6 := &netlink.Route{
		LinkIndex: lo.Attrs().Index,
		Dst:       &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
	err = netlink.RouteAdd(everything6)
	for _, none := range []error{unix.EOPNOTSUPP, unix.EAFNOSUPPORT, unix.EACCES, unix.ENETDOWN, unix.ENODEV} {
		if errors.Is(err, none) {
			return nil // no IPv6 on this machine: no route, ENETUNREACH at once
		}
	}
	if err != nil {
		return failed("add IPv6 route", err)
	}
	return nil
}

func hostNet(address netip.Addr) *net.IPNet {
	return &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(address.BitLen(), address.BitLen())}
}

func failed(op string, err error) error {
	hint := ""
	if errors.Is(err, unix.EPERM) {
		hint = "this machine gives no network rights inside a user namespace; on Ubuntu an AppArmor profile for openclaw that allows userns is the cure"
	}
	return &Error{Op: op, Err: err, Hint: hint}
}
