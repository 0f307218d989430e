package main

import (
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain/vault"
)

func vaultCommand(t *terminal) *cobra.Command {
	return group("vault", "Keep secrets in an encrypted file where no keychain runs",
		vaultInitCommand(t), vaultSetCommand(t), vaultGetCommand(t), secretsListCommand(t), secretsDeleteCommand(t), vaultUnlockCommand(t), vaultLockCommand(t), vaultSlotsCommand(t), vaultRecoveryCommand(t), vaultAddSlotCommand(t), vaultRemoveSlotCommand(t), vaultRekeyCommand(t), vaultAcceptCommand(t), vaultRotateKeyCommand(t), vaultExportCommand(t), vaultImportCommand(t))
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
	var byCode, byFile, byKeychain, byCredential bool
	var span, identity string
	cmd := &cobra.Command{
		Use: "unlock", Short: "Open the vault for as long as the gateway runs, or for a time", Args: exactly(0),
		Long: "Open the vault for as long as the gateway runs, or with --for until the time is over: the gateway then forgets the\n" +
			"key and says so. The key is kept in the gateway's memory and nowhere else. A clock that is set back gains no time.",
		Example: "  openclaw vault unlock\n  openclaw vault unlock --for 8h\n  openclaw vault unlock --key-file\n  openclaw vault unlock --identity ~/.config/age/key.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			length, err := unlockLength(span)
			if err != nil {
				return err
			}
			switch {
			case byCode:
				return t.unlockByCode(cmd, length)
			case byFile:
				return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{KeyFile: true, Seconds: length})
			case byKeychain:
				return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{KeyFile: true, Kind: vault.SlotKeychain, Seconds: length})
			case byCredential:
				return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{KeyFile: true, Kind: vault.SlotCredential, Seconds: length})
			case identity != "":
				key, err := t.ageKey(identity)
				if err != nil {
					return err
				}
				defer key.Wipe()
				return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{Age: key.Reveal(), Seconds: length})
			}
			passphrase, err := t.passphrase("passphrase: ")
			if err != nil {
				return err
			}
			defer clear(passphrase)
			return t.changeStore(cmd, wire.MethodStoreUnlock, wire.StoreUnlockParams{Passphrase: passphrase, Seconds: length})
		},
	}
	cmd.Flags().BoolVar(&byCode, "recovery-code", false, "by the code that was written down")
	cmd.Flags().BoolVar(&byFile, "key-file", false, "by its key file, or what else needs nobody, after 'vault lock'")
	cmd.Flags().BoolVar(&byKeychain, "keychain", false, "by the key in the keychain")
	cmd.Flags().BoolVar(&byCredential, "credential", false, "by the credential of the gateway's service")
	cmd.Flags().StringVar(&identity, "identity", "", "by a file with the secret key of a recipient: of age, or an ed25519 key of OpenSSH")
	cmd.MarkFlagsMutuallyExclusive("recovery-code", "key-file", "keychain", "credential", "identity")
	cmd.Flags().StringVar(&span, "for", "", "how long, such as 30m or 8h; at most 365d")
	return cmd
}

// unlockLength is in seconds; 0 is without end.
func unlockLength(span string) (int64, error) {
	if span == "" {
		return 0, nil
	}
	length, err := parseSpan(span)
	if err == nil && (length < time.Second || length > 365*24*time.Hour) {
		err = usage("write it like 30m, 8h or 7d", "--for is a second to 365 days")
	}
	return int64(length / time.Second), err
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
