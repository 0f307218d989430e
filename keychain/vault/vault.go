package vault

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// Names beside the vault file.
const (
	lockSuffix     = ".lock"
	previousSuffix = ".previous"
)

// defaultCost is argon2id with t=4, 128 MiB, p=2: half a second on two cores.
func defaultCost() Derivation {
	return Derivation{Name: kdfName, Time: 4, Memory: 128 << 10, Threads: 2}
}

// Options changes the defaults of Create and Open. The zero value is good.
type Options struct {
	Now func() time.Time

	cost  *Derivation // tests of this package only: production has one cost
	floor *bounds
	costs costs // of new passphrases; made by fill
}

// approvedIterations of PBKDF2 are a fifth of a second on a core.
const approvedIterations = 1_000_000

func (o Options) fill() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.cost == nil {
		cost := defaultCost()
		o.cost = &cost
		o.costs.iterations = approvedIterations
	}
	o.costs.argon = *o.cost
	o.costs.iterations = max(o.costs.iterations, 1_000) // a test's
	if o.floor == nil {
		floor := productionBounds()
		o.floor = &floor
	}
	return o
}

// Weak gives a derivation that costs nothing, to the tests of other packages: t is
// their *testing.T. Nothing else may write or open what anybody can guess.
func (o Options) Weak(_ interface{ TempDir() string }) Options {
	o.cost, o.floor = &Derivation{Name: kdfName, Time: 1, Memory: 64, Threads: 1}, &bounds{time: 1, memory: 64}
	return o
}

// instant is now as a header writes it.
func (o Options) instant() time.Time { return o.Now().UTC().Truncate(time.Second) }

// Vault is an unlocked vault file. It holds the root key and no entry: every
// call reads the file, so what another process wrote is seen at once.
type Vault struct {
	path  string
	now   func() time.Time
	floor bounds
	cost  costs // of a new passphrase

	mu   sync.RWMutex // guards root against Close and Rekey
	root *guarded     // nil after Close

	seenMu sync.Mutex
	seen   Header // of the highest generation that this process saw
	sum    []byte // of that file
}

// sighting is the newest file that this process had seen at some moment.
type sighting struct {
	header Header
	sum    []byte
}

var _ keychain.Store = (*Vault)(nil)

// Create makes a vault at path, which must not exist, with one slot.
func Create(ctx context.Context, path string, unlock Unlock, options Options) (*Vault, error) {
	const op = "create vault"
	options = options.fill()
	release, err := file.Acquire(ctx, path+lockSuffix)
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	defer release()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return nil, wrap(op, path, "", err)
	}
	if err := unlock.prepare(); err != nil {
		return nil, wrap(op, path, "", err)
	}
	material, wipe, err := unlock.get()
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	defer wipe()

	root := random(keySize)
	now := options.Now().UTC().Truncate(time.Second)
	header := Header{ID: hex.EncodeToString(random(16)), Generation: 1, Created: now, Written: now, Cipher: suite(false)}
	slot, err := header.newSlot(unlock.form(), material, root, options.costs)
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	header.Slots = []Slot{slot}
	v := &Vault{path: path, now: options.Now, floor: *options.floor, cost: options.costs, root: guard(root), seen: header}
	if err := v.write(header, payload{}, previousSuffix); err != nil {
		v.Close()
		return nil, wrap(op, path, "", err)
	}
	return v, nil
}

// Open unlocks the vault at path.
func Open(_ context.Context, path string, unlock Unlock, options Options) (*Vault, error) {
	const op = "open vault"
	options = options.fill()
	c, err := readContainer(path, *options.floor)
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	material, wipe, err := unlock.get()
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	defer wipe()
	root, err := c.header.unwrap(unlock.kind, material)
	if err != nil {
		return nil, wrap(op, path, "", err)
	}
	v := &Vault{path: path, now: options.Now, floor: *options.floor, cost: options.costs, root: guard(root), seen: c.header, sum: bytes.Clone(c.sum)}
	if err := v.decrypt(c, v.sighted(), func(payload) {}); err != nil {
		v.Close()
		return nil, wrap(op, path, "", err)
	}
	return v, nil
}

// ReadHeader returns what the file at path says without being unlocked. Only an
// unlock proves that it was not altered.
func ReadHeader(path string) (Header, error) {
	c, err := readContainer(path, productionBounds())
	if err != nil {
		return Header{}, wrap("read vault header", path, "", err)
	}
	return c.header, nil
}

// Close wipes the root key after the calls under way are done. Later calls
// fail as locked.
func (v *Vault) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.root != nil {
		v.root.wipe()
		v.root = nil
	}
}

func readContainer(path string, floor bounds) (container, error) {
	data, err := file.Read(path, maxFile)
	if err != nil {
		return container{}, err
	}
	return parse(data, floor)
}

// load reads the file, gives its header and entries to use and wipes the entries
// afterwards. What the file must continue is what had been seen before it was read: a
// call beside this one may write, and see, a newer one meanwhile.
func (v *Vault) load(use func(Header, payload)) error {
	before := v.sighted()
	c, err := readContainer(v.path, v.floor)
	if err != nil {
		return err
	}
	return v.decrypt(c, before, func(p payload) { use(c.header, p) })
}

// decrypt checks that the container continues what was seen before it was read, gives
// the entries to use and wipes them afterwards.
func (v *Vault) decrypt(c container, before sighting, use func(payload)) error {
	seen := before.header
	if c.header.ID != seen.ID {
		return errReplaced
	}
	switch {
	case c.header.Generation < seen.Generation:
		return fmt.Errorf("%w: %d after %d", errOlder, c.header.Generation, seen.Generation)
	case c.header.Generation == seen.Generation && !bytes.Equal(c.sum, before.sum):
		return fmt.Errorf("%w: %d", errFork, seen.Generation)
	}
	plaintext, err := c.open(v.root.bytes())
	if err != nil {
		if errors.Is(err, errAltered) && !sharesSlot(c.header, seen) {
			return errRekeyed
		}
		return err
	}
	defer clear(plaintext)
	p, err := decodePayload(plaintext)
	if err != nil {
		return err
	}
	v.saw(c.header, c.sum)
	use(p)
	return nil
}

// sharesSlot reports whether a way to unlock one vault unlocks the other. After
// Rekey none does; whoever forges that gains that the vault is locked.
func sharesSlot(a, b Header) bool {
	return slices.ContainsFunc(a.Slots, func(s Slot) bool {
		return slices.ContainsFunc(b.Slots, func(t Slot) bool { return s.ID == t.ID })
	})
}

func (v *Vault) sighted() sighting {
	v.seenMu.Lock()
	defer v.seenMu.Unlock()
	return sighting{header: v.seen, sum: v.sum}
}

func (v *Vault) saw(h Header, sum []byte) {
	v.seenMu.Lock()
	defer v.seenMu.Unlock()
	if h.Generation > v.seen.Generation || v.sum == nil {
		v.seen, v.sum = h, bytes.Clone(sum)
	}
}

// write puts a generation in the place of the one before, which gets the suffix; an
// empty one keeps nothing of it.
func (v *Vault) write(h Header, p payload, suffix string) error {
	plaintext, err := p.encode()
	if err != nil {
		return err
	}
	defer clear(plaintext)
	data, err := seal(h, v.root.bytes(), plaintext)
	if err != nil {
		return err
	}
	previous := ""
	if suffix != "" {
		previous = v.path + suffix
	}
	if err := file.Replace(v.path, previous, data); err != nil {
		return err
	}
	v.saw(h, data[len(data)-checksumSize:])
	return nil
}
