package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func vaultCommand(t *terminal) *cobra.Command {
	return group("vault", "Keep secrets in an encrypted file where no keychain runs", vaultInitCommand(t), vaultUnlockCommand(t))
}

func vaultInitCommand(t *terminal) *cobra.Command {
	var keyFile bool
	cmd := &cobra.Command{
		Use: "init", Short: "Make the encrypted vault, with a passphrase or a key file", Args: exactly(0),
		Long: "Make the encrypted vault and keep secrets there from now on. With a passphrase the vault is opened once after\n" +
			"each start of the gateway; with --key-file it opens by a key in the state folder, which protects against a\n" +
			"stolen vault file and not against whoever reads the state folder.",
		Example: "  openclaw vault init",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var params wire.StoreCreateParams
			if keyFile {
				params.KeyFile = true
			} else {
				passphrase, err := t.newPassphrase()
				if err != nil {
					return err
				}
				defer clear(passphrase)
				params.Passphrase = passphrase
			}
			return t.changeStore(cmd, wire.MethodStoreCreate, params)
		},
	}
	cmd.Flags().BoolVar(&keyFile, "key-file", false, "a random key in a file instead of a passphrase")
	return cmd
}

func vaultUnlockCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "unlock", Short: "Open the vault for as long as the gateway runs", Args: exactly(0), Example: "  openclaw vault unlock",
		RunE: func(cmd *cobra.Command, _ []string) error {
			passphrase, err := t.passphrase("passphrase: ")
			if err != nil {
				return err
			}
			defer clear(passphrase)
			return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{Passphrase: passphrase})
		},
	}
}

func (t *terminal) changeStore(cmd *cobra.Command, method string, params any) error {
	return t.withGateway(cmd.Context(), func(call func(string, any, any) error) error {
		var store event.SecretStore
		if err := call(method, params, &store); err != nil {
			return err
		}
		t.print("store: %s", describeStore(store))
		return nil
	})
}

// newPassphrase asks twice.
func (t *terminal) newPassphrase() ([]byte, error) {
	first, err := t.passphrase("new passphrase: ")
	if err != nil {
		return nil, err
	}
	second, err := t.passphrase("once more: ")
	if err != nil {
		clear(first)
		return nil, err
	}
	defer clear(second)
	if !bytes.Equal(first, second) {
		clear(first)
		return nil, errors.New("the two are not the same: nothing was changed")
	}
	return first, nil
}

func (t *terminal) passphrase(prompt string) ([]byte, error) {
	if !term.IsTerminal(int(t.in.Fd())) {
		return nil, usage("run it on a terminal, or use 'openclaw vault init --key-file'", "no terminal to ask at")
	}
	fmt.Fprint(t.err, prompt)
	typed, err := term.ReadPassword(int(t.in.Fd()))
	fmt.Fprintln(t.err)
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	if len(typed) == 0 {
		return nil, errors.New("the passphrase is empty: nothing was changed")
	}
	return typed, nil
}
