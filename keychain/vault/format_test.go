package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/keychain"
)

func TestVaultRefusesHostileCosts(t *testing.T) {
	_, path := newVault(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(data, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Derivation){
		"64 GiB": func(d *Derivation) { d.Memory = 64 << 20 }, "4 TiB": func(d *Derivation) { d.Memory = 1<<32 - 1 },
		"11 rounds": func(d *Derivation) { d.Time = 11 }, "no rounds": func(d *Derivation) { d.Time = 0 },
		"no lanes": func(d *Derivation) { d.Threads = 0 }, "255 lanes": func(d *Derivation) { d.Threads = 255 },
		"another function": func(d *Derivation) { d.Name = "none" }, "little memory": func(d *Derivation) { d.Memory = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			h := c.header
			slot := h.Slots[0]
			cost := *slot.Derivation
			change(&cost)
			slot.Derivation = &cost
			h.Slots = []Slot{slot}
			hostile, err := seal(h, make([]byte, keySize), nil) // a right checksum, made without the key
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, hostile, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path, Passphrase([]byte(words)), cheap())
			wantKind(t, err, keychain.KindUnsupported)
		})
	}
}

// Every damaged bit and every cut is told, and never as a wrong passphrase.
func TestVaultDamageIsTold(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte, what string) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
		if kind := keychain.KindOf(err); kind != keychain.KindCorrupt {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		check(bad, fmt.Sprintf("bit %d", i*8+i%8))
	}
	for n := 0; n < len(good); n += 7 {
		check(good[:n], fmt.Sprintf("cut at %d", n))
	}
	check(append(bytes.Clone(good), 0), "one byte more")
}

// Whoever repairs the checksum after a change is told by the cipher.
func TestVaultAlterationIsTold(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(good, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	root := bytes.Clone(v.root.bytes())
	h := c.header
	h.Generation += 5 // in the header only: the content was sealed with another one
	associated, err := encodeHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (container{header: h, associated: associated, nonce: c.nonce, ciphertext: c.ciphertext}).open(root); !errors.Is(err, errAltered) {
		t.Fatalf("a changed header: %v", err)
	}
	slot := h.Slots[0]
	slot.ID = strings.Repeat("0", 16)
	h.Slots = []Slot{slot}
	if _, err := h.unwrap(SlotPassphrase, []byte(words)); !errors.Is(err, errWrongKey) {
		t.Fatalf("a slot under another name: %v", err)
	}
	_, err = parse([]byte("openclaw-vault/3\n"+strings.Repeat("x", 200)), productionBounds())
	if !errors.Is(err, errNewer) {
		t.Fatalf("a later format: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	floor := *cheap().floor
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	header := Header{ID: strings.Repeat("ab", 16), Generation: 7, Created: at, Written: at, Cipher: cipherName}
	slot, err := header.newSlot(Slot{Kind: SlotPassphrase}, []byte(words), make([]byte, keySize), costs{argon: *cheap().cost})
	if err != nil {
		f.Fatal(err)
	}
	header.Slots = []Slot{slot}
	good, err := seal(header, make([]byte, keySize), []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	for _, name := range []string{"format2-every-slot.vault", "format2-approved.vault"} {
		frozen, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frozen)
		start := len(familyVault.magic(2)) + 4
		f.Add(frozen[start : start+int(binary.BigEndian.Uint32(frozen[start-4:]))])
	}
	f.Add([]byte(familyVault.magic(1)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			c, err := parse(data, floor)
			if err != nil {
				return
			}
			again, err := encodeHeader(c.header)
			if err != nil || !bytes.Equal(again, c.associated) {
				t.Fatalf("accepted a header that is not canonical: %v", err)
			}
			for _, slot := range c.header.Slots {
				if d := slot.Derivation; d != nil && (d.Memory > ceilingMemory || d.Time > ceilingTime || d.Iterations > ceilingIterations) {
					t.Fatalf("accepted %+v", d)
				}
				if c.header.Approved() && (slot.Kind == SlotAge || slot.Derivation != nil && slot.Derivation.Name != kdfPBKDF2) {
					t.Fatalf("accepted %+v beside approved primitives", slot)
				}
				if strings.ContainsAny(slot.Name, "/\x00\n") || strings.ContainsAny(strings.Join(slot.Recipients, ""), "\n\x1b") {
					t.Fatalf("accepted %q %q", slot.Name, slot.Recipients)
				}
			}
		}
		check(data)
		// The same bytes as a header, with everything around them right.
		for number := 1; number <= 2; number++ {
			framed := append([]byte(familyVault.magic(number)), binary.BigEndian.AppendUint32(nil, uint32(len(data)))...)
			framed = append(append(framed, data...), make([]byte, nonceSize+tagSize)...)
			sum := sha256.Sum256(framed)
			check(append(framed, sum[:]...))
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	p := payload{}
	p.set("a", []byte("1"), time.Unix(0, 0))
	p.set("b", nil, time.Unix(0, 0))
	good, err := p.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte{255, 255, 255, 255, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePayload(data)
		if err != nil {
			return
		}
		again, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		q, err := decodePayload(again)
		if err != nil || len(q.entries) != len(p.entries) {
			t.Fatalf("%d entries became %d: %v", len(p.entries), len(q.entries), err)
		}
		for i := range p.entries {
			if p.entries[i].Name != q.entries[i].Name || !bytes.Equal(p.entries[i].value, q.entries[i].value) {
				t.Fatal("an entry changed")
			}
		}
	})
}

// frozenIdentity is the secret key of age for which a slot of a frozen file is.
const frozenIdentity = "AGE-SECRET-KEY-145S5P2R4508HY9MZR4U3ECRHN2NG22QXYJEYTE0QE7GRC4LW3R7QWM7JFX"

// Files of each format that every later version has to open. They were written by
// this package and are never written again.
func TestVaultOpensFrozenFiles(t *testing.T) {
	key := bytes.Repeat([]byte{0x42}, keySize)
	code := []byte("AADQ-4FI4-EMVD-COB7-IZGV-IW3C-NFYH-POLJ")
	for _, frozen := range []struct {
		name, kind string
		material   []byte
	}{
		{"format1-key-file.vault", SlotKeyFile, key},
		{"format1-passphrase.vault", SlotPassphrase, []byte(words)},
		{"format1-three-slots.vault", SlotKeyFile, key},
		{"format1-three-slots.vault", SlotPassphrase, []byte(words)},
		{"format1-three-slots.vault", SlotRecovery, code},
		{"format2-every-slot.vault", SlotPassphrase, []byte(words)},
		{"format2-every-slot.vault", SlotKeyFile, key},
		{"format2-every-slot.vault", SlotRecovery, code},
		{"format2-every-slot.vault", SlotKeychain, bytes.Repeat([]byte{0x43}, keySize)},
		{"format2-every-slot.vault", SlotCredential, bytes.Repeat([]byte{0x44}, keySize)},
		{"format2-every-slot.vault", SlotAge, bytes.Repeat([]byte{0x45}, keySize)},
		{"format2-approved.vault", SlotPassphrase, []byte(words)},
		{"format2-approved.vault", SlotKeyFile, key},
		{"format2-approved.vault", SlotRecovery, code},
	} {
		t.Run(frozen.name+" "+frozen.kind, func(t *testing.T) {
			path := filepath.Join("testdata", frozen.name)
			v, err := Open(t.Context(), path, Unlock{kind: frozen.kind, material: keychain.NewSecret(frozen.material)}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			want(t, v, "anthropic", "frozen value 1")
			want(t, v, "token/gateway", "frozen\x00value\n2")
			if frozen.kind == SlotAge { // which it decrypts itself
				frozen.material = []byte(frozenIdentity)
			}
			sameForTheOtherReader(t, v, path, frozen.kind, frozen.material)
		})
	}
}
