package vault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"

	"openclaw/keychain"
)

const memoryChild = "OPENCLAW_TEST_VAULT_MEMORY"

// memoryValue is as long as a provider's key, and of its own bytes at every place.
func memoryValue() []byte { return []byte("memory-canary-" + strings.Repeat("7e1c9a", 8) + "-end") }

// TestMemoryChild uses a vault as a gateway does, locks it, and waits to be searched.
func TestMemoryChild(t *testing.T) {
	path := os.Getenv(memoryChild)
	if path == "" {
		t.Skip("it is what the other test runs")
	}
	passphrase, value := readAndWipe(t), readAndWipe(t)
	v, err := Open(t.Context(), path, Passphrase(passphrase), cheap())
	clear(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	use := func(ctx context.Context) error {
		secret := keychain.NewSecret(bytes.Clone(value))
		defer secret.Wipe()
		for i := range 20 {
			if err := v.Set(ctx, fmt.Sprintf("key-%d", i%3), secret); err != nil {
				return err
			}
			got, err := v.Get(ctx, "key-0")
			if err != nil {
				return err
			}
			got.Wipe()
			if _, err := v.List(ctx); err != nil {
				return err
			}
		}
		if _, err := v.AddSlot(ctx, KeyFile(path+".key")); err != nil {
			return err
		}
		key, err := os.ReadFile(path + ".slots")
		if err != nil {
			return err
		}
		defer clear(key)
		for _, unlock := range []Unlock{Credential("one", key), KeychainKey(NewSlotID(), key)} {
			if _, err := v.AddSlot(ctx, unlock); err != nil {
				return err
			}
		}
		if seen := v.seen; seen.Approved() {
			return nil
		}
		_, err = v.AddSlot(ctx, AgeKey(key, []byte("sealed"), []string{"age1"}))
		return err
	}
	if err := use(t.Context()); err != nil {
		t.Fatal(err)
	}
	clear(value)
	state := func(word string) {
		fmt.Println(word)
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
	state("UNLOCKED")
	v.Close()
	state("LOCKED")
}

// readAndWipe reads a line byte by byte, so that no buffer keeps a copy.
func readAndWipe(t *testing.T) []byte {
	t.Helper()
	line, letter := make([]byte, 0, 256), make([]byte, 1)
	for len(line) < cap(line) {
		if n, err := os.Stdin.Read(letter); n == 0 || err != nil {
			t.Fatal(err)
		}
		if letter[0] == '\n' {
			letter[0] = 0
			break
		}
		line = append(line, letter[0])
	}
	return line
}

// After the vault is closed the memory of the process holds none of its keys, nor the
// passphrase, nor a value; before, the root key is there once. What the processor's
// registers held when the system interrupted just then, no program in Go can wipe:
// that is another thing each time, so what three processes leave alike counts.
func TestLockedVaultLeavesNothingInMemory(t *testing.T) {
	t.Run("own suite", func(t *testing.T) { leavesNothing(t, false) })
	t.Run("FIPS mode", func(t *testing.T) { leavesNothing(t, true) })
}

func leavesNothing(t *testing.T, approved bool) {
	t.Helper()
	left := leftInMemory(t, approved)
	for range 2 {
		if len(left) == 0 {
			return
		}
		again := leftInMemory(t, approved)
		for name := range left {
			if again[name] == 0 {
				delete(left, name)
			}
		}
	}
	for name, count := range left {
		t.Errorf("%s: %d copies after the lock, each time", name, count)
	}
}

// leftInMemory is what a process keeps of a vault that it used and locked.
func leftInMemory(t *testing.T, approved bool) map[string]int {
	t.Helper()
	passphrase := []byte("memory horse battery " + hex.EncodeToString(random(8)))
	path := filepath.Join(t.TempDir(), "vault.openclaw")
	v, err := Create(t.Context(), path, Passphrase(passphrase), cheap())
	if err != nil {
		t.Fatal(err)
	}
	if approved {
		if err := v.Rekey(t.Context(), true, Passphrase(passphrase)); err != nil {
			t.Fatal(err)
		}
	}
	root := bytes.Clone(v.root.bytes())
	v.Close()
	if err := os.WriteFile(path+".slots", random(keySize), 0o600); err != nil {
		t.Fatal(err)
	}

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryChild$")
	child.Env = append(os.Environ(), memoryChild+"="+path, "GOGC=10") // much collected: it moves stacks
	if approved {
		child.Env = append(child.Env, "GODEBUG=fips140=on")
	}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	defer in.Close()
	defer func() { _ = child.Process.Kill() }()
	if _, err := fmt.Fprintf(in, "%s\n%s\n", passphrase, memoryValue()); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	until := func(word string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == word {
				return
			}
			t.Log(lines.Text())
		}
		t.Fatalf("the child ended before it was %s", word)
	}
	until("UNLOCKED")
	needles := memoryNeedles(t, path, passphrase, root)
	found := searchMemory(t, child.Process.Pid, needles)
	if found["the root key"] != 1 && !approved || found["the root key"] == 0 {
		t.Errorf("the root key is %d times in the memory of an open vault, not once", found["the root key"])
	}
	if _, err := in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	until("LOCKED")
	return searchMemory(t, child.Process.Pid, needles)
}

// memoryNeedles are all keys that the child had to do with.
func memoryNeedles(t *testing.T, path string, passphrase, root []byte) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(data, *cheap().floor)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	prk := hmac256([]byte(c.header.ID), root)
	payload, err := c.header.payloadKey(root)
	if err != nil {
		t.Fatal(err)
	}
	slots, err := os.ReadFile(path + ".slots")
	if err != nil {
		t.Fatal(err)
	}
	needles := map[string][]byte{
		"the root key": root, "the key of the entries": payload, "the extracted key": prk[:],
		"the key file": file, "the key of other slots": slots, "the passphrase": passphrase, "a value": memoryValue(),
	}
	subkey := func(name string, key, nonce []byte) {
		if len(nonce) == gcmNonceSize {
			return // AES has none
		}
		made, err := chacha20.HChaCha20(key, nonce[:16])
		if err != nil {
			t.Fatal(err)
		}
		needles[name] = made
	}
	subkey("the subkey of the newest file", payload, c.nonce)
	if len(c.header.Slots) < 4 {
		t.Fatalf("only %d slots", len(c.header.Slots))
	}
	for i, slot := range c.header.Slots {
		material := slots
		if i < 2 {
			material = [][]byte{passphrase, file}[i]
		}
		key, err := familyVault.keyEncryptionKey(slot, material)
		if err != nil {
			t.Fatal(err)
		}
		needles["the key of slot "+slot.Kind] = key
		subkey("the subkey of slot "+slot.Kind, key, slot.Nonce)
	}
	return needles
}

// searchMemory counts where a process has what is searched for in what it may write.
func searchMemory(t *testing.T, pid int, needles map[string][]byte) map[string]int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	found, searched := map[string]int{}, 0
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(err)
		}
		const piece, shadow = 1 << 20, 1 << 30
		if !strings.HasPrefix(mode, "rw") || to-from > shadow { // the race detector's own, which copies nothing
			continue
		}
		buffer := make([]byte, piece+256)                    // what lies across two pieces is in one of them
		for at := int64(from); at < int64(to); at += piece { // of memory that may be written, whose addresses fit
			size := min(int64(len(buffer)), int64(to)-at)
			n, err := memory.ReadAt(buffer[:size], at)
			if err != nil && !errors.Is(err, io.EOF) && n == 0 {
				continue // a page that no process may read, such as the kernel's own
			}
			searched += n
			for name, needle := range needles {
				for rest := buffer[:n]; ; {
					i := bytes.Index(rest, needle)
					if i < 0 || len(buffer[:n])-len(rest)+i >= piece {
						break
					}
					found[name]++
					rest = rest[i+1:]
				}
			}
		}
	}
	if searched < 1<<20 {
		t.Fatalf("only %d bytes could be searched", searched)
	}
	return found
}
