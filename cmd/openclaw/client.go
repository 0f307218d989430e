package main

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func clientCommand(t *terminal) *cobra.Command {
	return group("client", "See and cut the gateway's clients, and give them tokens of their own", clientListCommand(t), clientAddCommand(t), clientRevokeCommand(t), clientDisconnectCommand(t))
}

func clientListCommand(t *terminal) *cobra.Command {
	var asJSON, lastAuth, tokens bool
	var since string
	cmd := &cobra.Command{
		Use: "list", Short: "Show who is connected", Args: exactly(0),
		Long: "Show the gateway's clients that are connected now. With --show-last-auth: who connected last, from where, and\n" +
			"how they authenticated, those who were refused too, from the audit log; this needs no gateway. With --tokens: the\n" +
			"clients that have a token of their own ('openclaw client add'), connected or not.",
		Example: "  openclaw client list\n  openclaw client list --tokens\n  openclaw client list --show-last-auth --since 7d",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tokens {
				return t.listTokens(cmd, asJSON)
			}
			if lastAuth {
				return t.listLastAuth(cmd, since, asJSON)
			}
			var result wire.ConnectionsResult
			if err := t.ask(cmd.Context(), wire.MethodConnections, nil, &result); err != nil {
				return err
			}
			clients := slices.DeleteFunc(result.Connections, func(c event.Connection) bool {
				return c.State != "open" || c.Kind != "ws" && c.Kind != "unix"
			})
			if asJSON {
				return t.json(clients)
			}
			rows := make([][]string, 0, len(clients))
			for _, c := range clients {
				rows = append(rows, []string{c.ID, c.Client, c.From, strings.TrimSpace(c.Auth + " " + c.Certificate), sinceNow(c.Opened)})
			}
			t.table("ID\tCLIENT\tFROM\tAUTHENTICATED BY\tSINCE", rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&lastAuth, "show-last-auth", false, "who connected last, and how they authenticated")
	cmd.Flags().BoolVar(&tokens, "tokens", false, "the clients that have a token of their own")
	cmd.MarkFlagsMutuallyExclusive("tokens", "show-last-auth")
	cmd.Flags().StringVar(&since, "since", "30d", "with --show-last-auth: how far back")
	return cmd
}

// authentication is the newest one of a client from an address.
type authentication struct {
	Time   time.Time `json:"time"`
	Action string    `json:"action"` // "connect cli", "POST /v1/messages"
	From   string    `json:"from"`
	Result string    `json:"result"`
	Method string    `json:"method"` // how, or why not
	Count  int       `json:"count"`  // of the same within the time asked for
}

// maxAuthentications bounds the audit records that are read.
const maxAuthentications = 100_000

func (t *terminal) listLastAuth(cmd *cobra.Command, since string, asJSON bool) error {
	path, err := t.auditPath()
	if err != nil {
		return err
	}
	lines, truncated, err := searchAuditFile(cmd.Context(), path, wire.AuditSearchParams{Event: "authentication", Since: since, Limit: maxAuthentications})
	if err != nil {
		return err
	}
	last := newestAuthentications(lines)
	if truncated {
		t.warn("only the newest %d records were read", maxAuthentications)
	}
	if asJSON {
		return t.json(last)
	}
	rows := make([][]string, 0, len(last))
	for _, a := range last {
		rows = append(rows, []string{day(a.Time), a.Action, a.From, a.Result, a.Method})
	}
	t.table("LAST\tWHAT\tFROM\tRESULT\tBY", rows)
	return nil
}

// newestAuthentications merges records, oldest first, newest of all first.
func newestAuthentications(lines []json.RawMessage) []authentication {
	type key struct{ action, from, result, method string }
	at := map[key]*authentication{}
	for _, line := range lines {
		var entry struct {
			Timestamp                  time.Time
			Action, IP, Result, Reason string
			Details                    struct{ Others int }
		}
		if json.Unmarshal(line, &entry) != nil {
			continue
		}
		k := key{entry.Action, entry.IP, entry.Result, entry.Reason}
		if at[k] == nil {
			at[k] = &authentication{Action: entry.Action, From: entry.IP, Result: entry.Result, Method: entry.Reason}
		}
		at[k].Time = entry.Timestamp
		at[k].Count += 1 + entry.Details.Others
	}
	out := make([]authentication, 0, len(at))
	for _, a := range at {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b authentication) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Action, b.Action), cmp.Compare(a.From, b.From))
	})
	return out
}

func clientDisconnectCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "disconnect ID", Short: "Cut a connection", Args: exactly(1),
		Long: "Cut a client's connection, a call to a model provider, or a connection out of a cage, by the id that 'client list' or the\n" +
			"screen's view 2 names. A client may come back: change the token or ban its address to keep it out.",
		Example: "  openclaw client disconnect 7f3a9c",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.ask(cmd.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: args[0]}, nil); err != nil {
				return err
			}
			t.print("disconnected %s", printable(args[0]))
			return nil
		},
	}
}
