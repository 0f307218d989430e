package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/keychain/backend"
	"openclaw/keychain/vault"
)

// vaultSetCommand is 'secrets set' that takes the value as an argument as well, as
// the specification writes it, and says what that did.
func vaultSetCommand(t *terminal) *cobra.Command {
	set := secretsSetCommand(t)
	cmd := &cobra.Command{
		Use: "set NAME [VALUE | -]", Short: "Store a secret where secrets are kept: from a prompt, a pipe (-) or an argument",
		Long: "Store a secret where secrets are kept. The value is asked for without echo; with '-' it is read from standard\n" +
			"input. As an argument it stays in the shell's history and was in the list of processes for a moment.",
		Example: "  openclaw vault set anthropic_api_key\n  pass show anthropic | openclaw vault set anthropic_api_key -",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 || args[1] == "-" {
				return set.RunE(cmd, args)
			}
			if args[1] == "" {
				return errors.New("the secret is empty: nothing was stored")
			}
			err := t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
				var stored event.Secret
				if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: args[0], Value: []byte(args[1])}, &stored); err != nil {
					return err
				}
				t.print("stored %s in the %s", stored.Name, stored.Store)
				return nil
			})
			t.warn("%s", "the value was an argument: it is in the shell's history now. Remove it there, or make a new key and store it with: openclaw vault rotate-key "+args[0])
			return err
		},
	}
	return cmd
}

// vaultGetCommand shows a value. The gateway gives none to anybody: the vault is
// opened here, by who can.
func vaultGetCommand(t *terminal) *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Write a secret of the vault to standard output, for who can open the vault", Args: exactly(1),
		Long: "Write a secret of the vault to standard output. The vault's passphrase is asked for each time, though the gateway\n" +
			"may have it open: no program gets a value by asking the gateway. That it was asked for is in the audit log.",
		Example: "  openclaw vault get anthropic_api_key | wl-copy",
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := t.openVault(cmd.Context(), identity)
			if err != nil {
				return err
			}
			defer v.Close()
			if err := t.recordLook(cmd.Context(), args[0]); err != nil {
				return err
			}
			value, err := v.Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer value.Wipe()
			if _, err := t.out.Write(value.Reveal()); err != nil {
				return fmt.Errorf("write the secret: %w", err)
			}
			if term.IsTerminal(int(t.out.Fd())) {
				_, err = t.out.WriteString("\n")
			}
			return err
		},
	}
	identityFlag(cmd, &identity)
	return cmd
}

// openVault opens the vault in this process: by a recipient's secret key if one is named,
// else by what there is of passphrase, key file and recovery code, in that order. An older file than the newest that was seen is refused here as well.
func (t *terminal) openVault(ctx context.Context, identity string) (*vault.Vault, error) {
	layout, err := t.layout()
	if err != nil {
		return nil, err
	}
	header, err := vault.ReadHeader(layout.Vault())
	if err != nil {
		return nil, err
	}
	unlock := vault.KeyFile(filepath.Join(layout.Keys(), "vault.key"))
	switch {
	case identity != "":
		key, err := t.ageKey(identity)
		if err != nil {
			return nil, err
		}
		defer key.Wipe()
		unlock = vault.AgeKey(key.Reveal(), nil, nil)
	case !header.Has(vault.SlotPassphrase) && !header.Has(vault.SlotKeyFile) && header.Has(vault.SlotRecovery):
		code, err := t.passphrase("recovery code: ")
		if err != nil {
			return nil, err
		}
		defer clear(code)
		unlock = vault.RecoveryCode(code)
	case header.Has(vault.SlotPassphrase):
		passphrase, err := t.passphrase("passphrase: ")
		if err != nil {
			return nil, err
		}
		defer clear(passphrase)
		unlock = vault.Passphrase(passphrase)
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return nil, err
	}
	seen := backend.AskAnchors(ctx, header.ID, auditAnchor{path: auditPath(layout, snapshot.Config)},
		backend.NewKeychainAnchor(keychain.NewOS(keychain.OSOptions{})))
	v, err := vault.Open(ctx, layout.Vault(), unlock, vault.Options{})
	if err != nil {
		return nil, err
	}
	if err := seen.Allows(v.Mark()); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// recordLook has the gateway record that a secret is looked at, before it is.
func (t *terminal) recordLook(ctx context.Context, name string) error {
	if err := t.ask(ctx, wire.MethodSecretTest, wire.SecretTestParams{Reference: name}, nil); err != nil {
		return fmt.Errorf("nothing is shown without a record: %w", err)
	}
	return nil
}
