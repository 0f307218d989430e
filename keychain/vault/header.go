package vault

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// family is what a file is for. No key, slot or content of one family is one of
// another: each has its own first line, and its own texts in every derivation.
type family uint8

const (
	familyVault  family = iota // entries
	familyConfig               // one text: the config
)

func (f family) prefix() string {
	if f == familyConfig {
		return "openclaw-config/"
	}
	return "openclaw-vault/"
}

// name is what every derivation of the family says, whatever the file's number: a slot
// stays as it was made when the file becomes one of a later format.
func (f family) name() string { return f.prefix() + "1" }

// magic is the first line of a file of a number.
func (f family) magic(number int) string { return f.prefix() + strconv.Itoa(number) + "\n" }

// payload names the content in the derivation of its key.
func (f family) payload() string {
	if f == familyConfig {
		return "text"
	}
	return "entries"
}

// Sizes and bounds of the formats; doc.go is the specification.
const (
	keySize      = 32
	nonceSize    = 24 // of XChaCha20-Poly1305
	gcmNonceSize = 12
	tagSize      = 16
	saltSize     = 16
	checksumSize = 32
	maxHeader    = 16 << 10
	maxFile      = 32 << 20
	maxSlots     = 8
	maxPassSlots = 4 // each may cost seconds at the ceiling
)

// Names that the header spells out. The second of each is of the approved suite.
const (
	cipherName   = "xchacha20-poly1305"
	cipherGCM    = "aes-256-gcm"
	kdfName      = "argon2id"
	kdfPBKDF2    = "pbkdf2-hmac-sha256"
	formatFirst  = 1
	formatSecond = 2
)

// Kinds of slot: how the root key can be unlocked.
const (
	SlotPassphrase = "passphrase"
	SlotKeyFile    = "key-file"
	SlotRecovery   = "recovery-code"
	SlotKeychain   = "keychain"   // a key in the system's keychain
	SlotCredential = "credential" // a key that the service manager hands over
	SlotAge        = "age"        // a key that is encrypted to recipients
)

// Bounds of the key derivation. The floor is the second choice of RFC 9106
// (t=3, 64 MiB); the ceiling is what a hostile file may cost at most.
const (
	floorTime     = 3
	floorMemory   = 64 << 10 // KiB
	ceilingTime   = 10
	ceilingMemory = 1 << 20 // KiB
	ceilingLanes  = 16

	floorIterations   = 600_000 // of PBKDF2, what OWASP asks for at least
	ceilingIterations = 10_000_000
)

// Header is what a vault file says without being unlocked.
type Header struct {
	ID         string    `json:"id"`         // 16 random bytes in hexadecimal
	Generation uint64    `json:"generation"` // 1 at creation, one more at every write
	Created    time.Time `json:"created"`
	Written    time.Time `json:"written"`
	Cipher     string    `json:"cipher"`
	Slots      []Slot    `json:"slots"`

	family family // as the first line says
}

// Slot wraps the root key for one way of unlocking.
type Slot struct {
	ID         string      `json:"id"` // 8 random bytes in hexadecimal
	Kind       string      `json:"kind"`
	Salt       []byte      `json:"salt"`
	Derivation *Derivation `json:"kdf,omitempty"`        // passphrase slots
	Name       string      `json:"name,omitempty"`       // credential slots: the credential's
	Recipients []string    `json:"recipients,omitempty"` // age slots: the public keys
	Sealed     []byte      `json:"sealed,omitempty"`     // age slots: the slot's key, as a file of age
	Nonce      []byte      `json:"nonce"`
	Wrapped    []byte      `json:"wrapped"`
}

// Derivation is the cost of making a key from a passphrase.
type Derivation struct {
	Name       string `json:"name"`
	Time       uint32 `json:"time,omitempty"`
	Memory     uint32 `json:"memory_kib,omitempty"`
	Threads    uint8  `json:"threads,omitempty"`
	Iterations uint32 `json:"iterations,omitempty"`
}

// Has reports whether a slot of the kind exists.
func (h Header) Has(kind string) bool {
	for _, slot := range h.Slots {
		if slot.Kind == kind {
			return true
		}
	}
	return false
}

// Reasons for which bytes are not a vault that this program opens.
var (
	errNotVault  = errors.New("this is not a file that openclaw encrypted")
	errTruncated = errors.New("the file is cut short")
	errChecksum  = errors.New("the checksum does not match")
	errHeader    = errors.New("the header is not as its format writes it")
	errNewer     = errors.New("the format is not one that this version of openclaw reads")
	errCost      = errors.New("the key derivation is outside of what this version of openclaw accepts")
)

// container is a vault file in its parts; all of them are parts of one buffer.
type container struct {
	header     Header
	associated []byte // magic, length and header as they stand in the file
	sum        []byte // the checksum at its end
	nonce      []byte
	ciphertext []byte
}

// bounds are the accepted costs; tests lower the floor.
type bounds struct{ time, memory, iterations uint32 }

func productionBounds() bounds {
	return bounds{time: floorTime, memory: floorMemory, iterations: floorIterations}
}

// parse splits and judges a vault file without any key.
func parse(data []byte, floor bounds) (container, error) { return familyVault.parse(data, floor) }

func (f family) parse(data []byte, floor bounds) (container, error) {
	number := formatFirst
	if bytes.HasPrefix(data, []byte(f.magic(formatSecond))) {
		number = formatSecond
	}
	magic := f.magic(number)
	if !bytes.HasPrefix(data, []byte(magic)) {
		switch {
		case f.another(data):
			return container{}, errNewer
		case len(data) < len(magic) && bytes.HasPrefix([]byte(magic), data):
			return container{}, errTruncated
		}
		return container{}, errNotVault
	}
	start := len(magic) + 4
	if len(data) < start+gcmNonceSize+tagSize+checksumSize {
		return container{}, errTruncated
	}
	body, sum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if !checksumMatches(body, sum) {
		return container{}, errChecksum
	}
	length := binary.BigEndian.Uint32(data[len(magic):])
	if length > maxHeader {
		return container{}, fmt.Errorf("%w: %d bytes long", errHeader, length)
	}
	end := start + int(length)
	if len(body) < end+gcmNonceSize+tagSize {
		return container{}, errTruncated
	}
	header, err := parseHeader(data[start:end], floor)
	if err != nil {
		return container{}, err
	}
	if header.number() != number {
		return container{}, fmt.Errorf("%w: it is of another number than the first line", errHeader)
	}
	nonce := end + nonceLength(header.Cipher)
	if len(body) < nonce+tagSize {
		return container{}, errTruncated
	}
	header.family = f
	return container{
		header: header, associated: body[:end], sum: sum, nonce: body[end:nonce], ciphertext: body[nonce:],
	}, nil
}

// another reports whether data begins as a file of another number does.
func (f family) another(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte(f.prefix()))
	number, _, ended := bytes.Cut(rest[:min(len(rest), 5)], []byte("\n"))
	return ok && ended && len(number) > 0 && len(bytes.Trim(number, "0123456789")) == 0
}

// parseHeader accepts the one canonical form only: what it returns encodes to
// the same bytes.
func parseHeader(text []byte, floor bounds) (Header, error) {
	var h Header
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&h); err != nil {
		return Header{}, fmt.Errorf("%w: %w", errHeader, err)
	}
	if canonical, err := json.Marshal(h); err != nil || !bytes.Equal(canonical, text) {
		return Header{}, fmt.Errorf("%w: not canonical", errHeader)
	}
	if h.Cipher != cipherName && h.Cipher != cipherGCM {
		return Header{}, fmt.Errorf("%w: cipher", errNewer)
	}
	if !hexBytes(h.ID, 16) || h.Generation == 0 || len(h.Slots) == 0 || len(h.Slots) > maxSlots {
		return Header{}, fmt.Errorf("%w: identity, generation or slots", errHeader)
	}
	if !universal(h.Created) || !universal(h.Written) {
		return Header{}, fmt.Errorf("%w: times", errHeader)
	}
	for _, slot := range h.Slots {
		if err := slot.check(h.Cipher, floor); err != nil {
			return Header{}, err
		}
	}
	if err := h.slotsFit(); err != nil {
		return Header{}, fmt.Errorf("%w: %w", errCost, err)
	}
	return h, nil
}

func universal(t time.Time) bool { return t.Location() == time.UTC }

func hexBytes(text string, size int) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == size && hex.EncodeToString(b) == text
}

// encodeHeader returns the associated data: magic, length, canonical header.
func encodeHeader(h Header) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	if len(text) > maxHeader {
		return nil, errNoRoom
	}
	out := append([]byte(nil), h.family.magic(h.number())...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
	return append(out, text...), nil
}
