package configs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/keychain"
	"openclaw/keychain/sealed"
	"openclaw/keychain/vault"
)

const encryptedWords = "correct horse battery"

// encrypting is an opener of a state folder, as the command line makes it.
func encrypting(t *testing.T, layout Layout) (*sealed.Opener, Options) {
	t.Helper()
	o := sealed.New(sealed.Options{
		Path: layout.Config(), MarkPath: filepath.Join(layout.State(), "config-encrypted.json"),
		Vault: vault.Options{}.Weak(t),
		Ask:   func(string) ([]byte, error) { return []byte(encryptedWords), nil },
	})
	t.Cleanup(o.Close)
	return o, Options{Layout: layout, Home: "/home/u", Getenv: func(string) string { return "" }, Open: func(path string, data []byte) (Opened, error) {
		text, seal, err := o.Open(path, data)
		if own, ok := errors.AsType[*keychain.Error](err); ok {
			return Opened{}, &OpenError{Message: own.Err.Error(), Hint: own.Hint}
		}
		return Opened{Text: text, Seal: seal}, err
	}}
}

// inTheClear is a file below the folder that holds the text.
func inTheClear(t *testing.T, root, text string) string {
	t.Helper()
	found := ""
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// An encrypted config is loaded, edited in place and followed; whatever does not open
// leaves the snapshot as it was, and no file ever holds its text.
func TestStoreOfAnEncryptedConfig(t *testing.T) {
	layout := Layout{Root: t.TempDir()}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	const text = "# canary-comment\nproviders:\n  anthropic: {api_key: sk-ant-canary-0123456789abcdef}\n"
	path := layout.Config()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	opener, options := encrypting(t, layout)
	data, err := Encrypt(path, options, func(raw, text []byte) ([]byte, error) {
		return opener.Encrypt(path, raw, text, []byte(encryptedWords))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := opener.Encrypted(path, data); err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(layout, options)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := store.Current()
	if !snapshot.Encrypted || string(snapshot.Text) != text || len(snapshot.Warnings) != 0 {
		t.Fatalf("%q %v", snapshot.Text, snapshot.Warnings)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(value string) error {
		return store.Edit(func(d *Document) error { return d.Set("gateway.allowed_hosts", []string{value}) })
	}
	if err := edit("canary.example"); err != nil {
		t.Fatal(err)
	}
	if got := store.Current(); !got.Encrypted || !strings.Contains(string(got.Text), "canary-comment") || len(got.Config.Gateway.AllowedHosts) != 1 {
		t.Fatalf("%q", got.Text)
	}
	newest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	version := store.Current().Version
	for name, bad := range map[string][]byte{
		"an older one": older, "plain text": []byte(text), "cut short": newest[:len(newest)/2], "damaged": append(bytes.Clone(newest[:400]), newest[401:]...),
		"a newer format": bytes.Replace(newest, []byte("/1\n"), []byte("/2\n"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			refused, ok := errors.AsType[*Error](store.Reload("reload"))
			if !ok || refused.Hint == "" {
				t.Fatalf("%v", refused)
			}
			if status := store.Status(); !status.Rejected || store.Current().Version != version {
				t.Fatalf("%+v", status)
			}
			if err := edit("other.example"); err == nil {
				t.Fatal("it was written on")
			}
		})
	}
	if err := os.WriteFile(path, newest, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Reload("reload"); err != nil || store.Status().Rejected {
		t.Fatal(err)
	}
	if _, err := store.Preview(func(d *Document) error { return d.Set("gateway.port", 18791) }); err != nil {
		t.Fatal(err)
	}
	if found := inTheClear(t, layout.Root, "canary"); found != "" {
		t.Fatalf("%s holds what was in the config", found)
	}
	if _, err := Load(path, Options{Layout: layout}); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Fatalf("without an opener: %v", err)
	}
	was, err := Decrypt(path, options, func(raw []byte) error { return opener.Decrypting(path, raw) })
	if err != nil || !was {
		t.Fatal(was, err)
	}
	if err := store.Reload("reload"); err != nil || store.Current().Encrypted {
		t.Fatal(err)
	}
}

// What every command reads before anybody is asked cannot be encrypted, and what does
// not load is not.
func TestEncryptRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a gateway elsewhere": "client: {gateway_url: \"wss://gateway.example:18789\"}\n",
		"a bad config":        "gateway: {prot: 1}\n",
	} {
		t.Run(name, func(t *testing.T) {
			layout := Layout{Root: t.TempDir()}
			if err := layout.Make(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, options := encrypting(t, layout)
			_, err := Encrypt(layout.Config(), options, func(_, _ []byte) ([]byte, error) {
				t.Error("it was encrypted")
				return nil, nil
			})
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatal(err)
			}
			if now, err := os.ReadFile(layout.Config()); err != nil || string(now) != text {
				t.Fatalf("%q %v", now, err)
			}
		})
	}
}
