package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/keychain/vault/export"
)

func vaultExportCommand(t *terminal) *cobra.Command {
	var recipients []string
	var identity string
	cmd := &cobra.Command{
		Use: "export FILE", Short: "Write the vault's secrets to a file that age opens", Args: exactly(1),
		Long: "Write the vault's secrets to a file for another machine, encrypted with age: to the public keys of --recipient, or\n" +
			"under a passphrase that is asked for. The vault's own passphrase is asked for first, whether the gateway has it\n" +
			"open or not. With --passphrase-fd the first line is the vault's, the second the file's.",
		Example: "  openclaw vault export secrets.age\n  openclaw vault export --recipient age1… secrets.age",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.exportVault(cmd.Context(), args[0], recipients, identity)
		},
	}
	cmd.Flags().StringArrayVar(&recipients, "recipient", nil, "a public key of age (age1…) that opens the file; may be given more than once")
	identityFlag(cmd, &identity)
	return cmd
}

func (t *terminal) exportVault(ctx context.Context, name string, keys []string, identity string) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return usage("choose another name", "%s is there already", printable(name))
	}
	to, err := export.Recipients(keys)
	if len(keys) > 0 && err != nil {
		return usage("a public key of age begins with age1", "%v", err)
	}
	v, err := t.openVault(ctx, identity)
	if err != nil {
		return err
	}
	defer v.Close()
	if len(keys) == 0 {
		words, err := t.newPassphrase()
		if err != nil {
			return err
		}
		defer clear(words)
		recipient, _, err := export.Passphrase(words)
		if err != nil {
			return err
		}
		to = []age.Recipient{recipient}
	}
	names, err := v.List(ctx)
	if err != nil {
		return err
	}
	entries := make([]export.Entry, 0, len(names))
	defer func() { wipe(entries) }()
	for _, name := range names {
		if err := t.recordLook(ctx, name); err != nil {
			return err
		}
		value, err := v.Get(ctx, name)
		if err != nil {
			return err
		}
		entries = append(entries, export.Entry{Name: name, Value: value.Reveal()})
	}
	data, err := export.Write(entries, to...)
	if err != nil {
		return err
	}
	if err := writeNew(name, data); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	t.print("%d secrets are in %s; 'openclaw vault import %[2]s' takes them in elsewhere", len(entries), name)
	return nil
}

func vaultImportCommand(t *terminal) *cobra.Command {
	var identity string
	var replace bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take in the secrets of a file that 'vault export' wrote", Args: exactly(1),
		Long: "Take in the secrets of a file that 'vault export' wrote, into where secrets are kept on this machine. All of it is\n" +
			"read before anything is stored. A secret that is there already stays, but with --replace.",
		Example: "  openclaw vault import secrets.age\n  openclaw vault import --identity key.txt secrets.age",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.importVault(cmd.Context(), args[0], identity, replace)
		},
	}
	cmd.Flags().StringVar(&identity, "identity", "", "a file with the secret key of age that the export was made for")
	cmd.Flags().BoolVar(&replace, "replace", false, "take the file's value where a secret of the name is there")
	return cmd
}

func (t *terminal) importVault(ctx context.Context, name, identity string, replace bool) error {
	file, err := os.Open(name)
	if err != nil {
		return &failure{err: fmt.Errorf("open the export: %w", err), hint: "give the file that 'openclaw vault export FILE' wrote, and that you may read"}
	}
	defer file.Close()
	identities, err := t.identities(identity)
	if err != nil {
		return err
	}
	entries, err := export.Read(file, identities...)
	if err != nil {
		return &failure{err: err, hint: "an export for a public key is opened with --identity FILE, any other with its passphrase"}
	}
	defer wipe(entries)
	return t.withGateway(ctx, func(call func(string, any, any) error) error {
		var known wire.SecretsResult
		if err := call(wire.MethodSecrets, nil, &known); err != nil {
			return err
		}
		there := map[string]bool{}
		for _, s := range known.Secrets {
			there[s.Name] = !s.Missing
		}
		stored, kept := 0, 0
		for _, e := range entries {
			if there[e.Name] && !replace {
				kept++
				continue
			}
			var row event.Secret
			if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: e.Name, Value: e.Value}, &row); err != nil {
				return fmt.Errorf("%d of %d secrets are stored: %w", stored, len(entries), err)
			}
			stored++
		}
		t.print("%d secrets are stored in the %s", stored, known.Store.Backend)
		if kept > 0 {
			t.print("%d were there already and stay as they are; --replace takes the file's", kept)
		}
		return nil
	})
}

// identities are what an export is opened with.
func (t *terminal) identities(name string) ([]age.Identity, error) {
	if name != "" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open the identity: %w", err)
		}
		defer file.Close()
		list, err := age.ParseIdentities(file)
		if err != nil { // age's words may hold a line of the file
			return nil, &failure{err: errors.New("the identity cannot be read"), hint: "it is a file that age-keygen wrote, with a line AGE-SECRET-KEY-…"}
		}
		return list, nil
	}
	words, err := t.passphrase("passphrase of the export: ")
	if err != nil {
		return nil, err
	}
	defer clear(words)
	_, open, err := export.Passphrase(words)
	return []age.Identity{open}, err
}

func wipe(entries []export.Entry) {
	for _, e := range entries {
		keychain.NewSecret(e.Value).Wipe()
	}
}
