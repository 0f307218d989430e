package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
)

const words = "correct horse battery"

// cheap lowers the cost and its floor; only tests of this package can.
func cheap() Options {
	return Options{
		cost:  &Derivation{Name: kdfName, Time: 1, Memory: 64, Threads: 1},
		floor: &bounds{time: 1, memory: 8},
	}
}

func newVault(t *testing.T) (*Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.openclaw")
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), cheap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v, path
}

func reopen(t *testing.T, path string) *Vault {
	t.Helper()
	v, err := Open(t.Context(), path, Passphrase([]byte(words)), cheap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func set(t *testing.T, v *Vault, name, value string) {
	t.Helper()
	if err := v.Set(t.Context(), name, keychain.NewSecret([]byte(value))); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, v *Vault, name, value string) {
	t.Helper()
	got, err := v.Get(t.Context(), name)
	if err != nil || string(got.Reveal()) != value {
		t.Fatalf("%s: got %q, %v", name, got.Reveal(), err)
	}
}

func wantKind(t *testing.T, err error, kind keychain.Kind) {
	t.Helper()
	e, ok := errors.AsType[*keychain.Error](err)
	if !ok || e.Kind != kind || e.Hint == "" {
		t.Fatalf("got %v, want kind %q with a hint", err, kind)
	}
}

func TestVaultKeepsWhatWasSet(t *testing.T) {
	v, path := newVault(t)
	big := strings.Repeat("x", MaxValue)
	for name, value := range map[string]string{"anthropic": "sk-1", "token/gateway": "a\x00\nb", "big": big} {
		set(t, v, name, value)
	}
	set(t, v, "anthropic", "sk-2")
	for _, vault := range []*Vault{v, reopen(t, path)} {
		want(t, vault, "anthropic", "sk-2")
		want(t, vault, "token/gateway", "a\x00\nb")
		want(t, vault, "big", big)
		names, err := vault.List(t.Context())
		if err != nil || !slices.Equal(names, []string{"anthropic", "big", "token/gateway"}) {
			t.Fatalf("%v %v", names, err)
		}
	}
	if err := v.Delete(t.Context(), "big"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, v.Delete(t.Context(), "big"), keychain.KindNotFound)
	_, err := reopen(t, path).Get(t.Context(), "big")
	wantKind(t, err, keychain.KindNotFound)
	wantKind(t, v.Set(t.Context(), "big", keychain.NewSecret(make([]byte, MaxValue+1))), keychain.KindTooBig)
	wantKind(t, v.Set(t.Context(), "none", keychain.Secret{}), keychain.KindFailed)
	wantKind(t, v.Set(t.Context(), "a b", keychain.NewSecret([]byte("v"))), keychain.KindBadName)
}

func TestVaultRemembersTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v")
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	options := cheap()
	options.Now = func() time.Time { return now }
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), options)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	set(t, v, "a", "1")
	created := now.Truncate(time.Second)
	now = now.Add(time.Hour)
	set(t, v, "a", "22")
	entries, err := v.Entries(t.Context())
	if err != nil || len(entries) != 1 || entries[0] != (Entry{"a", created, created.Add(time.Hour), 2}) {
		t.Fatalf("%+v %v", entries, err)
	}
	if generation, written := v.Generation(); generation != 3 || !written.Equal(created.Add(time.Hour)) {
		t.Fatalf("%d %v", generation, written)
	}
}

func TestVaultFilesTellNothing(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "anthropic-name", "sk-ant-canary")
	set(t, v, "another", "x")
	for _, file := range []string{path, path + previousSuffix} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"sk-ant-canary", "anthropic-name", words} {
			if bytes.Contains(data, []byte(text)) {
				t.Fatalf("%s holds %q", file, text)
			}
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", file, info.Mode(), err)
		}
	}
	size := func() int64 { info, _ := os.Stat(path); return info.Size() }
	before := size()
	set(t, v, "another", strings.Repeat("y", 100))
	if size() != before {
		t.Fatal("the file's size tells the length of a short value")
	}
}

func TestVaultUnlock(t *testing.T) {
	dir := t.TempDir()
	path, keyPath := filepath.Join(dir, "v"), filepath.Join(dir, "key")
	v, err := Create(t.Context(), path, KeyFile(keyPath), Options{})
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "a", "1")
	v.Close()
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	wantKind(t, v.Set(t.Context(), "a", keychain.NewSecret([]byte("2"))), keychain.KindLocked)
	v.Close()

	key, err := os.ReadFile(keyPath)
	if err != nil || len(key) != 32 {
		t.Fatalf("%d bytes, %v", len(key), err)
	}
	for _, way := range []Unlock{KeyFile(keyPath), Key(key)} {
		v, err := Open(t.Context(), path, way, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want(t, v, "a", "1")
		v.Close()
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, key, 0o644); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, key[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		unlock Unlock
		kind   keychain.Kind
	}{
		"another key":         {KeyFile(other), keychain.KindWrongKey},
		"words for a key":     {Passphrase([]byte(words)), keychain.KindWrongKey},
		"readable by others":  {KeyFile(open), keychain.KindUnsafeFile},
		"key file too short":  {KeyFile(short), keychain.KindFailed},
		"key file is missing": {KeyFile(filepath.Join(dir, "none")), keychain.KindNoService},
		"nothing":             {Unlock{}, keychain.KindFailed},
	} {
		_, err := Open(t.Context(), path, test.unlock, Options{})
		t.Run(name, func(t *testing.T) { wantKind(t, err, test.kind) })
	}
	if text := fmt.Sprintf("%v %+v %#v", Key(key), Passphrase([]byte(words)), Key(key)); strings.Contains(text, words) {
		t.Fatal(text)
	}
	_, err = Create(t.Context(), path, KeyFile(keyPath), Options{})
	wantKind(t, err, keychain.KindFailed)
	_, err = Create(t.Context(), path+"2", Passphrase([]byte("short")), Options{})
	wantKind(t, err, keychain.KindFailed)
	_, err = Open(t.Context(), path+"2", KeyFile(keyPath), Options{})
	wantKind(t, err, keychain.KindNoService)
}

// The production options know one cost and one floor.
func TestVaultProductionCost(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "v")
	v, err := Create(t.Context(), path, Passphrase([]byte(words)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	header, err := ReadHeader(path)
	if err != nil || *header.Slots[0].Derivation != (Derivation{"argon2id", 4, 128 << 10, 2}) {
		t.Fatalf("%+v %v", header, err)
	}
	_, err = Open(t.Context(), path, Passphrase([]byte("wrong horse")), Options{})
	wantKind(t, err, keychain.KindWrongKey)

	_, weak := newVault(t)
	_, err = Open(t.Context(), weak, Passphrase([]byte(words)), Options{})
	wantKind(t, err, keychain.KindUnsupported)
	_, err = ReadHeader(weak)
	wantKind(t, err, keychain.KindUnsupported)
}

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
	if _, err := (container{h, associated, c.nonce, c.ciphertext}).open(root); !errors.Is(err, errAltered) {
		t.Fatalf("a changed header: %v", err)
	}
	slot := h.Slots[0]
	slot.ID = strings.Repeat("0", 16)
	h.Slots = []Slot{slot}
	if _, err := h.unwrap(SlotPassphrase, []byte(words)); !errors.Is(err, errWrongKey) {
		t.Fatalf("a slot under another name: %v", err)
	}
	_, err = parse([]byte("openclaw-vault/2\n"+strings.Repeat("x", 200)), productionBounds())
	if !errors.Is(err, errNewer) {
		t.Fatalf("a later format: %v", err)
	}
}

func TestVaultRefusesOlderAndOtherFiles(t *testing.T) {
	v, path := newVault(t)
	set(t, v, "a", "1")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, "a", "2")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindCorrupt)
	wantKind(t, v.Set(t.Context(), "a", keychain.NewSecret([]byte("3"))), keychain.KindCorrupt)

	_, another := newVault(t)
	if err := os.Rename(another, path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindLocked)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindNoService)
	if err := os.Symlink(path+previousSuffix, path); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get(t.Context(), "a")
	wantKind(t, err, keychain.KindUnsafeFile)
}

func TestVaultManyGoroutines(t *testing.T) {
	v, path := newVault(t)
	other := reopen(t, path)
	var group sync.WaitGroup
	for i := range 8 {
		vault := []*Vault{v, other}[i%2]
		group.Go(func() {
			name := fmt.Sprintf("n%d", i)
			for j := range 5 {
				if err := vault.Set(context.Background(), name, keychain.NewSecret(fmt.Appendf(nil, "%d", j))); err != nil {
					t.Error(err)
				}
				if _, err := vault.Get(context.Background(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for i := range 8 {
		want(t, v, fmt.Sprintf("n%d", i), "4")
	}
	if generation, _ := other.Generation(); generation < 1+8*5-1 {
		t.Fatalf("generation %d: a change was lost", generation)
	}
}

func FuzzParse(f *testing.F) {
	floor := *cheap().floor
	cost := *cheap().cost
	slot, err := newSlot(strings.Repeat("ab", 16), SlotPassphrase, []byte(words), make([]byte, keySize), cost)
	if err != nil {
		f.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	good, err := seal(Header{strings.Repeat("ab", 16), 7, at, at, cipherName, []Slot{slot}}, make([]byte, keySize), []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte(magic))
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
				if d := slot.Derivation; d != nil && (d.Memory > ceilingMemory || d.Time > ceilingTime) {
					t.Fatalf("accepted %+v", d)
				}
			}
		}
		check(data)
		// The same bytes as a header, with everything around them right.
		framed := append([]byte(magic), binary.BigEndian.AppendUint32(nil, uint32(len(data)))...)
		framed = append(append(framed, data...), make([]byte, nonceSize+tagSize)...)
		sum := sha256.Sum256(framed)
		check(append(framed, sum[:]...))
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
