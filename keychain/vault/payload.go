package vault

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"openclaw/keychain"
)

// Bounds of what a vault holds. With them a file stays far below maxFile, so
// that what was written can always be read.
const (
	MaxValue   = 1 << 20 // bytes
	maxEntries = 10_000
	maxPayload = 24 << 20
	padding    = 1 << 10
)

var (
	errPayload = errors.New("the entries are not as format 1 writes them")
	errFull    = errors.New("the vault is full")
)

// Entry is what a vault says about one secret.
type Entry struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
	Length  uint32    `json:"length"` // of the value in bytes
}

// index is the part of the payload that is JSON. Values stand behind it as
// plain bytes: a JSON encoder would leave copies of them in its buffers.
type index struct {
	Entries []Entry `json:"entries"`
}

type entry struct {
	Entry
	value []byte // a part of the payload's buffer, or the caller's
}

// payload is the decrypted content, sorted by name.
type payload struct{ entries []entry }

// decodePayload checks everything that later code relies on. The entries are
// parts of plaintext.
func decodePayload(plaintext []byte) (payload, error) {
	if len(plaintext) < 4 {
		return payload{}, errPayload
	}
	length := uint64(binary.BigEndian.Uint32(plaintext))
	rest := plaintext[4:]
	if length > uint64(len(rest)) {
		return payload{}, errPayload
	}
	var list index
	decoder := json.NewDecoder(bytes.NewReader(rest[:length]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		return payload{}, fmt.Errorf("%w: %w", errPayload, err)
	}
	rest = rest[length:]
	p := payload{entries: make([]entry, 0, len(list.Entries))}
	for i, e := range list.Entries {
		switch {
		case keychain.CheckName("open vault", e.Name) != nil, i > 0 && list.Entries[i-1].Name >= e.Name,
			uint64(e.Length) > uint64(len(rest)):
			return payload{}, errPayload
		}
		p.entries = append(p.entries, entry{e, rest[:e.Length:e.Length]})
		rest = rest[e.Length:]
	}
	return p, nil
}

// encode returns the plaintext, padded so that its length tells little about
// the values'. The caller wipes it.
func (p payload) encode() ([]byte, error) {
	if len(p.entries) > maxEntries {
		return nil, fmt.Errorf("%w: %d entries", errFull, len(p.entries))
	}
	list, size := index{Entries: make([]Entry, 0, len(p.entries))}, 0
	for _, e := range p.entries {
		e.Length = uint32(len(e.value))
		list.Entries = append(list.Entries, e.Entry)
		size += len(e.value)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("encode entries: %w", err)
	}
	size += 4 + len(text)
	size += padding - size%padding
	if size > maxPayload {
		return nil, fmt.Errorf("%w: %d bytes", errFull, size)
	}
	out := make([]byte, 0, size)
	out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
	out = append(out, text...)
	for _, e := range p.entries {
		out = append(out, e.value...)
	}
	return out[:size], nil
}

func (p payload) find(name string) (int, bool) {
	return slices.BinarySearchFunc(p.entries, name, func(e entry, name string) int { return strings.Compare(e.Name, name) })
}

// set stores value, which stays the caller's.
func (p *payload) set(name string, value []byte, now time.Time) {
	now = now.UTC().Truncate(time.Second)
	i, found := p.find(name)
	if found {
		p.entries[i].value, p.entries[i].Changed = value, now
		return
	}
	p.entries = slices.Insert(p.entries, i, entry{Entry{Name: name, Created: now, Changed: now}, value})
}

func (p *payload) remove(name string) bool {
	i, found := p.find(name)
	if found {
		p.entries = slices.Delete(p.entries, i, i+1)
	}
	return found
}
