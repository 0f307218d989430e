package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/keychain"
)

// otherEntry is an entry as the other reader gives it.
type otherEntry struct {
	Entry

	Value []byte `json:"value"`
}

var errOtherRefused = errors.New("the other reader refuses it")

// otherRead opens a file with testdata/read_vault.py, which was written from the
// specification in doc.go and shares no code with this package.
func otherRead(t *testing.T, path, kind string, material []byte) (id, fingerprint string, generation uint64, entries []otherEntry, err error) {
	t.Helper()
	python := "/usr/bin/python3" // Debian's own, whose packages these are
	if err := exec.CommandContext(t.Context(), python, "-c", "import argon2, cryptography").Run(); err != nil {
		requirePython(t)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "read_vault.py"), path, kind)
	cmd.Stdin = bytes.NewReader(material)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		if !strings.HasPrefix(complaint.String(), "refused: ") {
			t.Fatalf("%v: %s", err, complaint.String())
		}
		return "", "", 0, nil, errors.Join(errOtherRefused, errors.New(strings.TrimSpace(complaint.String())))
	}
	var read struct {
		ID          string       `json:"id"`
		Generation  uint64       `json:"generation"`
		Fingerprint string       `json:"fingerprint"`
		Entries     []otherEntry `json:"entries"`
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	return read.ID, read.Fingerprint, read.Generation, read.Entries, nil
}

func requirePython(t *testing.T) {
	t.Helper()
	reason := "python3 with python3-cryptography and python3-argon2 of Debian is not installed"
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required and not possible here: " + reason)
	}
	t.Skip(reason)
}

// sameForTheOtherReader compares everything that both say of a file.
func sameForTheOtherReader(t *testing.T, v *Vault, path, kind string, material []byte) {
	t.Helper()
	id, fingerprint, generation, others, err := otherRead(t, path, kind, material)
	if err != nil {
		t.Fatal(err)
	}
	if mark := v.Mark(); mark.ID != id || mark.Generation != generation || mark.Fingerprint != fingerprint {
		t.Fatalf("%+v, the other reader says %s %d %s", mark, id, generation, fingerprint)
	}
	entries, err := v.Entries(t.Context())
	if err != nil || len(entries) != len(others) {
		t.Fatalf("%d entries, the other reader has %d: %v", len(entries), len(others), err)
	}
	for i, other := range others {
		if !slices.Contains(entries, other.Entry) || entries[i].Name != other.Name {
			t.Fatalf("%+v, the other reader says %+v", entries[i], other.Entry)
		}
		want(t, v, other.Name, string(other.Value))
	}
}

// What this package writes now, after every kind of change, the other reader opens
// by every way that takes no derivation of its own cost.
func TestTheOtherReaderOpensWhatIsWritten(t *testing.T) {
	key := bytes.Repeat([]byte{7}, keySize)
	path := filepath.Join(t.TempDir(), "v")
	v, err := Create(t.Context(), path, Key(key), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	sameForTheOtherReader(t, v, path, SlotKeyFile, key)
	set(t, v, "b", strings.Repeat("x", 1024)) // the padding is a whole block or near it
	set(t, v, "a/b.c_d-E", "\x00\n\xff")
	set(t, v, "c", "gone")
	if err := v.Delete(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	for length := 700; length < 760; length += 7 {
		set(t, v, "d", strings.Repeat("y", length))
	}
	sameForTheOtherReader(t, v, path, SlotKeyFile, key)
	code := NewRecoveryCode()
	if err := v.Rekey(t.Context(), false, RecoveryCode(code.Reveal())); err != nil {
		t.Fatal(err)
	}
	sameForTheOtherReader(t, v, path, SlotRecovery, code.Reveal())
	if err := v.Advance(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	sameForTheOtherReader(t, v, path, SlotRecovery, code.Reveal())
	if _, _, _, _, err := otherRead(t, path, SlotKeyFile, key); !errors.Is(err, errOtherRefused) {
		t.Fatal(err)
	}
}

// summed is a file of a right checksum, as whoever alters one makes it.
func summed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// The specification refuses what the package refuses: a test of the other reader,
// which would otherwise agree with whatever it is given.
func TestTheOtherReaderRefuses(t *testing.T) {
	key := bytes.Repeat([]byte{0x42}, keySize)
	good, err := os.ReadFile(filepath.Join("testdata", "format1-key-file.vault"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(good, productionBounds())
	if err != nil {
		t.Fatal(err)
	}
	body := good[:len(good)-checksumSize]
	newer := c.header
	newer.Generation++
	associated, err := encodeHeader(newer)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(body)
	flipped[len(flipped)-1] ^= 1
	loose := bytes.Replace(body, []byte(`{"id"`), []byte(`{ "id"`), 1)
	binary.BigEndian.PutUint32(loose[len(familyVault.magic(1)):], binary.BigEndian.Uint32(loose[len(familyVault.magic(1)):])+1)
	for name, data := range map[string][]byte{
		"a changed generation": summed(append(associated, body[len(c.associated):]...)),
		"a changed payload":    summed(flipped),
		"a header with spaces": summed(loose),
		"another format":       summed(bytes.Replace(body, []byte("vault/1"), []byte("vault/2"), 1)),
		"no checksum":          body,
	} {
		path := filepath.Join(t.TempDir(), "v")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, Key(key), Options{}); keychain.KindOf(err) == "" {
			t.Errorf("%s: it opens", name)
		}
		if _, _, _, _, err := otherRead(t, path, SlotKeyFile, key); !errors.Is(err, errOtherRefused) {
			t.Errorf("%s: the other reader opens it: %v", name, err)
		}
	}
	if hex.EncodeToString(c.sum[:fingerprintSize]) != "b99c97d6af2bd3a893b7b358c5d705f1" {
		t.Error("a frozen file was written again")
	}
}
