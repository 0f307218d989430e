package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/keychain/vault"
	"openclaw/keychain/vault/recipient"
)

// defaultCredential is what a credential is called unless a person says otherwise.
const defaultCredential = "openclaw-vault"

func vaultAddSlotCommand(t *terminal) *cobra.Command {
	return group("add-slot", "Let something else open the vault as well: age keys, the keychain, a systemd credential",
		vaultAddAgeCommand(t), vaultAddKeychainCommand(t), vaultAddCredentialCommand(t))
}

func vaultAddAgeCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "age PUBLIC-KEY…", Short: "Let the holders of secret keys of age, or ed25519 keys of OpenSSH, open the vault", Args: cobra.MinimumNArgs(1),
		Long: "Let the holders of secret keys open the vault: of age (age1…), or ed25519 keys of OpenSSH (ssh-ed25519 AAAA…). Each\n" +
			"of the named keys opens it by itself, with 'vault unlock --identity FILE'; taken away they are together, as one\n" +
			"slot. The file of the secret key may have a passphrase, which is asked for then.",
		Example: "  openclaw vault add-slot age age1…\n  openclaw vault add-slot age \"$(cat ~/.ssh/id_ed25519.pub)\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			key, sealed, names, err := recipient.Seal(args)
			if err != nil {
				return usage("age-keygen -y FILE prints the public key of a secret one", "%v", err)
			}
			defer key.Wipe()
			return t.addSlot(cmd.Context(), wire.StoreAddParams{Kind: vault.SlotAge, Recipients: names, Sealed: sealed, Key: key.Reveal()})
		},
	}
}

func vaultAddKeychainCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "keychain", Short: "Let the vault open without a question while the system's keychain is unlocked", Args: exactly(0),
		Long: "Let the vault open without a question while the system's keychain is unlocked: a random key is kept there. Every\n" +
			"program of this user can ask the keychain for it then, on Linux without a word to anybody. It protects against a\n" +
			"stolen disk, a copied vault file and other users, and not against a program that runs as you.",
		Example: "  openclaw vault add-slot keychain",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.addSlot(cmd.Context(), wire.StoreAddParams{Kind: vault.SlotKeychain}); err != nil {
				return err
			}
			t.print("The vault opens without a question while the keychain is unlocked, for every program that runs as you.")
			return nil
		},
	}
}

func vaultAddCredentialCommand(t *terminal) *cobra.Command {
	var name, output string
	var system bool
	cmd := &cobra.Command{
		Use: "credential", Short: "Let the vault open for the gateway's service, by a credential that systemd keeps encrypted", Args: exactly(0),
		Long: "Let the vault open for the gateway's service, with nobody there: a random key is encrypted by systemd-creds to this\n" +
			"machine (its TPM, or a key of root's), and systemd hands it to the service and to nobody else. With --system it\n" +
			"is for a service of the system, and sudo is asked for unless you are root; without, for one of this user, which\n" +
			"systemd can from version 256 on. Root of this machine can open it, and no other machine.",
		Example: "  openclaw vault add-slot credential --system\n  sudo openclaw integrate systemd --system --user alice --output /etc/systemd/system",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.addCredential(cmd.Context(), name, output, system)
		},
	}
	cmd.Flags().StringVar(&name, "name", defaultCredential, "what the credential is called")
	cmd.Flags().StringVar(&output, "output", "", "the file for the encrypted credential (default: NAME.cred in the state folder's keys)")
	cmd.Flags().BoolVar(&system, "system", false, "for a service of the system, as 'integrate systemd --system' writes it")
	return cmd
}

// addSlot asks for the passphrase that opens the vault, where one does.
func (t *terminal) addSlot(ctx context.Context, params wire.StoreAddParams) error {
	return t.withCurrent(ctx, func(current []byte) error {
		params.Current = current
		var result wire.StoreSlotsResult
		if err := t.ask(ctx, wire.MethodStoreAdd, params, &result); err != nil {
			return err
		}
		t.slots(result)
		return nil
	})
}

// addCredential writes the encrypted credential first: without its slot it opens nothing,
// and a slot without it would be one that nobody can use.
func (t *terminal) addCredential(ctx context.Context, name, output string, system bool) error {
	if err := vault.CheckCredentialName(name); err != nil {
		return usage("choose another --name", "%v", err)
	}
	if output == "" {
		layout, err := t.layout()
		if err != nil {
			return err
		}
		output = credentialPath(layout.Keys(), name)
	}
	output, err := filepath.Abs(output)
	if err != nil {
		return fmt.Errorf("find the file for the credential: %w", err)
	}
	key := vault.NewKey()
	defer key.Wipe()
	sealed, err := t.systemdEncrypt(ctx, name, key, system)
	if err != nil {
		return err
	}
	if err := writeNew(output, sealed); err != nil {
		return &failure{err: fmt.Errorf("write the credential: %w", err), hint: "choose another --name or --output, or remove that file if no service needs it"}
	}
	if err := t.addSlot(ctx, wire.StoreAddParams{Kind: vault.SlotCredential, Name: name, Key: key.Reveal()}); err != nil {
		return errors.Join(err, os.Remove(output))
	}
	t.print("The service needs this line in its section [Service]; 'openclaw integrate systemd' writes it for a file in its place:\n\n    LoadCredentialEncrypted=%s:%s", name, output)
	return nil
}

func credentialPath(keys, name string) string { return filepath.Join(keys, name+".cred") }

// userCredentials is the first systemd that has encrypted credentials for a user's services.
const userCredentials = 256

// systemdEncrypt has systemd-creds encrypt a key, which goes through a pipe. Only root can
// encrypt for the system's services.
func (t *terminal) systemdEncrypt(ctx context.Context, name string, key keychain.Secret, system bool) ([]byte, error) {
	program, err := exec.LookPath("systemd-creds")
	if err != nil {
		return nil, &failure{err: errors.New("systemd-creds is not installed"), hint: "it is a part of systemd, from version 250 on; elsewhere use a key file: openclaw vault rekey --key-file --recovery-code"}
	}
	command := []string{program}
	switch {
	case !system:
		if version := systemdVersion(ctx, program); version < userCredentials {
			return nil, usage("add --system, and run the gateway as a service of the system", "systemd %d encrypts credentials for services of the system only; for a user's it does from %d on", version, userCredentials)
		}
		command = append(command, "--user")
	case os.Geteuid() != 0:
		sudo, err := exec.LookPath("sudo")
		if err != nil {
			return nil, &failure{err: errors.New("only root encrypts credentials for services of the system, and sudo is not installed"), hint: "run it as root, with OPENCLAW_HOME set to your state folder"}
		}
		command = []string{sudo, program}
	}
	command = append(command, "encrypt", "--name="+name, "-", "-")
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(key.Reveal())
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	sealed, err := cmd.Output()
	if err != nil || len(sealed) == 0 {
		return nil, &failure{err: fmt.Errorf("systemd-creds does not encrypt: %w: %s", err, printable(strings.TrimSpace(complaint.String()))), hint: "try it by itself: systemd-creds encrypt --name=" + name + " - -"}
	}
	return sealed, nil
}

// systemdVersion is 0 where it cannot be told.
func systemdVersion(ctx context.Context, program string) int {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	words := strings.Fields(string(out))
	if err != nil || len(words) < 2 {
		return 0
	}
	number, err := strconv.Atoi(words[1])
	if err != nil {
		return 0
	}
	return number
}

// ageKey opens a slot of the vault's file by the secret keys in a file, in this process:
// the gateway gets the slot's key, and never sees those.
func (t *terminal) ageKey(identity string) (keychain.Secret, error) {
	layout, err := t.layout()
	if err != nil {
		return keychain.Secret{}, err
	}
	header, err := vault.ReadHeader(layout.Vault())
	if err != nil {
		return keychain.Secret{}, err
	}
	identities, err := recipient.Identities(identity, func() ([]byte, error) { return t.passphrase("passphrase of the secret key: ") })
	if err == nil {
		var key keychain.Secret
		if key, err = recipient.Open(header, identities); err == nil {
			return key, nil
		}
	}
	hint := "see whose keys open the vault: openclaw vault slots"
	switch {
	case errors.Is(err, recipient.ErrMode):
		hint = "use a passphrase, a recovery code, a key file, the keychain or a credential"
	case !errors.Is(err, recipient.ErrNotFor):
		hint = "it is a file of age-keygen or an ed25519 key of OpenSSH that only you can read (chmod 600)"
	}
	return keychain.Secret{}, &failure{err: err, hint: hint}
}

func identityFlag(cmd *cobra.Command, identity *string) {
	cmd.Flags().StringVar(identity, "identity", "", "open the vault by a file with a recipient's secret key")
}

// slotDetail is what opens a slot, and for whom, beside its kind.
func slotDetail(slot wire.StoreSlot) string {
	switch slot.Kind {
	case vault.SlotAge:
		keys := make([]string, 0, len(slot.Recipients))
		for _, key := range slot.Recipients {
			if len(key) > 90 { // hybrid keys have two thousand letters
				key = key[:40] + "…"
			}
			keys = append(keys, key)
		}
		return strings.Join(keys, ", ")
	case vault.SlotCredential:
		return "the service with the credential " + slot.Name
	case vault.SlotKeychain:
		return "every program of this user, while the keychain is unlocked"
	case vault.SlotKeyFile:
		return "whoever reads the key file"
	}
	return ""
}
