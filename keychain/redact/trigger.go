package redact

import "encoding/binary"

// triggers finds every occurrence of a set of literals, in any case, in one
// pass: the first of the two automata. At every second byte it looks at three,
// hashed into a set of 65,536 bits that says where a literal can be; only there
// is one compared. A literal of four bytes or more has, wherever it stands, three of its own
// at such a place; of a shorter one what stands beside it belongs to the three.
//
// An Aho-Corasick automaton with a table of transitions takes eight times as
// long: each of its steps waits for a load that depends on the step before, and its table
// does not fit into a processor's first cache.
type triggers struct {
	filter [1 << (windowBits - 6)]uint64
	bucket [1 << windowBits]uint16 // index into hits
	hits   [][]trigger
	ends   [256][]int // by last byte: the literals that are words of key names
}

// trigger is a literal that may be where a window stands.
type trigger struct {
	literal string
	index   int
	start   int // behind the window
}

const (
	windowBits = 16
	lookEvery  = 2 // bytes between two windows
	lookSize   = 3 // bytes of one

	// foldWindow makes letters lower case, and other bytes something else: a
	// window only says where to compare.
	foldWindow = 0x20202020
	// spreadWindow is 2^32 divided by the golden ratio, odd (Knuth, The Art of
	// Computer Programming, volume 3, 6.4), moved by a byte, which drops the
	// fourth byte of what was loaded.
	spreadWindow = 0x3779b100
)

// windowAt hashes the first three of four bytes, in any case.
func windowAt(four uint32) uint32 { return (four | foldWindow) * spreadWindow >> (32 - windowBits) }

func windowOf(a, b, c byte) uint32 { return windowAt(uint32(a) | uint32(b)<<8 | uint32(c)<<16) }

// newTriggers builds the set. Literals are lower case and have two bytes or
// more. follows says whether the rule of a literal can accept what has c behind
// the literal.
func newTriggers(literals []string, follows func(index int, c byte) bool) *triggers {
	t := &triggers{hits: [][]trigger{nil}}
	common := usual()
	for index, literal := range literals {
		for first := range lookEvery {
			t.add(index, literal, first, common, follows)
		}
	}
	return t
}

// add chooses the windows by which a literal is found that stands first bytes
// behind a look.
func (t *triggers) add(index int, literal string, first int, common map[uint32]int, follows func(int, byte) bool) {
	best, least := -1, 0
	for at := first; at+lookSize <= len(literal); at += lookEvery {
		w := windowOf(literal[at], literal[at+1], literal[at+2])
		// What the window shares with ordinary text costs most, then what it
		// shares with other literals.
		if cost := common[w]*16 + len(t.hits[t.bucket[w]]); best < 0 || cost < least {
			best, least = at, cost
		}
	}
	if best >= 0 {
		t.put(windowOf(literal[best], literal[best+1], literal[best+2]), trigger{literal, index, -best})
		return
	}
	for c := range 256 {
		switch {
		case first+1 == len(literal): // one byte of the literal is not enough: the look before it
			t.put(windowOf(byte(c), literal[0], literal[1]), trigger{literal, index, 1})
		case follows(index, byte(c)) || c == 0: // 0 stands for the end of the line
			t.put(windowOf(literal[first], literal[first+1], byte(c)), trigger{literal, index, -first})
		}
	}
}

func (t *triggers) put(w uint32, hit trigger) {
	t.filter[w>>6] |= 1 << (w & 63)
	if t.bucket[w] == 0 {
		t.bucket[w] = uint16(len(t.hits)) // at most 65,536 literals, see maxPatterns
		t.hits = append(t.hits, nil)
	}
	list := t.hits[t.bucket[w]]
	if n := len(list); n > 0 && list[n-1] == hit {
		return // a byte in its other case
	}
	t.hits[t.bucket[w]] = append(list, hit)
}

// matches reports whether the literal stands where the window at i says,
// and not before from. It returns its end.
func (h *trigger) matches(line []byte, from, i int) (end int, ok bool) {
	start := i + h.start
	end = start + len(h.literal)
	return end, start >= from && hasPrefix(line, start, h.literal)
}

// next returns the first look at i or behind it, in steps of lookEvery, at
// which a literal can be, and its window; len(line) or more if there is none.
func (t *triggers) next(line []byte, i int) (at int, w uint32) {
	filter := &t.filter
	for ; len(line)-i >= 10; i += 4 * lookEvery {
		b := (*[10]byte)(line[i:])
		w0 := windowAt(binary.LittleEndian.Uint32(b[0:4]))
		w1 := windowAt(binary.LittleEndian.Uint32(b[2:6]))
		w2 := windowAt(binary.LittleEndian.Uint32(b[4:8]))
		w3 := windowAt(binary.LittleEndian.Uint32(b[6:10]))
		s0, s1, s2, s3 := filter[w0>>6]>>(w0&63), filter[w1>>6]>>(w1&63), filter[w2>>6]>>(w2&63), filter[w3>>6]>>(w3&63)
		if (s0|s1|s2|s3)&1 == 0 {
			continue
		}
		switch {
		case s0&1 != 0:
			return i, w0
		case s1&1 != 0:
			return i + lookEvery, w1
		case s2&1 != 0:
			return i + 2*lookEvery, w2
		}
		return i + 3*lookEvery, w3
	}
	for ; i < len(line); i += lookEvery {
		if w = window(line, i); filter[w>>6]>>(w&63)&1 != 0 {
			return i, w
		}
	}
	return i, 0
}

// window is the window at i; behind the end of the line are zeros.
func window(line []byte, i int) uint32 {
	var four [4]byte
	copy(four[:], line[i:])
	return windowAt(binary.LittleEndian.Uint32(four[:]))
}

// usual counts the windows of text as logs have it.
func usual() map[uint32]int {
	counts := map[uint32]int{}
	for i := range len(usualText) - lookSize {
		counts[windowOf(usualText[i], usualText[i+1], usualText[i+2])]++
	}
	return counts
}

const usualText = `{"time":"2026-02-25T10:30:00.123456Z","level":"INFO","source":"gateway","message":"request done","agent":"coder","run":"r-0a1b2c",` +
	`"route":"POST /v1/messages","status":200,"input_tokens":1234,"output_tokens":567,"bytes_in":10240,"duration_ms":815,"from":"127.0.0.1:53412",` +
	`"provider":"anthropic","model":"claude","error":"","session_id":"","host":"localhost","user_agent":"node-fetch/1.0","path":"/usr/lib/python3/site-packages",` +
	`"sha":"3f786850e387550fdab836ed7e6dc881de23001b","reason":"connection refused","retry":3,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"} ` +
	`{"message":"denied","agent":"reviewer","program":"/usr/bin/node","command_line":"node build.js --mode production","class":"path.read",` +
	`"target":"/home/user/.config/app/settings.json","rule":"built-in","mechanism":"landlock","client":"openclaw-tui/1.0","reason":"closed by the client"} ` +
	`the quick answer to this question is that a process which has opened the file may keep reading it and that nothing else was changed; ` +
	`cannot open /home/user/project/internal/server/handler.go: permission denied; access to api.example.com:443 was allowed by the policy of the agent ` +
	`package main import fmt func return if err nil string int type struct const for range map interface error context test assert class public static void`
