package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// maxSecret bounds what a prompt or a pipe may hand over.
const maxSecret = 64 << 10

func secretsCommand(t *terminal) *cobra.Command {
	return group("secrets", "Keep provider keys and tokens in the keychain",
		secretsListCommand(t), secretsSetCommand(t), secretsDeleteCommand(t), secretsTestCommand(t), secretsImportCommand(t))
}

// withGateway calls the gateway that keeps the secrets, starting one if none
// runs: it alone holds an unlocked vault.
func (t *terminal) withGateway(ctx context.Context, use func(call func(method string, params, result any) error) error) error {
	c, _, err := t.dialOrLaunch(ctx, asCommand)
	if err != nil {
		return err
	}
	defer c.Close()
	return use(func(method string, params, result any) error { return c.Call(ctx, method, params, result) })
}

func secretsListCommand(t *terminal) *cobra.Command {
	var asJSON, check bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the names of the secrets, never the values", Args: exactly(0), Example: "  openclaw secrets list\n  openclaw secrets list --check",
		Long: "List what is stored, and the references of the config that lead elsewhere: to variables, files, programs and servers.\n" +
			"Programs and servers are asked with --check only.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			elsewhere := outsideReferences(snapshot.Config)
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var result wire.SecretsResult
				if err := call(wire.MethodSecrets, nil, &result); err != nil {
					return err
				}
				if err := askReferences(elsewhere, check, call); err != nil {
					return err
				}
				if asJSON {
					return t.json(struct {
						wire.SecretsResult
						References []referenceRow `json:"references,omitempty"`
					}{result, elsewhere})
				}
				t.print("store: %s", describeStore(result.Store))
				rows := make([][]string, 0, len(result.Secrets))
				for _, s := range result.Secrets {
					state := "stored"
					if s.Missing {
						state = "missing"
					}
					rows = append(rows, []string{s.Name, s.Store, state, day(s.Changed), day(s.LastUsed)})
				}
				t.table("NAME\tSTORED IN\tSTATE\tCHANGED\tLAST USED", rows)
				t.printReferences(elsewhere)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&check, "check", false, "ask the programs and servers too")
	return cmd
}

func describeStore(s event.SecretStore) string {
	text := s.State
	if s.Backend != "" {
		text = s.Backend + ", " + s.State
	}
	if !s.Until.IsZero() {
		text += " until " + day(s.Until)
	}
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	if s.Hint != "" {
		text += "\n  " + s.Hint
	}
	return text
}

// showStore says where the gateway keeps its secrets and whether it can read them;
// nothing where none runs.
func (t *terminal) showStore(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var o event.Overview
	if err := t.ask(ctx, wire.MethodOverview, nil, &o); err == nil {
		t.print("")
		t.print("secrets: %s", describeStore(o.Store))
	}
}

func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04")
}

func secretsSetCommand(t *terminal) *cobra.Command {
	var fromEnv string
	cmd := &cobra.Command{
		Use: "set NAME [-]", Short: "Store a secret: from a prompt, a pipe (-) or a variable",
		Long: "Store a secret. The value is asked for without echo; with '-' it is read from standard input; with\n" +
			"--from-env it is taken from a variable. It is never an argument: arguments stay in the shell's history.",
		Example: "  openclaw secrets set anthropic\n  pass show anthropic | openclaw secrets set anthropic -\n  openclaw secrets set anthropic --from-env ANTHROPIC_API_KEY",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			value, err := t.secretValue(args, fromEnv)
			if err != nil {
				return err
			}
			defer clear(value)
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var stored event.Secret
				if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: args[0], Value: value}, &stored); err != nil {
					return err
				}
				t.print("stored %s in the %s", stored.Name, stored.Store)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&fromEnv, "from-env", "", "take the value from this environment variable")
	return cmd
}

// secretValue reads the value from where the person said.
func (t *terminal) secretValue(args []string, fromEnv string) ([]byte, error) {
	var value []byte
	switch {
	case len(args) == 2 && args[1] != "-":
		return nil, usage("change that secret now; then run 'openclaw secrets set "+args[0]+"' and type the new one at the prompt",
			"a secret is never an argument: this one is now in the shell's history and in the process list")
	case len(args) == 2:
		piped, err := io.ReadAll(io.LimitReader(t.in, maxSecret+1))
		if err != nil {
			return nil, fmt.Errorf("read the secret: %w", err)
		}
		value = bytes.TrimRight(piped, "\r\n")
	case fromEnv != "":
		value = []byte(t.getenv(fromEnv))
		if len(value) == 0 {
			return nil, usage("export it first", "the variable %s is not set", fromEnv)
		}
	case !term.IsTerminal(int(t.in.Fd())):
		return nil, usage("use '-' to read it from standard input, or --from-env NAME", "no terminal to ask at")
	default:
		fmt.Fprintf(t.err, "value of %s: ", args[0])
		typed, err := term.ReadPassword(int(t.in.Fd()))
		fmt.Fprintln(t.err)
		if err != nil {
			return nil, fmt.Errorf("read the secret: %w", err)
		}
		value = typed
	}
	if len(value) == 0 {
		return nil, errors.New("the secret is empty: nothing was stored")
	}
	if len(value) > maxSecret {
		return nil, fmt.Errorf("the secret is longer than %d bytes", maxSecret)
	}
	return value, nil
}

func secretsDeleteCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Remove a secret", Args: exactly(1), Example: "  openclaw secrets delete anthropic",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				if err := call(wire.MethodSecretDelete, wire.SecretParams{Name: args[0]}, nil); err != nil {
					return err
				}
				t.print("deleted %s", args[0])
				return nil
			})
		},
	}
}

// triedLive says which providers take a secret, and ends with 1 when one could not be
// asked: whether it takes it is not known then.
func (t *terminal) triedLive(live, asJSON bool, tested *wire.SecretTested) error {
	if !live {
		return nil
	}
	if !asJSON {
		for _, user := range tested.Taken {
			t.print("%s takes it", printable(user))
		}
		if len(tested.Taken)+len(tested.Unknown) == 0 {
			t.print("no provider of the config uses it, so none was asked")
		}
	}
	if len(tested.Unknown) > 0 {
		return &failure{err: fmt.Errorf("whether it is taken is not known: %s", strings.Join(tested.Unknown, ", ")), hint: "try again when the provider answers"}
	}
	return nil
}

func secretsTestCommand(t *terminal) *cobra.Command {
	var asJSON, live bool
	cmd := &cobra.Command{
		Use: "test REFERENCE", Short: "Say whether a name or a reference resolves, never the value", Args: exactly(1),
		Long: "Say whether a name or a reference resolves, never the value. With --live the gateway asks the providers that use\n" +
			"it, too, for their list of models, which costs nothing: whether they take it only they know.",
		Example: "  openclaw secrets test anthropic\n  openclaw secrets test anthropic --live\n  openclaw secrets test '${ANTHROPIC_API_KEY}'\n  openclaw secrets test keychain://openclaw/anthropic",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var tested wire.SecretTested
				if err := call(wire.MethodSecretTest, wire.SecretTestParams{Reference: args[0], Live: live}, &tested); err != nil {
					return err
				}
				if asJSON {
					if err := t.json(tested); err != nil {
						return err
					}
				}
				if !tested.OK && len(tested.Refused) > 0 {
					return &failure{err: fmt.Errorf("%s: %s", args[0], tested.Detail), hint: tested.Hint}
				}
				if !tested.OK {
					return &failure{err: fmt.Errorf("%s does not resolve: %s", args[0], tested.Detail), hint: tested.Hint}
				}
				if !asJSON {
					t.print("%s resolves: %d bytes from %s", args[0], tested.Length, tested.Source)
				}
				return t.triedLive(live, asJSON, &tested)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&live, "live", false, "ask the providers that use it whether they take it")
	return cmd
}
