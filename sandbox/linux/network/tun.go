//go:build linux

package network

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/translate"
)

const (
	deviceName  = "cage"
	deviceTable = 1 // routing table of what goes to the device; any number but the kernel's own
)

// makeDevice opens a TUN device and routes TCP, and datagrams to port 53, to
// it. Everything else has no route, so that it fails at once.
func makeDevice(devices string) (*os.File, error) {
	file, err := openDevice(devices)
	if err != nil {
		return nil, err
	}
	if err := routeToDevice(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func openDevice(devices string) (*os.File, error) {
	fd, err := unix.Open(devices+"/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, missingDevice("open /dev/net/tun", err)
	}
	request, err := unix.NewIfreq(deviceName)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		// Checksums are left out where the packet never leaves the machine; a
		// kernel that cannot makes them, and that is no harm.
		_ = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM)
		// The device is the namespace's and ends with it. Otherwise the last
		// close would wait some 20 ms for it, and the run's end with it.
		err = unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, missingDevice("make TUN device", err)
	}
	return os.NewFile(uintptr(fd), "TUN device"), nil
}

func missingDevice(op string, err error) error {
	return &Error{
		Op: op, Kind: KindMissing, Err: err,
		Hint: "let users open the TUN device: modprobe tun, and chmod 0666 /dev/net/tun (udev does both)",
	}
}

func routeToDevice() error {
	link, err := netlink.LinkByName(deviceName)
	if err == nil {
		err = netlink.LinkSetMTU(link, translate.MTU)
	}
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return failed("bring TUN device up", err)
	}
	index := link.Attrs().Index
	if err := route4(link, index); err != nil {
		return err
	}
	if err := route6(link, index); err != nil && !noIPv6(err) {
		return failed("route IPv6 to TUN device", err)
	}
	return nil
}

func route4(link netlink.Link, index int) error {
	own := &netlink.Addr{IPNet: hostNet(netip.MustParseAddr(translate.Own4)), Flags: unix.IFA_F_NOPREFIXROUTE}
	if err := netlink.AddrAdd(link, own); err != nil {
		return failed("add address "+translate.Own4, err)
	}
	everything := &netlink.Route{
		LinkIndex: index, Table: deviceTable, Scope: netlink.SCOPE_LINK, Src: own.IP,
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	}
	// Answers to datagrams go back the way that they came.
	back := &netlink.Route{
		LinkIndex: index, Scope: netlink.SCOPE_LINK, Src: own.IP, Dst: hostNet(netip.MustParseAddr(translate.Peer4)),
	}
	for _, route := range []*netlink.Route{everything, back} {
		if err := netlink.RouteAdd(route); err != nil {
			return failed("add route", err)
		}
	}
	for _, kind := range []struct {
		protocol int
		port     *netlink.RulePortRange
	}{{unix.IPPROTO_TCP, nil}, {unix.IPPROTO_UDP, netlink.NewRulePortRange(dnsPort, dnsPort)}} {
		if err := addRule(netlink.FAMILY_V4, kind.protocol, kind.port); err != nil {
			return err
		}
	}
	return nil
}

func route6(link netlink.Link, index int) error {
	own := &netlink.Addr{IPNet: hostNet(netip.MustParseAddr(translate.Own6)), Flags: unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE}
	if err := netlink.AddrAdd(link, own); err != nil {
		return err
	}
	everything := &netlink.Route{
		LinkIndex: index, Table: deviceTable, Dst: &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
	if err := netlink.RouteAdd(everything); err != nil {
		return err
	}
	return addRule(netlink.FAMILY_V6, unix.IPPROTO_TCP, nil)
}

// addRule sends a protocol to the device's routing table.
func addRule(family, protocol int, port *netlink.RulePortRange) error {
	rule := netlink.NewRule()
	rule.Family, rule.Table, rule.IPProto, rule.Dport = family, deviceTable, protocol, port
	err := netlink.RuleAdd(rule)
	if err == nil || errors.Is(err, unix.EPERM) {
		return failedOrNil("add routing rule", err)
	}
	return &Error{
		Op: "add routing rule", Kind: KindMissing, Err: err,
		Hint: "the kernel needs routing rules by protocol: 4.17 or later with CONFIG_IP_MULTIPLE_TABLES",
	}
}

func failedOrNil(op string, err error) error {
	if err == nil {
		return nil
	}
	return failed(op, err)
}
