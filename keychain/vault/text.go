package vault

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"openclaw/keychain"
)

// MaxText is the longest text that is encrypted as one, in bytes.
const MaxText = 2 << 20

var (
	errTextSize = fmt.Errorf("the text has more than %d bytes", MaxText)
	errTextForm = errors.New("the content is not as format 1 writes it")
	errOtherKey = errors.New("it has another key than the one that is known")
)

// IsText reports whether data begins as an encrypted text does, of whatever
// number. A text that only its checksum or its key tells to be damaged is one.
func IsText(data []byte) bool { return bytes.HasPrefix(data, []byte(familyConfig.prefix())) }

// TextKey is the key of an encrypted text: the config. It holds the root key and
// no text, and writes no file. It may be used from several goroutines.
type TextKey struct {
	floor bounds
	with  Options

	mu   sync.RWMutex // guards root against Close
	root *guarded
	id   string
}

// SealText encrypts a text under a new root key that unlock opens. What stood in
// its place before gives its id and generation; the zero mark is of nothing.
func SealText(text []byte, unlock Unlock, before keychain.VaultMark, options Options) ([]byte, *TextKey, error) {
	const op = "encrypt text"
	options = options.fill()
	if err := unlock.prepare(); err != nil {
		return nil, nil, wrapText(op, err)
	}
	material, wipe, err := unlock.get()
	if err != nil {
		return nil, nil, wrapText(op, err)
	}
	defer wipe()
	now := options.instant()
	h := Header{ID: before.ID, Generation: before.Generation, Created: now, Cipher: suite(false), family: familyConfig}
	if h.ID == "" {
		h.ID = hex.EncodeToString(random(16))
	}
	root := random(keySize)
	slot, err := h.newSlot(unlock.form(), material, root, options.costs)
	if err != nil {
		clear(root)
		return nil, nil, wrapText(op, err)
	}
	h.Slots = []Slot{slot}
	k := &TextKey{floor: *options.floor, with: options, root: guard(root), id: h.ID}
	data, err := k.seal(h, text)
	if err != nil {
		k.Close()
		return nil, nil, wrapText(op, err)
	}
	return data, k, nil
}

// OpenText finds the key of an encrypted text.
func OpenText(data []byte, unlock Unlock, options Options) (*TextKey, error) {
	const op = "open text"
	options = options.fill()
	c, err := familyConfig.parse(data, *options.floor)
	if err != nil {
		return nil, wrapText(op, err)
	}
	material, wipe, err := unlock.get()
	if err != nil {
		return nil, wrapText(op, err)
	}
	defer wipe()
	root, err := c.header.unwrap(unlock.kind, material)
	if err != nil {
		return nil, wrapText(op, err)
	}
	return &TextKey{floor: *options.floor, with: options, root: guard(root), id: c.header.ID}, nil
}

// MarkText tells which writing an encrypted text is, as it says itself: only its
// key proves it.
func MarkText(data []byte, options Options) (keychain.VaultMark, error) {
	c, err := familyConfig.parse(data, *options.fill().floor)
	if err != nil {
		return keychain.VaultMark{}, wrapText("read text", err)
	}
	return c.mark(), nil
}

func (c container) mark() keychain.VaultMark {
	return keychain.VaultMark{
		ID: c.header.ID, Generation: c.header.Generation, Written: c.header.Written,
		Fingerprint: hex.EncodeToString(c.sum[:fingerprintSize]),
	}
}

// Open decrypts a text of this key. KindWrongKey is one of another key, which is
// not told from one that somebody altered.
func (k *TextKey) Open(data []byte) ([]byte, keychain.VaultMark, error) {
	text, c, err := k.open(data)
	if err != nil {
		return nil, keychain.VaultMark{}, wrapText("open text", err)
	}
	return text, c.mark(), nil
}

func (k *TextKey) open(data []byte) ([]byte, container, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.root == nil {
		return nil, container{}, errClosed
	}
	c, err := familyConfig.parse(data, k.floor)
	if err != nil {
		return nil, c, err
	}
	if c.header.ID != k.id {
		return nil, c, errOtherKey
	}
	plaintext, err := c.open(k.root.bytes())
	if errors.Is(err, errAltered) {
		err = fmt.Errorf("%w, or %w", errOtherKey, errAltered)
	}
	if err != nil {
		return nil, c, err
	}
	defer clear(plaintext)
	text, err := decodeText(plaintext)
	return text, c, err
}

// Seal encrypts text as the generation after past, or after data if that is later,
// with data's ways to unlock it.
func (k *TextKey) Seal(data, text []byte, past uint64) ([]byte, error) {
	const op = "encrypt text"
	old, c, err := k.open(data) // a header that nothing proves is not written on
	if err != nil {
		return nil, wrapText(op, err)
	}
	clear(old)
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.root == nil {
		return nil, wrapText(op, errClosed)
	}
	c.header.Generation = max(c.header.Generation, past)
	sealed, err := k.seal(c.header, text)
	return sealed, wrapText(op, err)
}

// seal writes the generation after the header's.
func (k *TextKey) seal(h Header, text []byte) ([]byte, error) {
	if len(text) > MaxText {
		return nil, errTextSize
	}
	if h.Generation >= maxGeneration {
		return nil, errNumber
	}
	h.Generation++
	h.Written = k.with.instant()
	plaintext := encodeText(text)
	defer clear(plaintext)
	return seal(h, k.root.bytes(), plaintext)
}

// Close wipes the root key after the calls under way are done.
func (k *TextKey) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.root != nil {
		k.root.wipe()
		k.root = nil
	}
}

// encodeText hides the length of a text as the payload of a vault does.
func encodeText(text []byte) []byte {
	size := 4 + len(text)
	size += padding - size%padding
	out := make([]byte, 0, size)
	out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
	out = append(out, text...)
	return out[:size]
}

func decodeText(plaintext []byte) ([]byte, error) {
	if len(plaintext) < 4 {
		return nil, errTextForm
	}
	length := binary.BigEndian.Uint32(plaintext)
	if uint64(length) > uint64(len(plaintext)-4) || length > MaxText {
		return nil, errTextForm
	}
	return bytes.Clone(plaintext[4 : 4+length]), nil
}

// wrapText gives err its kind and the cure; nil stays nil.
func wrapText(op string, err error) error {
	if err == nil {
		return nil
	}
	kind, hint := judge("", err)
	is := func(target error) bool { return errors.Is(err, target) }
	const restore = "restore it from a backup, or write the config anew and encrypt that"
	switch {
	case is(errOtherKey):
		kind, hint = keychain.KindWrongKey, "if somebody encrypted it anew, give its new passphrase: start this program again; if not, "+restore
	case is(errWrongKey):
		hint = "try again: the passphrase is not the one that it was encrypted with"
	case is(errNoSlot), is(errClosed):
		hint = "give the passphrase that it was encrypted with"
	case is(errTextSize):
		kind, hint = keychain.KindTooBig, "a config has at most 1 MiB"
	case is(errNotApproved):
		hint = "start openclaw without GODEBUG=fips140 and run 'openclaw config decrypt FILE', then in FIPS mode 'openclaw config encrypt FILE'"
	case is(errNewer):
		hint = "a newer openclaw encrypted it: use that version"
	case is(errCost), is(errNumber):
		hint = "do not trust the file; " + restore
	case kind == keychain.KindCorrupt, is(errTextForm):
		kind, hint = keychain.KindCorrupt, "the file is damaged: "+restore
	}
	return &keychain.Error{Op: op, Kind: kind, Err: err, Hint: hint}
}
