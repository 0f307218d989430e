package main

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// literal is a key that stands in the config in clear.
type literal struct {
	key   string // "providers.anthropic.api_key"
	name  string // of the secret that it becomes
	value string
	line  int
}

func secretsImportCommand(t *terminal) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "import", Short: "Move literal keys out of the config into the keychain", Args: exactly(0),
		Long: "Find keys that stand in the config in clear, show each with its line, store the chosen ones, check that they\n" +
			"resolve, and put a reference in their place. The config keeps its comments.",
		Example: "  openclaw secrets import\n  openclaw secrets import --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := t.loadConfig()
			if err != nil {
				return err
			}
			found := literals(snapshot)
			if len(found) == 0 {
				t.print("no literal keys in %s", snapshot.Path)
				return nil
			}
			for _, l := range found {
				t.print("%s:%d: %s: %d characters in clear → secret %s", snapshot.Path, l.line, l.key, len(l.value), l.name)
			}
			if !yes {
				if err := t.confirm("move them?"); err != nil {
					return err
				}
			}
			return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				return t.importLiterals(snapshot, found, call)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// literals finds the keys in clear, in the order of the file.
func literals(snapshot *configs.Snapshot) []literal {
	var found []literal
	add := func(key, name string, reference configs.Reference) {
		if reference.Literal() && !strings.HasPrefix(string(reference), "${") {
			line, _ := snapshot.Where(key)
			found = append(found, literal{key, name, strings.ReplaceAll(string(reference), "$$", "$"), line})
		}
	}
	add("gateway.gateway_token", gatewayTokenName, snapshot.Config.Gateway.Token)
	for name, provider := range snapshot.Config.Providers {
		add("providers."+name+".api_key", name, provider.APIKey)
	}
	slices.SortFunc(found, func(a, b literal) int { return a.line - b.line })
	return found
}

// importLiterals stores and checks every key before the config changes: at no
// moment is a key in neither place.
func (t *terminal) importLiterals(snapshot *configs.Snapshot, found []literal, call func(string, any, any) error) error {
	references := map[string]string{}
	for _, l := range found {
		var stored event.Secret
		if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: l.name, Value: []byte(l.value)}, &stored); err != nil {
			return fmt.Errorf("store %s: %w", l.name, err)
		}
		reference := "keychain://openclaw/" + l.name
		if stored.Store == "vault" {
			reference = "vault://" + l.name
		}
		var tested wire.SecretTested
		if err := call(wire.MethodSecretTest, wire.SecretTestParams{Reference: reference}, &tested); err != nil {
			return err
		}
		if !tested.OK || tested.Length != len(l.value) {
			return &failure{err: fmt.Errorf("%s was stored and does not read back; the config is unchanged", l.name), hint: tested.Hint}
		}
		references[l.key] = reference
	}
	options, err := t.configOptions()
	if err != nil {
		return err
	}
	_, err = configs.Edit(snapshot.Path, options, func(document *configs.Document) error {
		for _, l := range found {
			if err := document.Set(l.key, references[l.key]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range found {
		t.print("%s is now %s", l.key, references[l.key])
	}
	t.print("old copies of the config (editors, backups, git) still hold the keys: rotate them at the provider")
	return nil
}

// confirm asks at the terminal; anything but y is no.
func (t *terminal) confirm(question string) error {
	if !term.IsTerminal(int(t.in.Fd())) {
		return usage("use --yes", "no terminal to ask at")
	}
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errors.New("nothing was changed")
	}
	return nil
}
