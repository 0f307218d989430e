package redact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"strings"
)

// known finds exact byte strings: the second of the two automata. A long needle
// has, wherever it stands, a window of eight bytes at one of every eight
// positions, so one look at every eighth position is enough, first into a filter;
// what passes is looked up and compared. Shorter needles are looked for at more
// positions. Its cost hardly grows with the number of values.
type known struct {
	tiers     []sampled
	multiline []string // the needles with a newline in them, sorted
	sorted    []string
	longest   int
	first     [256]bool // bytes with which needles begin
}

// tiers are the needles by length: one of stride+size-1 bytes has a whole
// window at any place.
var tiers = [...]struct{ stride, size int }{{8, 8}, {4, 8}, {2, minValue - 1}}

// sampled is a set of needles and the windows by which they are found.
type sampled struct {
	stride, size int // positions between two looks, bytes of a window
	mask         uint64
	shift        uint
	filter       []uint64
	windows      map[uint64][]candidate
}

// candidate are the needles of which a window is the part that starts back
// bytes behind their start.
type candidate struct {
	back    int
	needles []string // sorted
}

func newKnown(list []string) *known {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	list = slices.Compact(list)
	k := &known{sorted: list}
	var byTier [len(tiers)][]string
	for _, n := range list {
		for i, tier := range tiers {
			if len(n) >= tier.stride+tier.size-1 {
				byTier[i] = append(byTier[i], n)
				break
			}
		}
		k.longest = max(k.longest, len(n))
		k.first[n[0]] = true
		if strings.Contains(n, "\n") {
			k.multiline = append(k.multiline, n)
		}
	}
	for i, tier := range tiers {
		if len(byTier[i]) > 0 {
			k.tiers = append(k.tiers, newSampled(byTier[i], tier.stride, tier.size))
		}
	}
	return k
}

func newSampled(needles []string, stride, size int) sampled {
	s := sampled{stride: stride, size: size, mask: 1<<(8*size) - 1}
	if size == 8 {
		s.mask = ^uint64(0)
	}
	s.windows = make(map[uint64][]candidate, len(needles)*stride)
	for _, n := range needles {
		for back := range stride {
			w := s.window(view(n), back)
			list := s.windows[w]
			i := slices.IndexFunc(list, func(c candidate) bool { return c.back == back })
			if i < 0 {
				list = append(list, candidate{back: back})
				i = len(list) - 1
			}
			list[i].needles = append(list[i].needles, n)
			s.windows[w] = list
		}
	}
	// A word for every eight windows, or for every four: one look in fifty, or in two
	// hundred, passes for nothing, and the set of some hundred values stays in a
	// processor's second cache.
	width := max(bits.Len(uint(len(s.windows)/8)), 4)
	s.shift = uint(64 - width)
	s.filter = make([]uint64, 1<<width)
	for w := range s.windows {
		h := w * spread
		s.filter[h>>s.shift] |= 1<<(h>>firstBit&63) | 1<<(h>>secondBit&63) | 1<<(h>>thirdBit&63)
	}
	return s
}

// A window sets three bits of one word of the filter (F. Putze, P. Sanders, J. Singler,
// Cache-, Hash- and Space-Efficient Bloom Filters, 2007). Which word the upper
// bits of its hash say, and which bits those below.
const (
	spread    = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, odd
	firstBit  = 38
	secondBit = 32
	thirdBit  = 26
)

func (s *sampled) window(text []byte, i int) uint64 {
	if i+8 <= len(text) {
		return binary.LittleEndian.Uint64(text[i:]) & s.mask
	}
	var b [8]byte
	copy(b[:], text[i:])
	return binary.LittleEndian.Uint64(b[:]) & s.mask
}

// find appends the span of every occurrence, overlapping ones too. offset is
// added to positions.
func (k *known) find(text []byte, offset int, spans []span) []span {
	if k == nil {
		return spans
	}
	for i := range k.tiers {
		spans = k.tiers[i].find(text, offset, spans)
	}
	return spans
}

func (s *sampled) find(text []byte, offset int, spans []span) []span {
	filter, shift, mask, i := s.filter, s.shift, s.mask, 0
	for ; i+8 <= len(text); i += s.stride {
		w := binary.LittleEndian.Uint64(text[i:]) & mask
		h := w * spread
		if word := filter[h>>(shift&63)]; word>>(h>>firstBit&63)&(word>>(h>>secondBit&63))&(word>>(h>>thirdBit&63))&1 != 0 {
			spans = s.compare(text, i, w, offset, spans)
		}
	}
	for ; i+s.size <= len(text); i += s.stride { // the last few, for windows of fewer than eight bytes
		spans = s.compare(text, i, s.window(text, i), offset, spans)
	}
	return spans
}

// compare looks up the window w at i.
func (s *sampled) compare(text []byte, i int, w uint64, offset int, spans []span) []span {
	for _, c := range s.windows[w] {
		start := i - c.back
		if start < 0 {
			continue
		}
		if n := longestPrefix(c.needles, text[start:]); n > 0 {
			spans = append(spans, span{from: offset + start, start: offset + start, end: offset + start + n})
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
		if !k.first[text[i]] {
			continue
		}
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
