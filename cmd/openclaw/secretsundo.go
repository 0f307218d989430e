package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/keychain/scan"
)

// undoImport puts back the files of a backup that an import wrote. The keys stand
// in clear again; the store keeps them.
func (t *terminal) undoImport(ctx context.Context, path string, yes bool) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	if err := scan.IsBackup(path); err != nil {
		return err
	}
	identity, err := t.backupIdentity(ctx, backupKey(strings.TrimSuffix(filepath.Base(path), ".age")))
	if err != nil {
		return err
	}
	originals, err := scan.ReadBackup(path, identity)
	if err != nil {
		return err
	}
	defer func() {
		for _, o := range originals {
			clear(o.Content)
		}
	}()
	for _, o := range originals {
		t.print("%s: %d bytes", printable(o.Path), len(o.Content))
	}
	if !yes {
		if err := t.confirm("put them back, with the keys in clear?"); err != nil {
			return err
		}
	}
	release, err := scan.Lock(ctx, filepath.Join(layout.State(), "import.lock"))
	if err != nil {
		return &failure{err: fmt.Errorf("wait for an import: %w", err), hint: "nothing was changed; try again when it has ended"}
	}
	defer release()
	failed := 0
	for _, o := range originals {
		if err := putBack(o); err != nil {
			failed++
			t.warn("%s stays as it is: %v", printable(o.Path), err)
			continue
		}
		t.print("%s is as it was", printable(o.Path))
	}
	if failed > 0 {
		return &failure{err: fmt.Errorf("%d of %d files were not put back", failed, len(originals)), hint: "a file that was changed since the import is not overwritten: take the references out of it by hand"}
	}
	return nil
}

func putBack(o scan.Original) error {
	now, err := os.ReadFile(o.Path)
	switch {
	case err != nil:
		return err
	case bytes.Equal(now, o.Content):
		return nil
	case !bytes.Equal(scan.Sum(now), o.After):
		return scan.ErrChanged
	}
	return scan.Rewrite(o.Path, now, o.Content)
}

// backupIdentity opens the store in this process: the gateway gives no value to
// anybody.
func (t *terminal) backupIdentity(ctx context.Context, name string) (age.Identity, error) {
	if err := keychain.CheckName("undo import", name); err != nil {
		return nil, usage("give the file as the import named it", "the backup's key is found by its name, and this is none")
	}
	var known wire.SecretsResult
	err := t.withGateway(ctx, func(call func(string, any, any) error) error {
		if err := call(wire.MethodSecrets, nil, &known); err != nil {
			return err
		}
		var tested wire.SecretTested // that it is looked at is recorded before it is
		if err := call(wire.MethodSecretTest, wire.SecretTestParams{Reference: name}, &tested); err != nil {
			return err
		}
		if !tested.OK {
			return &failure{err: fmt.Errorf("the backup's key %s: %s", name, tested.Detail), hint: tested.Hint}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var value keychain.Secret
	if known.Store.Backend == "vault" {
		v, failed := t.openVault(ctx, "")
		if failed != nil {
			return nil, failed
		}
		defer v.Close()
		value, err = v.Get(ctx, name)
	} else {
		value, err = keychain.NewOS(keychain.OSOptions{}).Get(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	defer value.Wipe()
	identity, err := age.ParseX25519Identity(string(value.Reveal()))
	if err != nil {
		return nil, errors.New("the secret " + name + " is no key of a backup")
	}
	return identity, nil
}
