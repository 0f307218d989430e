//go:build unix

package recipient

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

func nobody() ([]byte, error) { return nil, errors.New("nobody is to be asked") }

func says(words string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(words), nil }
}

func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sshKey is an ed25519 key of OpenSSH, under words if there are any.
func sshKey(t *testing.T, words string) (public string, private []byte) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if words == "" {
		block, err = ssh.MarshalPrivateKey(key, "comment")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "comment", []byte(words))
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshPub))) + " me@laptop", pem.EncodeToMemory(block)
}

func encrypted(t *testing.T, text, words string, lines bool) []byte {
	t.Helper()
	recipient, err := age.NewScryptRecipient(words)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(10)
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	target := any(&out).(interface{ Write([]byte) (int, error) })
	if lines {
		target = armored
	}
	w, err := age.Encrypt(target, recipient)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(text))
	err = errors.Join(err, w.Close())
	if lines {
		err = errors.Join(err, armored.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A slot for several recipients opens for each of them, by every kind of file, in a real
// vault, and for nobody else.
func TestEachRecipientOpensTheVault(t *testing.T) {
	one, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealedWithWords, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sshPlain, sshPlainFile := sshKey(t, "")
	sshWords, sshWordsFile := sshKey(t, "the words")
	key, sealed, names, err := Seal([]string{one.Recipient().String(), " " + sealedWithWords.Recipient().String() + "\n", sshPlain, sshWords})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 4 || strings.Contains(names[2], "laptop") || !strings.HasPrefix(names[2], "ssh-ed25519 AAAA") {
		t.Fatal(names)
	}
	path := filepath.Join(t.TempDir(), "v")
	v, err := vault.Create(t.Context(), path, vault.Key(bytes.Repeat([]byte{1}, 32)), vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	_, stranger, strangers, err := Seal([]string{other.Recipient().String()}) // a slot before that is for somebody else
	if err != nil {
		t.Fatal(err)
	}
	for _, unlock := range []vault.Unlock{vault.AgeKey(bytes.Repeat([]byte{2}, 32), stranger, strangers), vault.AgeKey(key.Reveal(), sealed, names)} {
		if _, err := v.AddSlot(t.Context(), unlock); err != nil {
			t.Fatal(err)
		}
	}
	header, err := vault.ReadHeader(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string]struct {
		text []byte
		ask  func() ([]byte, error)
	}{
		"age-keygen":               {[]byte("# created\n" + one.String() + "\n"), nobody},
		"of two keys the second":   {[]byte(mustX25519(t) + "\n" + one.String() + "\n"), nobody},
		"encrypted by age":         {encrypted(t, sealedWithWords.String()+"\n", "the words", false), says("the words")},
		"encrypted by age, -a":     {encrypted(t, sealedWithWords.String()+"\n", "the words", true), says("the words")},
		"OpenSSH":                  {sshPlainFile, nobody},
		"OpenSSH, with passphrase": {sshWordsFile, says("the words")},
	} {
		identities, err := Identities(write(t, given.text), given.ask)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Open(header, identities)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := vault.Open(t.Context(), path, vault.AgeKey(got.Reveal(), nil, nil), vault.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again.Close()
	}
	identities, err := Identities(write(t, []byte(mustX25519(t))), nobody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(header, identities); !errors.Is(err, ErrNotFor) {
		t.Fatal(err)
	}
}

func mustX25519(t *testing.T) string {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity.String()
}

// What is not taken is said by name, with nothing of a secret key in it.
func TestOtherKeysAreRefused(t *testing.T) {
	secret := mustX25519(t)
	_, sshWordsFile := sshKey(t, "the words")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaPub, err := ssh.NewPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(rsaKey, "")
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]error{
		secret: ErrSecretKey, strings.ToLower(secret): ErrSecretKey, "": ErrPublicKey, "age1": ErrPublicKey,
		string(ssh.MarshalAuthorizedKey(rsaPub)): ErrPublicKey, "ssh-ed25519 AAAA": ErrPublicKey, "age1yubikey1q": ErrPublicKey,
		"age1a\nage1b": ErrPublicKey,
	} {
		if _, _, _, err := Seal([]string{given}); !errors.Is(err, want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", given, err)
		}
	}
	if _, _, _, err := Seal(nil); !errors.Is(err, ErrPublicKey) {
		t.Error(err)
	}
	for name, given := range map[string]struct {
		text []byte
		ask  func() ([]byte, error)
		want error
	}{
		"a plugin's":          {[]byte("AGE-PLUGIN-YUBIKEY-1XXXX\n"), nobody, ErrPlugin},
		"half of a key":       {[]byte(secret[:40]), nobody, ErrIdentity},
		"empty":               {nil, nobody, ErrIdentity},
		"RSA":                 {pem.EncodeToMemory(block), nobody, ErrIdentity},
		"wrong words":         {encrypted(t, secret, "the words", true), says("others"), ErrWords},
		"wrong words of SSH":  {sshWordsFile, says("others"), ErrWords},
		"a file for somebody": {encrypted(t, "no keys", "the words", false), says("the words"), ErrIdentity},
	} {
		_, err := Identities(write(t, given.text), given.ask)
		if !errors.Is(err, given.want) || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := write(t, []byte(secret))
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Identities(path, nobody); !errors.Is(err, file.ErrMode) {
		t.Error(err)
	}
	if _, err := Identities(path+"-none", nobody); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// The frozen file's slot opens by its key, here and by the program age itself.
func TestTheFrozenSlotOpens(t *testing.T) {
	header, err := vault.ReadHeader(filepath.Join("..", "testdata", "format2-every-slot.vault"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, []byte("AGE-SECRET-KEY-145S5P2R4508HY9MZR4U3ECRHN2NG22QXYJEYTE0QE7GRC4LW3R7QWM7JFX\n"))
	identities, err := Identities(path, nobody)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte{0x45}, 32)
	if key, err := Open(header, identities); err != nil || !bytes.Equal(key.Reveal(), want) {
		t.Fatal(err)
	}
	program, err := exec.LookPath("age")
	if err != nil {
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			t.Fatal("required and not possible here: age is not installed")
		}
		t.Skip("age is not installed")
	}
	for _, slot := range header.Slots {
		if slot.Kind == vault.SlotAge {
			cmd := exec.CommandContext(t.Context(), program, "-d", "-i", path)
			cmd.Stdin = bytes.NewReader(slot.Sealed)
			if out, err := cmd.Output(); err != nil || !bytes.Equal(out, want) {
				t.Fatalf("%x %v", out, err)
			}
		}
	}
}

// In FIPS mode nothing of age is done.
func TestFIPSModeHasNoRecipients(t *testing.T) {
	if on, _ := vault.Mode(); on {
		if _, _, _, err := Seal([]string{"age1"}); !errors.Is(err, ErrMode) {
			t.Error(err)
		}
		if _, err := Identities("none", nobody); !errors.Is(err, ErrMode) {
			t.Error(err)
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPSModeHasNoRecipients$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=on")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Fatalf("%v\n%s", err, out)
	}
}
