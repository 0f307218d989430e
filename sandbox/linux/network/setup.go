//go:build linux

package network

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/translate"
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
const ownIPv4 = translate.Own4

// Way is how connections elsewhere reach Sockets.TCP.
type Way string

// The ways. AnyWay takes the redirect where the kernel has nf_tables and the
// TUN device elsewhere; which of them is found by doing it.
const (
	AnyWay      Way = ""
	WayRedirect Way = "redirect" // nf_tables inside the namespace
	WayTUN      Way = "tun"      // a TUN device, and package translate at its other end
)

// Options says what the cage's network offers.
type Options struct {
	// Gateway is the agent endpoint, an address in 127.0.0.0/8 with its port.
	// The zero value gives the cage no endpoint.
	Gateway netip.AddrPort

	// Outbound redirects TCP to Sockets.TCP. False: nothing leaves.
	Outbound bool

	// Forward names addresses in 127.0.0.0/8 whose connections leave as well,
	// instead of ending at the cage's own loopback. They are what a policy's
	// allowed_ips names of the host's loopback. With WayTUN each is a listener
	// of its own, so no program inside can listen there.
	Forward []netip.AddrPort

	// Up says that RaiseLoopback has been called.
	Up bool

	// Devices is the folder in which the caller has the host's devices; empty: /dev.
	Devices string

	// Way forces one of the two. At the other end (FromFiles) it is the one
	// that was taken (Sockets.Way).
	Way Way
}

// Setup configures the net namespace of the calling process, which must be
// fresh and in which the caller must hold CAP_NET_ADMIN and
// CAP_NET_BIND_SERVICE. On an error the namespace is unusable: throw it away.
func Setup(o Options) (*Sockets, error) {
	if err := checkOptions(o); err != nil {
		return nil, err
	}
	if !o.Up {
		if err := RaiseLoopback(); err != nil {
			return nil, err
		}
	}
	if !o.Outbound {
		o.Way = AnyWay
		return listen(o, nil)
	}
	listener, err := listenEverywhere(append([]netip.AddrPort{o.Gateway}, o.Forward...)...)
	if err != nil {
		return nil, err
	}
	port, err := localPort(listener)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	reason, device, err := choose(&o, port)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	sockets, err := listen(o, listener)
	if err != nil {
		_ = listener.Close()
		if device != nil {
			_ = device.Close()
		}
		return nil, err
	}
	sockets.TUN, sockets.Way, sockets.Reason = device, o.Way, reason
	return sockets, nil
}

// choose builds the way that o names, or the first that works, and puts it
// into o. reason says why the redirect was not taken.
func choose(o *Options, port uint16) (reason string, device *os.File, err error) {
	wanted := o.Way
	if wanted != WayTUN {
		err = addRules(port, o.Forward)
		if err == nil {
			o.Way = WayRedirect
			return "", nil, routeToLoopback()
		}
		if typed, ok := errors.AsType[*Error](err); wanted == WayRedirect || !ok || typed.Kind != KindMissing {
			return "", nil, err
		}
		reason = err.Error()
	}
	o.Way = WayTUN
	device, tunErr := makeDevice(cmp.Or(o.Devices, "/dev"))
	if tunErr != nil && wanted == AnyWay {
		tunErr = &Error{
			Op: "lead connections to the supervisor", Kind: KindMissing, Err: fmt.Errorf("%w; and %w", err, tunErr),
			Hint: "load the modules nf_tables, nft_chain_nat and nft_redir (modprobe), or let users open the TUN device (modprobe tun; chmod 0666 /dev/net/tun)",
		}
	}
	return reason, device, tunErr
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

// RaiseLoopback brings the interface up. Setup does it unless it has been done,
// which can be before anybody knows what the network is to be.
func RaiseLoopback() error {
	if err := netlink.LinkSetUp(loopback()); err != nil {
		return failed("bring loopback up", err)
	}
	return nil
}

// loopback is the first interface of every namespace (LOOPBACK_IFINDEX of the
// kernel's include/net/net_namespace.h).
func loopback() netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}
}

// routeToLoopback routes everything to lo: the output rules take it from there.
func routeToLoopback() error {
	lo := loopback()
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
	if err := netlink.RouteAdd(everything6); err != nil && !noIPv6(err) {
		return failed("add IPv6 route", err)
	}
	return nil
}

// noIPv6 reports whether an error says that this machine has no IPv6. Then
// there is no route, and a connection gets ENETUNREACH at once.
func noIPv6(err error) bool {
	for _, none := range []error{unix.EOPNOTSUPP, unix.EAFNOSUPPORT, unix.EACCES, unix.ENETDOWN, unix.ENODEV} {
		if errors.Is(err, none) {
			return true
		}
	}
	return false
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
