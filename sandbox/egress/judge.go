package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"openclaw/sandbox/policy"
)

// owner is the process behind a socket.
type owner struct {
	pid     int
	program string
	command string
}

func (e *Egress) identify(local netip.AddrPort, udp bool) owner {
	if e.o.Identify == nil || !local.IsValid() {
		return owner{}
	}
	var who owner
	who.pid, who.program, who.command = e.o.Identify(local, udp)
	return who
}

func (e *Egress) refusal(operation, mechanism, target, rule string, origin policy.Origin) *Refusal {
	return &Refusal{
		Time: e.o.Now(), Class: policy.ClassNet, Operation: operation, Target: target,
		Rule: rule, Origin: origin, Mechanism: mechanism,
	}
}

func (e *Egress) tell(refusal Refusal, who owner) {
	refusal.PID, refusal.Program, refusal.CommandLine = who.pid, who.program, who.command
	if e.o.Refused != nil {
		e.o.Refused(refusal)
	}
}

// place is where a connection goes, as the program named it.
type place struct {
	host    string     // empty for an address that stands for no name
	literal netip.Addr // the zero value when host is set
	port    uint16
}

func (p place) String() string {
	host := p.host
	if host == "" {
		host = p.literal.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(p.port)))
}

// judged is a decision about a place, with the effect Ask already answered.
type judged struct {
	rule   string
	origin policy.Origin
	asked  bool // a person allowed it
}

// judgePlace decides about a place before anything is looked up.
func judgePlace(p *policy.Policy, where place) policy.Decision {
	if where.host != "" {
		return p.DecideName(where.host, where.port)
	}
	return p.DecideAddress("", where.literal, where.port)
}

// ownAddressRule holds beside the rules of the policy, which knows nothing of
// the machine.
func ownAddressRule() policy.Origin {
	return policy.Origin{BuiltIn: "an address of this machine is reached only where allowed_ips names that address"}
}

// judgeAddress decides about a resolved address.
func (e *Egress) judgeAddress(p *policy.Policy, where place, address netip.Addr) policy.Decision {
	refuse := func(rule string) policy.Decision {
		return policy.Decision{Effect: policy.Deny, Rule: rule, Origin: ownAddressRule()}
	}
	if !address.IsValid() || address.IsUnspecified() || address.Zone() != "" {
		return refuse("not an address of one host: " + address.String())
	}
	decision := p.DecideAddress(where.host, address, where.port)
	if decision.Effect == policy.Deny {
		return decision
	}
	if address.IsLoopback() || namesAddress(p, address, where.port) {
		return decision // a loopback address got here because allowed_ips names it
	}
	own, err := e.o.HostAddresses()
	if err != nil {
		return refuse("the addresses of this machine are not known")
	}
	if slices.Contains(own, address) {
		return refuse("an address of this machine: " + address.String())
	}
	return decision
}

// namesAddress reports whether allowed_ips names this very address. A range
// names a network, not this machine's place in it.
func namesAddress(p *policy.Policy, address netip.Addr, port uint16) bool {
	for _, rule := range p.Network.Allowed {
		if rule.Prefix.IsSingleIP() && rule.Prefix.Addr() == address && (rule.Port == 0 || rule.Port == port) {
			return true
		}
	}
	return false
}

// errRefused carries a refusal through functions that return errors.
type errRefused struct{ refusal *Refusal }

func (e *errRefused) Error() string { return "refused: " + e.refusal.Rule }

// allow settles a decision about a connection: it asks where the policy wants that.
func (e *Egress) allow(ctx context.Context, where place, decision policy.Decision, who owner, id string) (judged, error) {
	if decision.Effect == policy.Allow {
		return judged{rule: decision.Rule, origin: decision.Origin}, nil
	}
	refusal := e.refusal("connect", MechanismEgress, where.String(), decision.Rule, decision.Origin)
	if decision.Effect == policy.Ask && e.o.Ask != nil {
		asked := *refusal
		asked.PID, asked.Program, asked.CommandLine, asked.Connection = who.pid, who.program, who.command, id
		if allowed, err := e.o.Ask(ctx, asked); err == nil && allowed {
			return judged{rule: decision.Rule, origin: decision.Origin, asked: true}, nil
		}
	}
	return judged{}, &errRefused{refusal}
}

// addresses returns the addresses of a place that may be dialled: those that
// were judged, in the resolver's order. It is a refusal when there are some
// and none may be.
func (e *Egress) addresses(ctx context.Context, where place, allowed judged) ([]netip.Addr, error) {
	found := []netip.Addr{where.literal}
	if where.host != "" {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		var err error
		if found, err = e.o.Lookup(ctx, where.host); err != nil {
			return nil, errors.New("look up: " + lookupReason(err))
		}
		if len(found) == 0 {
			return nil, errors.New("look up: the name has no address")
		}
	}
	p := e.policy.Load()
	var good []netip.Addr
	var refused *Refusal
	for _, address := range found {
		address = address.Unmap()
		decision := e.judgeAddress(p, where, address)
		if decision.Effect == policy.Allow || decision.Effect == policy.Ask && allowed.asked {
			good = append(good, address)
		} else if refused == nil {
			refused = e.refusal("connect", MechanismEgress, where.String(), decision.Rule, decision.Origin)
		}
	}
	if len(good) == 0 {
		return nil, &errRefused{refused}
	}
	return good, nil
}

func lookupReason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	return err.Error()
}

func addressOf(address net.Addr) netip.AddrPort {
	switch a := address.(type) {
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
