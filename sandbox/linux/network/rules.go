//go:build linux

package network

import (
	"errors"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const dnsPort = 53

// Offsets in the IPv4, IPv6, TCP and UDP headers.
const (
	destination4    = 16
	destination6    = 24
	destinationPort = 2
)

// addRules installs one inet table with two chains at the output hook. The nat
// chain sends connections to the listener at port; the filter chain, which
// runs after it, drops whatever is then not for the namespace itself. A drop
// at the output hook is EPERM for the sender.
func addRules(port uint16, forward []netip.AddrPort) error {
	conn, err := nftables.New()
	if err != nil {
		return failed("open nf_tables", err)
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "cage"})
	redirect := conn.AddChain(&nftables.Chain{
		Name: "redirect", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	drop := nftables.ChainPolicyDrop
	guard := conn.AddChain(&nftables.Chain{
		Name: "guard", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter, Policy: &drop,
	})
	add := func(chain *nftables.Chain, parts ...[]expr.Any) {
		var all []expr.Any
		for _, part := range parts {
			all = append(all, part...)
		}
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: all})
	}
	loopback4 := bytesAt(destination4, []byte{127})
	own4 := bytesAt(destination4, netip.MustParseAddr(ownIPv4).AsSlice())
	loopback6 := bytesAt(destination6, netip.IPv6Loopback().AsSlice())

	add(redirect, family(unix.NFPROTO_IPV4), protocol(unix.IPPROTO_UDP), toPort(dnsPort), redirectTo(dnsPort))
	add(redirect, family(unix.NFPROTO_IPV4), protocol(unix.IPPROTO_TCP), toPort(dnsPort), redirectTo(dnsPort))
	for _, address := range forward {
		add(redirect, family(unix.NFPROTO_IPV4), protocol(unix.IPPROTO_TCP),
			bytesAt(destination4, address.Addr().AsSlice()), toPort(address.Port()), redirectTo(port))
	}
	for _, local := range [][]expr.Any{loopback4, own4} {
		add(redirect, family(unix.NFPROTO_IPV4), local, verdict(expr.VerdictReturn))
		add(guard, family(unix.NFPROTO_IPV4), local, verdict(expr.VerdictAccept))
	}
	add(redirect, family(unix.NFPROTO_IPV6), loopback6, verdict(expr.VerdictReturn))
	add(guard, family(unix.NFPROTO_IPV6), loopback6, verdict(expr.VerdictAccept))
	add(redirect, protocol(unix.IPPROTO_TCP), redirectTo(port))

	if err := conn.Flush(); err != nil {
		if errors.Is(err, unix.EPERM) {
			return failed("add redirect rules", err)
		}
		return &Error{
			Op: "add redirect rules", Kind: KindMissing, Err: err,
			Hint: "the kernel needs nf_tables with inet nat and redirect: load the modules nf_tables, nft_chain_nat and nft_redir (modprobe), or use a kernel that has them",
		}
	}
	return nil
}

func family(proto byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
	}
}

func protocol(number byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}},
	}
}

func bytesAt(offset uint32, value []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(value))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value},
	}
}

func toPort(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: destinationPort, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
	}
}

func redirectTo(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1},
	}
}

func verdict(kind expr.VerdictKind) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: kind}}
}
