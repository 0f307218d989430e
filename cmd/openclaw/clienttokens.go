package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func clientAddCommand(t *terminal) *cobra.Command {
	var scopes []string
	var life string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Make a token of its own for a client", Args: exactly(1),
		Long: "Make a token for one program or person, with scopes of its own. It is printed this once; the gateway keeps its\n" +
			"hash only. A client gets no more than these scopes, whatever it asks for. Scopes: " + strings.Join(shortScopes(), ", ") + "\n" +
			"(admin implies all, write implies read and lets it call model providers). This needs the gateway's own machine:\n" +
			"whoever stole a token cannot make one that outlives it.",
		Example: "  openclaw client add ci --scopes read,write --for 30d\n  openclaw client add phone --scopes read,approvals > token && chmod 600 token",
		RunE: func(cmd *cobra.Command, args []string) error {
			params, err := clientParams(args[0], scopes, life)
			if err != nil {
				return err
			}
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var added wire.ClientAdded
				if err := call(wire.MethodClientAdd, params, &added); err != nil {
					return err
				}
				if asJSON {
					return t.jsonWithSecret(added)
				}
				t.print("%s", added.Token)
				t.warn("this is the token of %s, shown once; %s", printable(added.Client.Name), tokenEnds(added.Client))
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what it may do, such as read,write")
	cmd.Flags().StringVar(&life, "for", "", "how long it is good, such as 30d; default: until it is revoked")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("scopes") // the flag is there
	return cmd
}

// clientParams is a token to be made, as a person writes it.
func clientParams(name string, scopes []string, life string) (wire.ClientAddParams, error) {
	params := wire.ClientAddParams{Name: name}
	for _, scope := range scopes {
		params.Scopes = append(params.Scopes, longScope(scope))
	}
	if life != "" {
		span, err := parseSpan(life)
		if err != nil {
			return params, err
		}
		params.For = span.String()
	}
	return params, nil
}

const scopePrefix = "operator."

// longScope is the protocol's name of a scope, which may be written without
// "operator.".
func longScope(name string) string {
	name = strings.TrimSpace(name)
	if slices.Contains(auth.AllScopes(), auth.Scope(scopePrefix+name)) {
		return scopePrefix + name
	}
	return name
}

func shortScopes() []string {
	var names []string
	for _, scope := range auth.AllScopes() {
		names = append(names, strings.TrimPrefix(string(scope), scopePrefix))
	}
	return names
}

func tokenEnds(client event.ClientToken) string {
	switch {
	case !client.Revoked.IsZero():
		return "revoked " + day(client.Revoked)
	case client.Expires.IsZero():
		return "good until it is revoked"
	case client.State == auth.Expired.String():
		return "expired " + day(client.Expires)
	default:
		return "good until " + day(client.Expires)
	}
}

func clientRevokeCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Take a client's token back", Args: exactly(1),
		Long: "Take a client's token back. It opens nothing from now on, and what it has open is cut. Where the secret store\n" +
			"holds it as client/NAME, it is deleted there.",
		Example: "  openclaw client revoke ci",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var done wire.ClientRevoked
				if err := call(wire.MethodClientRevoke, wire.ClientRevokeParams{Name: args[0]}, &done); err != nil {
					return err
				}
				t.print("revoked the token of %s", printable(args[0]))
				if done.Deleted != "" {
					t.print("deleted the secret %s, which held it", printable(done.Deleted))
				}
				return nil
			})
		},
	}
}

// listTokens shows the named tokens.
func (t *terminal) listTokens(cmd *cobra.Command, asJSON bool) error {
	return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
		var result wire.ClientTokensResult
		if err := call(wire.MethodClientTokens, nil, &result); err != nil {
			return err
		}
		if asJSON {
			return t.json(result.Clients)
		}
		rows := make([][]string, 0, len(result.Clients))
		for _, c := range result.Clients {
			short := make([]string, 0, len(c.Scopes))
			for _, scope := range c.Scopes {
				short = append(short, strings.TrimPrefix(scope, scopePrefix))
			}
			rows = append(rows, []string{c.Name, strings.Join(short, ","), day(c.Created), tokenEnds(c), strconv.Itoa(c.Connected)})
		}
		t.table("NAME\tSCOPES\tMADE\tSTATE\tCONNECTED", rows)
		return nil
	})
}

func gatewayRotateCommand(t *terminal) *cobra.Command {
	var now, asJSON bool
	cmd := &cobra.Command{
		Use: "rotate-token", Short: "Replace the gateway's token", Args: exactly(0),
		Long: "Replace the gateway's token by a new one in the secret store. The old one is taken for\n" +
			"gateway.token_rotation.grace_hours more; then what it has open is cut. With --now it ends at once, and so does\n" +
			"every one before it: for a token that leaked. Clients that read it from the store, such as with\n" +
			"OPENCLAW_GATEWAY_TOKEN=keychain://openclaw/" + gatewayTokenName + ", follow by themselves.",
		Example: "  openclaw gateway rotate-token\n  openclaw gateway rotate-token --now",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var done wire.TokenRotated
				if err := call(wire.MethodTokenRotate, wire.TokenRotateParams{Now: now}, &done); err != nil {
					return err
				}
				if asJSON {
					return t.json(done)
				}
				t.print("the gateway has a new token, stored as %s", printable(done.Name))
				if done.Until.IsZero() {
					t.print("the old one is refused now; %d connections that it opened were cut", done.Cut)
					return nil
				}
				t.print("the old one is taken until %s", done.Until.Local().Format(time.DateTime))
				if !done.Lasts {
					t.warn("the old token is not of openclaw's own form, and nothing of it is kept on disk: it ends sooner if the gateway starts again")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&now, "now", false, "leave the old token, and every one before it, no grace")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
