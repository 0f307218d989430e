package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/network"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

const resolverAddress = network.Resolver

// networkServer is the outside of the cage's network.
type networkServer struct{ egress *egress.Egress }

// forwards are the addresses of the host's loopback that the policy names one
// by one; the cage's own loopback would answer otherwise.
func forwards(p *policy.Policy) []netip.AddrPort {
	var list []netip.AddrPort
	if !p.Network.Outbound {
		return nil
	}
	for _, rule := range p.Network.Allowed {
		if rule.Prefix.IsSingleIP() && rule.Prefix.Addr().Is4() && rule.Prefix.Addr().IsLoopback() && rule.Port != 0 {
			list = append(list, netip.AddrPortFrom(rule.Prefix.Addr(), rule.Port))
		}
	}
	return list
}

func (p *Process) serveNetwork(serving context.Context, message control.Message, setup stage.Setup) error {
	var came stage.Network
	if err := message.Decode(&came); err != nil {
		message.CloseFiles()
		return &Error{Op: "serve network", Err: err, Hint: spentHint(err)}
	}
	options := network.Options{Gateway: setup.Gateway, Outbound: setup.Outbound, Forward: setup.Forward, Way: came.Way}
	files := make([]*os.File, len(message.Files))
	for i, fd := range message.Files {
		files[i] = os.NewFile(uintptr(fd), "cage socket")
	}
	sockets, err := network.FromFiles(files, options)
	if err != nil {
		return &Error{Op: "serve network", Err: err, Hint: spentHint(err)}
	}
	listeners, err := sockets.Listeners()
	if err != nil {
		return &Error{Op: "serve network", Err: err, Hint: spentHint(err)}
	}
	server := egress.New(egress.Options{
		Policy:    p.spec.Policy,
		Lookup:    p.cage.lookup,
		Gateway:   p.dialGateway,
		Refused:   p.judge.atEgress,
		Connected: p.connected,
		Identify: func(remote netip.AddrPort, udp bool) (pid int, program, commandLine string) {
			return p.identify(listeners.Source(remote, udp), udp)
		},
		Destination: listeners.Destination,
		Ask:         p.judge.askAtEgress(),
	})
	p.network = &networkServer{egress: server}
	p.services.Go(func() {
		// An error here is a socket of the cage that broke: it ends with the
		// cage, and a cage without a network is closed, not open.
		_ = server.Serve(serving, listeners.TCP, listeners.DNSPacket, listeners.DNSStream, listeners.Gateway)
		listeners.Close()
	})
	return nil
}

func (p *Process) dialGateway(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", p.spec.Gateway.String())
}

func (p *Process) connected(c egress.Connection) {
	if p.spec.Connected == nil {
		return
	}
	p.spec.Connected(Connection{
		ID: c.ID, Agent: p.spec.Agent, Run: p.spec.Run, PID: c.PID, Program: c.Program, Target: c.Target,
		Address: c.Address, Rule: c.Rule, Origin: c.Origin, Opened: c.Opened, Closed: c.Closed, Sent: c.Sent, Recv: c.Recv, Error: c.Error, Held: c.Held,
	})
}

// identify finds who holds a socket, by its address inside the cage.
func (p *Process) identify(local netip.AddrPort, udp bool) (pid int, program, commandLine string) {
	table := "tcp"
	if udp {
		table = "udp"
	}
	pid = p.identity.socketOwner(table, tableAddress(local))
	if pid == 0 {
		mapped := netip.AddrPortFrom(netip.AddrFrom16(local.Addr().As16()), local.Port())
		pid = p.identity.socketOwner(table+"6", tableAddress(mapped))
	}
	program, commandLine = p.identity.describe(pid)
	return pid, program, commandLine
}

// tableAddress is an address as /proc/net writes it: words in the machine's
// order, here little-endian on both supported processors.
func tableAddress(a netip.AddrPort) string {
	raw := a.Addr().AsSlice()
	var out strings.Builder
	for ; len(raw) >= 4; raw = raw[4:] {
		fmt.Fprintf(&out, "%08X", binary.LittleEndian.Uint32(raw))
	}
	fmt.Fprintf(&out, ":%04X", a.Port())
	return out.String()
}

func (j *judge) fromEgress(r egress.Refusal) Denial {
	return Denial{
		Time: r.Time, Agent: j.process.spec.Agent, Run: j.process.spec.Run, PID: r.PID, Program: r.Program, CommandLine: r.CommandLine,
		Class: r.Class, Operation: r.Operation, Target: r.Target, Rule: r.Rule, Origin: r.Origin, Mechanism: r.Mechanism, Count: 1, Connection: r.Connection,
	}
}

func (j *judge) atEgress(r egress.Refusal) { j.process.reporter.add(j.fromEgress(r)) }

func (j *judge) askAtEgress() func(ctx context.Context, r egress.Refusal) (bool, error) {
	asker := j.process.spec.Asker
	if asker == nil {
		return nil
	}
	return func(ctx context.Context, r egress.Refusal) (bool, error) {
		limited, cancel := j.askContext(ctx.Done())
		defer cancel()
		allow, err := asker.Ask(limited, j.fromEgress(r))
		return inTime(limited, allow, err), err
	}
}
