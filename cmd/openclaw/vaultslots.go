package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func vaultLockCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "Forget the vault's key until it is unlocked again", Args: exactly(0), Example: "  openclaw vault lock",
		Long: "Forget the vault's key until it is unlocked again. A vault that opens by a key file stays locked until\n" +
			"'vault unlock --key-file' or the gateway's next start; the key file itself opens it for whoever may read that.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.changeStore(cmd, wire.MethodStoreLock, nil)
		},
	}
}

func vaultSlotsCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "slots", Short: "List the ways to unlock the vault", Args: exactly(0), Example: "  openclaw vault slots",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var result wire.StoreSlotsResult
			if err := t.ask(cmd.Context(), wire.MethodStoreSlots, nil, &result); err != nil {
				return err
			}
			if asJSON {
				return t.json(result)
			}
			t.slots(result)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (t *terminal) slots(result wire.StoreSlotsResult) {
	rows := make([][]string, 0, len(result.Slots))
	for _, slot := range result.Slots {
		rows = append(rows, []string{slot.ID, slot.Kind, printable(slotDetail(slot))})
	}
	t.table("ID\tOPENS BY\tFOR", rows)
}

func vaultRecoveryCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "recovery-code", Short: "Make a code, for paper, that opens the vault as well", Args: exactly(0),
		Example: "  openclaw vault recovery-code",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withCurrent(cmd.Context(), func(current []byte) error {
				var code wire.StoreCode
				if err := t.ask(cmd.Context(), wire.MethodStoreRecover, wire.StoreSlotParams{Current: current}, &code); err != nil {
					return err
				}
				t.recoveryCode(code)
				return nil
			})
		},
	}
}

func vaultRemoveSlotCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "remove-slot ID", Short: "Take a way to unlock the vault away", Args: exactly(1), Example: "  openclaw vault remove-slot 0011223344556677",
		Long: "Take a way to unlock the vault away. Whoever had it and a copy of the vault from before opens that copy still;\n" +
			"where that may be, run 'openclaw vault rekey' and change the keys themselves at their providers.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withCurrent(cmd.Context(), func(current []byte) error {
				var result wire.StoreSlotsResult
				if err := t.ask(cmd.Context(), wire.MethodStoreRemove, wire.StoreSlotParams{ID: args[0], Current: current}, &result); err != nil {
					return err
				}
				t.slots(result)
				return nil
			})
		},
	}
}

func vaultRekeyCommand(t *terminal) *cobra.Command {
	var params wire.StoreRekeyParams
	cmd := &cobra.Command{
		Use: "rekey", Short: "Encrypt the vault anew; only what is given now opens it", Args: exactly(0),
		Long: "Encrypt the vault under a new key. Afterwards it opens by the passphrase that is asked for (or a new key file),\n" +
			"and by a new recovery code with --recovery-code. Nothing of before opens it any more, also no keychain,\n" +
			"credential and recipient, which are added again by 'vault add-slot'; the copy of one change before is removed.",
		Example: "  openclaw vault rekey --recovery-code",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withCurrent(cmd.Context(), func(current []byte) error {
				params.Current = current
				if !params.KeyFile {
					passphrase, err := t.newPassphrase()
					if err != nil {
						return err
					}
					defer clear(passphrase)
					params.Passphrase = passphrase
				}
				var code wire.StoreCode
				if err := t.ask(cmd.Context(), wire.MethodStoreRekey, params, &code); err != nil {
					return err
				}
				t.print("the vault has a new key; nothing of before opens it")
				t.recoveryCode(code)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&params.KeyFile, "key-file", false, "a new random key in a file instead of a passphrase")
	cmd.Flags().BoolVar(&params.Recovery, "recovery-code", false, "make a recovery code as well")
	cmd.Flags().BoolVar(&params.Approved, "fips", false, "with primitives that FIPS mode takes; a vault that has them keeps them")
	return cmd
}

// recoveryCode shows a code, once.
func (t *terminal) recoveryCode(code wire.StoreCode) {
	if len(code.Code) == 0 {
		return
	}
	defer clear(code.Code)
	t.print("recovery code, shown this once:\n\n    %s\n\nWrite it down and keep it where the vault is not: 'openclaw vault unlock --recovery-code' asks for it.", code.Code)
}

// withCurrent asks for the passphrase that opens the vault, where one does.
func (t *terminal) withCurrent(ctx context.Context, use func(current []byte) error) error {
	var result wire.StoreSlotsResult
	if err := t.ask(ctx, wire.MethodStoreSlots, nil, &result); err != nil {
		return err
	}
	for _, slot := range result.Slots {
		if slot.Kind != "passphrase" {
			continue
		}
		current, err := t.passphrase("passphrase: ")
		if err != nil {
			return err
		}
		defer clear(current)
		return use(current)
	}
	return use(nil)
}

// unlockByCode opens the vault with its recovery code.
func (t *terminal) unlockByCode(cmd *cobra.Command, seconds int64) error {
	code, err := t.passphrase("recovery code: ")
	if err != nil {
		return err
	}
	defer clear(code)
	var store event.SecretStore
	if err := t.ask(cmd.Context(), wire.MethodStoreUnlock, wire.StoreUnlockParams{Code: code, Seconds: seconds}, &store); err != nil {
		return err
	}
	if store.State != "unlocked" {
		return errors.New("the vault is " + store.State + ": " + store.Detail)
	}
	t.print("store: %s\nGive it a passphrase or a key file that you have: openclaw vault rekey", describeStore(store))
	return nil
}
