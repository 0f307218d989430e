package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/keychain"
	"openclaw/keychain/sealed"
)

func configEncryptCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "encrypt FILE", Short: "Encrypt a config where it stands, under a passphrase", Args: exactly(1),
		Long: "Encrypt a config where it stands, under a passphrase that is asked for. It loads, reloads and is changed by\n" +
			"'config set', 'agent create', 'allow' and the screen as before; plain text is in memory only. The gateway asks for\n" +
			"the passphrase when it starts: on its terminal, by --passphrase-fd, or as the service's credential\n" +
			sealed.CredentialName + ". Of a config that is encrypted already the passphrase is changed.",
		Example: "  openclaw config encrypt ~/.openclaw/config.yaml",
		RunE:    func(cmd *cobra.Command, args []string) error { return t.encryptConfig(cmd.Context(), args[0]) },
	}
}

// deciding is how a config is opened for who encrypts or decrypts it: one that is not
// the newest is told of, and taken. The gateway's own goes by its own name, however the
// person wrote it: what is kept of it beside it is found by that.
func (t *terminal) deciding(path string) (*sealed.Opener, string, configs.Options, error) {
	options, err := t.configOptions()
	if err != nil {
		return nil, path, options, err
	}
	if own := options.Layout.Config(); configs.SameFile(path, own) {
		path = own
	}
	how := t.sealedOptions(options.Layout)
	how.Accept = true
	opener := sealed.New(how)
	options.Open = openBy(opener)
	return opener, path, options, nil
}

func (t *terminal) encryptConfig(ctx context.Context, path string) error {
	opener, path, options, err := t.deciding(path)
	if err != nil {
		return err
	}
	defer opener.Close()
	anew := isEncrypted(path)
	data, err := configs.Encrypt(path, options, func(raw, text []byte) ([]byte, error) {
		words, err := t.newPassphrase()
		if err != nil {
			return nil, err
		}
		defer clear(words)
		return opener.Encrypt(path, raw, text, words)
	})
	if err != nil {
		return err
	}
	if err := opener.Encrypted(path, data); err != nil {
		return err
	}
	t.sayAccepted(opener)
	if anew {
		t.print("%s opens by its new passphrase only; so does no copy of before", printable(path))
	} else {
		t.print("%s is encrypted. What stood in it may be on the disk still: in free space, in backups, in an editor's copies.", printable(path))
	}
	return t.sayRunning(ctx, path, options.Layout)
}

func configDecryptCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "decrypt FILE", Short: "Put an encrypted config back into plain text", Args: exactly(1),
		Long:    "Put an encrypted config back into plain text, mode 0600. A running gateway goes on with it.",
		Example: "  openclaw config decrypt ~/.openclaw/config.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			opener, path, options, err := t.deciding(args[0])
			if err != nil {
				return err
			}
			defer opener.Close()
			was, err := configs.Decrypt(path, options, func(raw []byte) error { return opener.Decrypting(path, raw) })
			if err != nil {
				return err
			}
			t.sayAccepted(opener)
			if was {
				t.print("%s is in plain text, readable by its owner only", printable(path))
			} else {
				t.print("%s is in plain text already, and may be", printable(path))
			}
			return nil
		},
	}
}

// sayAccepted tells what a person has decided by the command.
func (t *terminal) sayAccepted(opener *sealed.Opener) {
	if own, ok := errors.AsType[*keychain.Error](opener.Refused()); ok {
		t.warn("the file was taken though %s", own.Err)
	}
}

// sayRunning tells that a gateway that runs cannot open what was encrypted now.
func (t *terminal) sayRunning(ctx context.Context, path string, layout configs.Layout) error {
	if path != layout.Config() {
		return nil
	}
	c, err := dial(ctx, layout)
	if err != nil {
		return nil // none runs, or none that could be told
	}
	defer c.Close()
	t.print("The gateway that runs has no passphrase for it and keeps the config that it has, without changes. Start it\nagain: openclaw gateway stop; then openclaw gateway, or any command, which asks for the passphrase.")
	return nil
}
