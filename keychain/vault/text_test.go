package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"openclaw/keychain"
)

const configText = "# a comment\ngateway: {port: 18790}\nproviders: {anthropic: {api_key: sk-ant-canary}}\n"

func sealText(t *testing.T, text string) ([]byte, *TextKey) {
	t.Helper()
	data, key, err := SealText([]byte(text), Passphrase([]byte(words)), keychain.VaultMark{}, cheap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Close)
	return data, key
}

func TestTextOpensByItsPassphraseOnly(t *testing.T) {
	for _, text := range []string{configText, "", string(bytes.Repeat([]byte("x"), MaxText))} {
		data, _ := sealText(t, text)
		if bytes.Contains(data, []byte("canary")) || !IsText(data) {
			t.Fatal("it is in the clear")
		}
		key, err := OpenText(data, Passphrase([]byte(words)), cheap())
		if err != nil {
			t.Fatal(err)
		}
		defer key.Close()
		got, mark, err := key.Open(data)
		if err != nil || string(got) != text || mark.Generation != 1 {
			t.Fatalf("%d bytes of %d, %+v: %v", len(got), len(text), mark, err)
		}
		_, err = OpenText(data, Passphrase([]byte("another horse battery")), cheap())
		wantKind(t, err, keychain.KindWrongKey)
	}
	_, _, err := SealText(make([]byte, MaxText+1), Passphrase([]byte(words)), keychain.VaultMark{}, cheap())
	wantKind(t, err, keychain.KindTooBig)
	_, _, err = SealText(nil, Passphrase([]byte("short")), keychain.VaultMark{}, cheap())
	wantKind(t, err, keychain.KindFailed)
}

func TestTextIsWrittenOn(t *testing.T) {
	first, key := sealText(t, configText)
	second, err := key.Seal(first, []byte("two"), 0)
	if err != nil {
		t.Fatal(err)
	}
	third, err := key.Seal(second, []byte("three"), 41)
	if err != nil {
		t.Fatal(err)
	}
	text, mark, err := key.Open(third)
	if err != nil || string(text) != "three" || mark.Generation != 42 {
		t.Fatalf("%q %+v %v", text, mark, err)
	}
	if one, err := MarkText(first, cheap()); err != nil || Follows(one, mark) == nil || Follows(mark, one) != nil {
		t.Fatalf("an older one is not told: %+v %v", one, err)
	}
	// Encrypted anew it goes on, and the key of before opens it no more.
	anew, _, err := SealText([]byte("four"), Passphrase([]byte("another horse battery")), mark, cheap())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = key.Open(anew)
	wantKind(t, err, keychain.KindWrongKey)
	if now, err := MarkText(anew, cheap()); err != nil || now.Generation != 43 || Follows(now, mark) != nil {
		t.Fatalf("%+v %v", now, err)
	}
	key.Close()
	_, _, err = key.Open(first)
	wantKind(t, err, keychain.KindLocked)
	_, err = key.Seal(first, nil, 0)
	wantKind(t, err, keychain.KindLocked)
}

// Every damaged bit and every cut is told; what is altered with a right checksum is
// told by the cipher.
func TestTextDamageIsTold(t *testing.T) {
	data, key := sealText(t, configText)
	for i := len(familyConfig.prefix()); i < len(data); i++ {
		bad := bytes.Clone(data)
		bad[i] ^= 1 << (i % 8)
		_, _, err := key.Open(bad)
		if kind := keychain.KindOf(err); kind != keychain.KindCorrupt && kind != keychain.KindUnsupported {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for n := len(familyConfig.magic(1)); n < len(data); n += 7 {
		_, _, err := key.Open(data[:n])
		wantKind(t, err, keychain.KindCorrupt)
	}
	c, err := familyConfig.parse(data, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	c.header.Generation++
	forged, err := seal(c.header, make([]byte, keySize), encodeText([]byte("forged")))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = key.Open(forged)
	wantKind(t, err, keychain.KindWrongKey)
	_, err = key.Seal(forged, []byte("x"), 0)
	wantKind(t, err, keychain.KindWrongKey)
}

// A slot and a content of a vault are none of a config, though all else is the same.
func TestFamiliesAreApart(t *testing.T) {
	data, _ := sealText(t, configText)
	c, err := familyConfig.parse(data, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	root, err := c.header.unwrap(SlotPassphrase, []byte(words))
	if err != nil {
		t.Fatal(err)
	}
	c.header.family = familyVault
	if _, err := c.header.unwrap(SlotPassphrase, []byte(words)); err == nil {
		t.Fatal("the slot opens in a vault")
	}
	if _, err := c.open(root); err == nil {
		t.Fatal("the content opens in a vault")
	}
	_, path := newVault(t)
	vaultFile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenText(vaultFile, Passphrase([]byte(words)), cheap())
	wantKind(t, err, keychain.KindCorrupt)
	if IsText(vaultFile) {
		t.Fatal("a vault is taken for a config")
	}
}

// The frozen config was written by this package and is never written again. The other
// reader reads it, and what is written now.
func TestTextOpensTheFrozenFile(t *testing.T) {
	frozen, err := os.ReadFile(filepath.Join("testdata", "format1-passphrase.config"))
	if err != nil {
		t.Fatal(err)
	}
	now, key, err := SealText([]byte(configText), Passphrase([]byte(words)), keychain.VaultMark{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	for name, data := range map[string][]byte{"frozen": frozen, "now": now} {
		t.Run(name, func(t *testing.T) {
			key, err := OpenText(data, Passphrase([]byte(words)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer key.Close()
			text, mark, err := key.Open(data)
			if err != nil || string(text) != configText {
				t.Fatalf("%q %v", text, err)
			}
			if other := otherReadText(t, data); other != fmt.Sprint(mark.ID, mark.Generation, mark.Fingerprint, configText) {
				t.Fatalf("the other reader: %q", other)
			}
		})
	}
}

func otherReadText(t *testing.T, data []byte) string {
	t.Helper()
	python := "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import argon2, cryptography").Run(); err != nil {
		requirePython(t)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "read_vault.py"), path, SlotPassphrase)
	cmd.Stdin = bytes.NewReader([]byte(words))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		ID          string `json:"id"`
		Generation  uint64 `json:"generation"`
		Fingerprint string `json:"fingerprint"`
		Text        string `json:"text"`
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(read.Text)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(read.ID, read.Generation, read.Fingerprint, string(text))
}

func FuzzParseText(f *testing.F) {
	data, key, err := SealText([]byte(configText), Passphrase([]byte(words)), keychain.VaultMark{}, cheap())
	if err != nil {
		f.Fatal(err)
	}
	defer key.Close()
	f.Add(data)
	f.Add([]byte(familyConfig.magic(1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, _, err := key.Open(data)
		if err == nil && !bytes.Equal(text, []byte(configText)) {
			t.Fatal("another text opens")
		}
		if text, err := decodeText(data); err == nil && len(text) > len(data) {
			t.Fatal("more than there is")
		}
	})
}
