package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/wire"
	"openclaw/keychain/vault"
)

func vaultAcceptCommand(t *terminal) *cobra.Command {
	var by openingFlags
	var yes bool
	cmd := &cobra.Command{
		Use: "accept-rollback", Short: "Use a vault file that is older than the newest one, after restoring a backup", Args: exactly(0),
		Long: "Use a vault file that is refused because a newer one was seen. Do it after restoring a backup on purpose, and only\n" +
			"then: the file's secrets are used as they were when it was written. What was stored since is missing, what was\n" +
			"deleted is back, and a key that was replaced is the old one again; whoever opened the vault then opens it now.\n" +
			"It shows both files first and asks. The acceptance is in the audit log, and no file of before can take the place\n" +
			"of the accepted one afterwards.",
		Example: "  openclaw vault accept-rollback\n  openclaw vault accept-rollback --identity ~/.config/age/key.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var params wire.StoreAcceptParams
			var err error
			params.StoreUnlockParams, err = t.wayToUnlock(by)
			defer clear(params.Passphrase)
			defer clear(params.Code)
			defer clear(params.Age)
			if err != nil {
				return err
			}
			var rolled wire.StoreRolled
			if err := t.ask(cmd.Context(), wire.MethodStoreRolled, params.StoreUnlockParams, &rolled); err != nil {
				return err
			}
			t.print("%s", printable(rolled.Detail))
			t.print("this file:   %s", describeMark(rolled.File))
			if rolled.Newest != nil {
				t.print("newest seen: %s", describeMark(*rolled.Newest))
			}
			t.print("What was stored, replaced or deleted after this file was written is as it was before.")
			if !yes {
				if err := t.confirm("use this file from now on?"); err != nil {
					return err
				}
			}
			params.Fingerprint = rolled.File.Fingerprint
			return t.changeStore(cmd, wire.MethodStoreAccept, params)
		},
	}
	cmd.Flags().BoolVar(&by.code, "recovery-code", false, "open it by the code that was written down")
	cmd.Flags().BoolVar(&by.keyFile, "key-file", false, "open it by its key file, or what else needs nobody")
	cmd.Flags().BoolVar(&by.keychain, "keychain", false, "open it by the key in the keychain")
	cmd.Flags().BoolVar(&by.credential, "credential", false, "open it by the credential of the gateway's service")
	cmd.Flags().StringVar(&by.identity, "identity", "", "open it by a file with the secret key of a recipient: of age, or an ed25519 key of OpenSSH")
	cmd.MarkFlagsMutuallyExclusive("recovery-code", "key-file", "keychain", "credential", "identity")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func describeMark(m wire.StoreMark) string {
	id := m.Vault
	if len(id) > 8 {
		id = id[:8]
	}
	return fmt.Sprintf("generation %d of vault ", m.Generation) + printable(id) + ", written on " + m.Written.Local().Format(time.DateTime)
}

// openingFlags say by which of its ways a vault file is opened.
type openingFlags struct {
	code, keyFile, keychain, credential bool
	identity                            string
}

// wayToUnlock asks for what opens the vault file: nothing where a key file does.
func (t *terminal) wayToUnlock(by openingFlags) (wire.StoreUnlockParams, error) {
	switch {
	case by.code:
		code, err := t.passphrase("recovery code: ")
		return wire.StoreUnlockParams{Code: code}, err
	case by.keyFile:
		return wire.StoreUnlockParams{KeyFile: true}, nil
	case by.keychain:
		return wire.StoreUnlockParams{KeyFile: true, Kind: vault.SlotKeychain}, nil
	case by.credential:
		return wire.StoreUnlockParams{KeyFile: true, Kind: vault.SlotCredential}, nil
	case by.identity != "":
		key, err := t.ageKey(by.identity)
		if err != nil {
			return wire.StoreUnlockParams{}, err
		}
		defer key.Wipe()
		return wire.StoreUnlockParams{Age: bytes.Clone(key.Reveal())}, nil
	}
	layout, err := t.layout()
	if err != nil {
		return wire.StoreUnlockParams{}, err
	}
	header, err := vault.ReadHeader(layout.Vault())
	if err != nil || !header.Has(vault.SlotPassphrase) {
		return wire.StoreUnlockParams{}, err
	}
	passphrase, err := t.passphrase("passphrase: ")
	return wire.StoreUnlockParams{Passphrase: passphrase}, err
}
