package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"openclaw/keychain"
)

func keyOf(b byte) []byte { return bytes.Repeat([]byte{b}, keySize) }

func addSlot(t *testing.T, v *Vault, unlock Unlock) Slot {
	t.Helper()
	slot, err := v.AddSlot(t.Context(), unlock)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

func firstLine(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return string(line)
}

// A vault is of format 2 for as long as it has what format 1 does not describe, and what
// opened it before opens it all the time.
func TestSlotsOfFormat2ComeAndGo(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	ways := []Unlock{
		KeychainKey("0011223344556677", keyOf(1)), Credential("openclaw.key-1", keyOf(2)), AgeKey(keyOf(3), []byte("sealed"), []string{"age1one", "ssh-ed25519 AAAA+/="}),
	}
	for i, way := range ways {
		slot := addSlot(t, v, way)
		if i == 0 && slot.ID != "0011223344556677" {
			t.Fatal(slot.ID)
		}
		if line := firstLine(t, path); line != "openclaw-vault/2" {
			t.Fatal(line)
		}
		for _, way := range append(ways[:i+1:i+1], Passphrase([]byte(words))) {
			again, err := Open(t.Context(), path, way, cheap())
			if err != nil {
				t.Fatal(err)
			}
			want(t, again, "a", "1")
			again.Close()
		}
	}
	for _, wrong := range []Unlock{KeychainKey("0011223344556677", keyOf(2)), Credential("openclaw.key-1", keyOf(1)), AgeKey(keyOf(1), nil, nil), Key(keyOf(1))} {
		_, err := Open(t.Context(), path, wrong, cheap())
		wantKind(t, err, keychain.KindWrongKey)
	}
	slots, err := v.Slots(t.Context())
	if err != nil || len(slots) != 4 || slots[2].Name != "openclaw.key-1" || len(slots[3].Recipients) != 2 {
		t.Fatalf("%+v %v", slots, err)
	}
	// Nothing of it is written, so nothing is lost.
	for name, bad := range map[string]Unlock{
		"a name with a path":  Credential("../x", keyOf(1)),
		"a name of an option": Credential("-x", keyOf(1)),
		"no recipients":       AgeKey(keyOf(1), []byte("sealed"), nil),
		"a line in one":       AgeKey(keyOf(1), []byte("sealed"), []string{"age1\n"}),
		"one twice":           AgeKey(keyOf(1), []byte("sealed"), []string{"age1", "age1"}),
		"too large":           AgeKey(keyOf(1), make([]byte, maxSealed), []string{strings.Repeat("a", maxRecipient)}),
		"a short key":         Credential("x", keyOf(1)[:31]),
	} {
		_, err := v.AddSlot(t.Context(), bad)
		if keychain.KindOf(err) == "" || keychain.KindOf(err) == keychain.KindCorrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, slot := range slots[1:] {
		if err := v.RemoveSlot(t.Context(), slot.ID); err != nil {
			t.Fatal(err)
		}
	}
	if line := firstLine(t, path); line != "openclaw-vault/1" {
		t.Fatal(line)
	}
	want(t, reopen(t, path), "a", "1")
}

// What is left after a removal is to be opened by a person, where one could.
func TestTheLastPersonalSlotStays(t *testing.T) {
	v, _ := newVault(t)
	slots, err := v.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addSlot(t, v, Credential("c", keyOf(1)))
	addSlot(t, v, Key(keyOf(2)))
	err = v.RemoveSlot(t.Context(), slots[0].ID)
	wantKind(t, err, keychain.KindFailed)
	if !errors.Is(err, errPersonal) {
		t.Fatal(err)
	}
	age := addSlot(t, v, AgeKey(keyOf(3), []byte("sealed"), []string{"age1"}))
	if err := v.RemoveSlot(t.Context(), slots[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := v.RemoveSlot(t.Context(), age.ID); !errors.Is(err, errPersonal) {
		t.Fatal(err)
	}
}

// Whoever changes the list of slots, and repairs the checksum, is told by the cipher: as
// associated data the header belongs to the content.
func TestAChangedListOfSlotsIsTold(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	addSlot(t, v, Credential("one", keyOf(1)))
	addSlot(t, v, AgeKey(keyOf(3), []byte("sealed"), []string{"age1mine", "age1other"}))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(data, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	own := Header{ID: c.header.ID, Cipher: cipherName}
	forged, err := own.newSlot(Slot{Kind: SlotKeyFile}, keyOf(9), keyOf(8), costs{})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]Slot) []Slot{
		"one is gone":       func(s []Slot) []Slot { return s[:2] },
		"another order":     func(s []Slot) []Slot { return []Slot{s[1], s[0], s[2]} },
		"one more":          func(s []Slot) []Slot { return append(s, forged) },
		"a recipient":       func(s []Slot) []Slot { s[2].Recipients = []string{"age1thief"}; return s },
		"a credential":      func(s []Slot) []Slot { s[1].Name = "two"; return s },
		"the key for age":   func(s []Slot) []Slot { s[2].Sealed = []byte("other"); return s },
		"only format 1":     func(s []Slot) []Slot { return s[:1] },
		"a cheaper passage": func(s []Slot) []Slot { d := *s[0].Derivation; d.Time++; s[0].Derivation = &d; return s },
	} {
		h := c.header
		h.Generation++ // or it would be told to be another file of the same one
		h.Slots = change(append([]Slot(nil), c.header.Slots...))
		associated, err := encodeHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		body := append(append(associated, c.nonce...), c.ciphertext...)
		if err := os.WriteFile(path, summed(body), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = v.Get(t.Context(), "a")
		wantKind(t, err, keychain.KindCorrupt)
		_, err = v.AddSlot(t.Context(), Key(keyOf(5))) // nor is it written on
		wantKind(t, err, keychain.KindCorrupt)
		again, err := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
		if err == nil {
			again.Close()
			t.Errorf("%s: it opens", name)
		}
	}
}

// The number in the first line is the header's own, and no other.
func TestTheNumberIsTheHeaders(t *testing.T) {
	v, path := newVault(t)
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	addSlot(t, v, Credential("one", keyOf(1)))
	two, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{
		summed(bytes.Replace(one[:len(one)-checksumSize], []byte("vault/1"), []byte("vault/2"), 1)),
		summed(bytes.Replace(two[:len(two)-checksumSize], []byte("vault/2"), []byte("vault/1"), 1)),
	} {
		if _, err := parse(data, *cheap().floor); !errors.Is(err, errHeader) {
			t.Error(err)
		}
	}
}

// A vault of approved primitives names them, has no others in any slot, and stays so.
func TestApprovedVault(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	if err := v.Rekey(t.Context(), true, Passphrase([]byte(words)), Key(keyOf(1))); err != nil {
		t.Fatal(err)
	}
	addSlot(t, v, Passphrase([]byte("another battery")))
	addSlot(t, v, KeychainKey(NewSlotID(), keyOf(2)))
	_, err := v.AddSlot(t.Context(), AgeKey(keyOf(3), []byte("sealed"), []string{"age1"}))
	wantKind(t, err, keychain.KindUnsupported)
	if err := v.Rekey(t.Context(), false, Passphrase([]byte(words)), Key(keyOf(1))); err != nil {
		t.Fatal(err)
	}
	header := v.seen
	if !header.Approved() || header.Slots[0].Derivation.Name != kdfPBKDF2 || firstLine(t, path) != "openclaw-vault/2" {
		t.Fatalf("%+v", header)
	}
	want(t, reopen(t, path), "a", "1")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(good) - checksumSize - 40; i < len(good)-checksumSize; i++ { // the content and its tag
		bad := bytes.Clone(good[:len(good)-checksumSize])
		bad[i] ^= 1
		if err := os.WriteFile(path, summed(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, Key(keyOf(1)), cheap()); !errors.Is(err, errAltered) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for name, d := range map[string]Derivation{
		"cheap": {Name: kdfPBKDF2, Iterations: floorIterations - 1}, "endless": {Name: kdfPBKDF2, Iterations: ceilingIterations + 1},
		"argon2id": defaultCost(), "both": {Name: kdfPBKDF2, Iterations: floorIterations, Memory: 1},
	} {
		if err := d.check(cipherGCM, productionBounds()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (Derivation{Name: kdfPBKDF2, Iterations: floorIterations}).check(cipherName, productionBounds()); err == nil {
		t.Error("PBKDF2 beside XChaCha20")
	}
	if err := (Header{Cipher: cipherGCM, Generation: gcmWrites}).allowed(); !errors.Is(err, errNumber) {
		t.Error(err)
	}
}

// SP 800-38D's test case 16 (of McGrew and Viega), and RFC 7914, section 11.
func TestApprovedPrimitivesGiveThePublishedVectors(t *testing.T) {
	key := unhex(t, strings.Repeat("feffe9928665731c6d6a8f9467308308", 2))
	associated := unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")
	text := unhex(t, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
	sealed := unhex(t, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b")
	got, err := gcmOpen(key, unhex(t, "cafebabefacedbaddecaf888"), sealed, associated)
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%x %v", got, err)
	}
	one, err := gcmSeal([]byte("before"), key, text, associated)
	if err != nil || !bytes.HasPrefix(one, []byte("before")) {
		t.Fatal(err)
	}
	if got, err := gcmOpen(key, one[6:18], one[18:], associated); err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%x %v", got, err)
	}
	two, err := gcmSeal([]byte("before"), key, text, associated)
	if err != nil || bytes.Equal(one[:18], two[:18]) {
		t.Fatal("a nonce twice", err)
	}
	if _, err := gcmSeal(nil, key[:16], text, associated); !errors.Is(err, errCipher) {
		t.Fatal(err)
	}
	for _, v := range []struct {
		words, salt string
		iterations  uint32
		key         string
	}{
		{"passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
		{"Password", "NaCl", 80000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"},
	} {
		if got, err := iterate([]byte(v.words), []byte(v.salt), v.iterations); err != nil || hex.EncodeToString(got) != v.key {
			t.Fatalf("%x %v", got, err)
		}
	}
}
