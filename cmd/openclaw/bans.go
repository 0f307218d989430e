package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/wire"
)

func gatewayBanCommand(t *terminal) *cobra.Command {
	var length, reason string
	cmd := &cobra.Command{
		Use: "ban-ip IP", Short: "Shut an address or a network out", Args: exactly(1),
		Long: "Shut an address or a network such as 203.0.113.0/24 out: what it has open is cut, and nothing new is taken\n" +
			"from it, nor from a trusted proxy on its behalf. Without --for it lasts until it is lifted. An IPv6 address\n" +
			"stands for its /64. The loopback address cannot be banned.",
		Example: "  openclaw gateway ban-ip 203.0.113.7 --for 1h\n  openclaw gateway ban-ip 2001:db8::/32",
		RunE: func(cmd *cobra.Command, args []string) error {
			params := wire.BanAddParams{Network: args[0], Reason: reason}
			if length != "" {
				span, err := parseSpan(length)
				if err != nil {
					return err
				}
				params.For = span.String()
			}
			var ban wire.Ban
			if err := t.ask(cmd.Context(), wire.MethodBanAdd, params, &ban); err != nil {
				return err
			}
			t.print("banned %s %s", ban.Network, banEnd(ban))
			return nil
		},
	}
	cmd.Flags().StringVar(&length, "for", "", "how long, such as 1h or 7d")
	cmd.Flags().StringVar(&reason, "reason", "", "kept with the ban and in the audit log")
	return cmd
}

func banEnd(ban wire.Ban) string {
	if ban.Until.IsZero() {
		return "until it is lifted"
	}
	return "until " + day(ban.Until)
}

func gatewayUnbanCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "unban-ip IP", Short: "Lift a ban", Args: exactly(1), Example: "  openclaw gateway unban-ip 203.0.113.7",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.ask(cmd.Context(), wire.MethodBanLift, wire.BanLiftParams{Network: args[0]}, nil); err != nil {
				return err
			}
			t.print("the ban of %s is lifted", printable(args[0]))
			return nil
		},
	}
}

func gatewayBansCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "bans", Short: "List who is shut out", Args: exactly(0), Example: "  openclaw gateway bans --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var result wire.BansResult
			if err := t.ask(cmd.Context(), wire.MethodBans, nil, &result); err != nil {
				return err
			}
			if asJSON {
				return t.json(result.Bans)
			}
			rows := make([][]string, 0, len(result.Bans))
			for _, ban := range result.Bans {
				rows = append(rows, []string{ban.Network, day(ban.Since), banEnd(ban), ban.By, ban.Reason})
			}
			t.table("NETWORK\tSINCE\tENDS\tBY\tREASON", rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// sinceNow is how long something lasts already, for a person.
func sinceNow(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	switch d := time.Since(at); {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d.Seconds()))) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + "d"
	}
}
