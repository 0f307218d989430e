package redact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// known finds exact byte strings. The first minValue bytes at each position
// are hashed into a bit set that is sparse on purpose; only what passes is
// looked up and compared. Its cost does not grow with the number of values.
type known struct {
	shift     uint
	filter    []uint64
	buckets   map[uint64][]string // by the first minValue bytes, sorted
	multiline []string            // the needles with a newline in them, sorted
	sorted    []string
	longest   int
}

const windowMask = 1<<(8*minValue) - 1

func newKnown(list []string) *known {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	list = slices.Compact(list)
	// 128 bits a needle: one position in a hundred passes for nothing.
	size := max(bits.Len(uint(len(list)*128)), 12)
	k := &known{
		shift:   uint(64 - size),
		filter:  make([]uint64, 1<<(size-6)),
		buckets: map[uint64][]string{},
		sorted:  list,
	}
	for _, n := range list {
		w := window(view(n), 0)
		h := k.hash(w)
		k.filter[h>>6] |= 1 << (h & 63)
		k.buckets[w] = append(k.buckets[w], n)
		k.longest = max(k.longest, len(n))
		if strings.Contains(n, "\n") {
			k.multiline = append(k.multiline, n)
		}
	}
	return k
}

func (k *known) hash(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> k.shift }

func window(text []byte, i int) uint64 {
	if i+8 <= len(text) {
		return binary.LittleEndian.Uint64(text[i:]) & windowMask
	}
	var b [8]byte
	copy(b[:], text[i:i+minValue])
	return binary.LittleEndian.Uint64(b[:])
}

// find appends the span of every occurrence, overlapping ones too. offset is
// added to positions.
func (k *known) find(text []byte, offset int, spans []span) []span {
	if k == nil {
		return spans
	}
	for i := 0; i+minValue <= len(text); i++ {
		w := window(text, i)
		h := k.hash(w)
		if k.filter[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		if n := longestPrefix(k.buckets[w], text[i:]); n > 0 {
			spans = append(spans, span{from: offset + i, start: offset + i, end: offset + i + n})
		}
	}
	return spans
}

// longestPrefix returns the length of the longest of the sorted needles that
// text starts with; 0 if none does.
func longestPrefix(sorted []string, text []byte) int {
	for {
		at := sort.Search(len(sorted), func(i int) bool { return compare(sorted[i], text) > 0 })
		if at == 0 {
			return 0
		}
		n := sorted[at-1]
		common := 0
		for common < len(n) && common < len(text) && n[common] == text[common] {
			common++
		}
		if common == len(n) {
			return common
		}
		// A needle that text starts with sorts before n, so it is a prefix of
		// n too: of what n and text have in common.
		if common < minValue {
			return 0
		}
		text, sorted = text[:common], sorted[:at-1]
	}
}

func compare(needle string, text []byte) int {
	return bytes.Compare(view(needle), text)
}

// open returns the first position from which text could still grow into one of
// the needles: text[i:] is a proper prefix of one. It returns len(text) if
// there is none.
func (k *known) open(text []byte, multilineOnly bool) int {
	if k == nil {
		return len(text)
	}
	sorted, longest := k.sorted, k.longest
	if multilineOnly {
		if sorted = k.multiline; len(sorted) == 0 {
			return len(text)
		}
	}
	for i := max(len(text)-longest+1, 0); i < len(text); i++ {
		tail := text[i:]
		at := sort.Search(len(sorted), func(j int) bool { return compare(sorted[j], tail) >= 0 })
		if at < len(sorted) && len(sorted[at]) > len(tail) && sorted[at][:len(tail)] == string(tail) {
			return i
		}
		if at+1 < len(sorted) && sorted[at] == string(tail) && strings.HasPrefix(sorted[at+1], string(tail)) {
			return i
		}
	}
	return len(text)
}
