package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/gateway/limit"
)

func firewallCommand(t *terminal) *cobra.Command {
	return group("firewall", "Print firewall rules for the gateway's port", firewallPrintCommand(t))
}

func firewallPrintCommand(t *terminal) *cobra.Command {
	var iptables, nftables, firewalld bool
	var allow []string
	cmd := &cobra.Command{
		Use: "print", Short: "Print the rules; nothing is applied", Args: exactly(0),
		Long: "Print rules that let this machine, and the networks given with --allow, reach the gateway's port and nobody\n" +
			"else. They are only printed: read them, and apply them yourself.",
		Example: "  openclaw firewall print\n  openclaw firewall print --nftables --allow 192.168.1.100 --allow 10.0.0.0/8",
		RunE: func(*cobra.Command, []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			rules := firewall{port: snapshot.Config.Gateway.Port}
			for _, text := range allow {
				network, err := limit.ParseNetwork(text)
				if err != nil {
					return usage("write an address or a network such as 10.0.0.0/8", "--allow %q: %v", text, err)
				}
				rules.allow = append(rules.allow, network)
			}
			switch {
			case iptables && nftables, iptables && firewalld, nftables && firewalld:
				return usage("openclaw firewall print --nftables", "one kind at a time")
			case nftables:
				t.print("%s", rules.nftables())
			case firewalld:
				t.print("%s", rules.firewalld())
			default:
				t.print("%s", rules.iptables())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&iptables, "iptables", false, "for iptables and ip6tables (the default)")
	cmd.Flags().BoolVar(&nftables, "nftables", false, "for nft -f")
	cmd.Flags().BoolVar(&firewalld, "firewalld", false, "for firewall-cmd")
	cmd.Flags().StringArrayVar(&allow, "allow", nil, "a network that may reach the gateway; may be given again")
	return cmd
}

// firewall is who may reach a port.
type firewall struct {
	port  int
	allow []netip.Prefix
}

// allowed are the networks of one family.
func (f firewall) allowed(six bool) (out []string) {
	for _, network := range f.allow {
		if network.Addr().Is6() == six {
			out = append(out, network.String())
		}
	}
	return out
}

// iptables drops what no rule before lets in; for both families, since a rule of
// one says nothing about the other.
func (f firewall) iptables() string {
	var lines []string
	for _, family := range []struct {
		program string
		six     bool
	}{{"iptables", false}, {"ip6tables", true}} {
		add := func(format string, values ...any) {
			lines = append(lines, "sudo "+family.program+" -A INPUT "+fmt.Sprintf(format, values...))
		}
		add("-i lo -p tcp --dport %d -j ACCEPT", f.port)
		for _, network := range f.allowed(family.six) {
			add("-s %s -p tcp --dport %d -j ACCEPT", network, f.port)
		}
		add("-p tcp --dport %d -j DROP", f.port)
	}
	return strings.Join(lines, "\n")
}

// nftables is a table of its own: removing it undoes everything.
func (f firewall) nftables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# apply: sudo nft -f FILE    undo: sudo nft delete table inet openclaw\ntable inet openclaw {\n\tchain input {\n")
	fmt.Fprintf(&b, "\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport != %d accept\n\t\tiifname \"lo\" accept\n", f.port)
	for _, family := range []struct {
		word string
		six  bool
	}{{"ip", false}, {"ip6", true}} {
		if networks := f.allowed(family.six); len(networks) > 0 {
			fmt.Fprintf(&b, "\t\t%s saddr { %s } accept\n", family.word, strings.Join(networks, ", "))
		}
	}
	b.WriteString("\t\tdrop\n\t}\n}")
	return b.String()
}

// firewalld closes what is not opened, so there is nothing to drop.
func (f firewall) firewalld() string {
	var lines []string
	add := func(family, network string) {
		lines = append(lines, fmt.Sprintf("sudo firewall-cmd --permanent --add-rich-rule='rule family=\"%s\" source address=\"%s\" port port=\"%d\" protocol=\"tcp\" accept'", family, network, f.port))
	}
	add("ipv4", "127.0.0.1")
	for _, network := range f.allowed(false) {
		add("ipv4", network)
	}
	for _, network := range f.allowed(true) {
		add("ipv6", network)
	}
	return strings.Join(append(lines, "sudo firewall-cmd --reload"), "\n")
}
