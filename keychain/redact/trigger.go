package redact

// triggers finds every occurrence of a set of literals, in any case, in one
// pass: the first of the two automata. It steps once a byte over the last
// three, folded into 32 classes; a set of 32,768 bits says in which
// steps a literal can be, and only there is it compared.
//
// An Aho-Corasick automaton with a table of transitions was half as fast: each
// of its steps waits for a load that depends on the step before, and its table
// does not fit into a processor's first cache.
type triggers struct {
	filter   [triples / 64]uint64
	bucket   [triples]uint16 // index into hits
	hits     [][]trigger
	literals []string
	ends     [256][]int // by last byte: the literals that are words of key names
}

const triples = 1 << 15

// trigger is a literal that may end tail bytes behind the step.
type trigger struct{ index, tail int }

// stepClass folds bytes: letters of either case to one class each, all digits
// to one, and the separators that literals hold to four.
var stepClass = func() (table [256]uint8) {
	for c := range byte(26) {
		table['a'+c], table['A'+c] = c+1, c+1
	}
	for c := byte('0'); c <= '9'; c++ {
		table[c] = 27
	}
	table['_'], table['-'] = 28, 28
	table[' '], table[':'], table['='] = 29, 29, 29
	table['.'], table['/'] = 30, 30
	table['%'], table['~'], table['+'], table['@'] = 31, 31, 31, 31
	return table
}()

func step(at uint32, c byte) uint32 { return at<<5&(triples-1) | uint32(stepClass[c]) }

// newTriggers builds the automaton. Literals are lower case and have two bytes
// or more.
func newTriggers(literals []string) *triggers {
	t := &triggers{literals: literals, hits: [][]trigger{nil}}
	common := usual()
	for index, literal := range literals {
		if len(literal) == 2 {
			// Nothing is decided by two bytes at the end of a line: whatever
			// follows completes the step.
			first := step(step(0, literal[0]), literal[1])
			for third := range uint32(32) {
				t.add(first<<5|third, trigger{index: index, tail: -1})
			}
			continue
		}
		best, tail, least := uint32(0), 0, 0
		for end := 3; end <= len(literal); end++ {
			at := step(step(step(0, literal[end-3]), literal[end-2]), literal[end-1])
			// What the step shares with ordinary text costs most, then what it
			// shares with other literals.
			if cost := common[at]*16 + len(t.hits[t.bucket[at]]) + 1; least == 0 || cost < least {
				best, tail, least = at, len(literal)-end, cost
			}
		}
		t.add(best, trigger{index: index, tail: tail})
	}
	return t
}

func (t *triggers) add(at uint32, hit trigger) {
	t.filter[at>>6] |= 1 << (at & 63)
	if t.bucket[at] == 0 {
		t.bucket[at] = uint16(len(t.hits)) // fewer than 32,768 steps exist
		t.hits = append(t.hits, nil)
	}
	t.hits[t.bucket[at]] = append(t.hits[t.bucket[at]], hit)
}

// ends reports whether the literal of hit ends where the step at i says, and
// nowhere before from. It returns the end.
func (t *triggers) matches(line []byte, from, i int, hit trigger) (end int, ok bool) {
	literal := t.literals[hit.index]
	end = i + 1 + hit.tail
	start := end - len(literal)
	if start < from || end > len(line) {
		return 0, false
	}
	for j := range len(literal) {
		if fold(line[start+j]) != literal[j] {
			return 0, false
		}
	}
	return end, true
}

// usual counts the steps of text as logs have it.
func usual() map[uint32]int {
	counts := map[uint32]int{}
	at := uint32(0)
	for _, c := range []byte(usualText) {
		at = step(at, c)
		counts[at]++
	}
	return counts
}

const usualText = `{"time":"2026-02-25T10:30:00.123456Z","level":"INFO","source":"gateway","message":"request done","agent":"coder","run":"r-0a1b2c",` +
	`"route":"POST /v1/messages","status":200,"input_tokens":1234,"output_tokens":567,"bytes_in":10240,"duration_ms":815,"from":"127.0.0.1:53412",` +
	`"provider":"anthropic","model":"claude","error":"","session_id":"","host":"localhost","user_agent":"node-fetch/1.0","path":"/usr/lib/python3/site-packages",` +
	`"sha":"3f786850e387550fdab836ed7e6dc881de23001b","reason":"connection refused","retry":3,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"} ` +
	`the quick answer to this question is that a process which has opened the file may keep reading it and that nothing else was changed; ` +
	`cannot open /home/user/project/internal/server/handler.go: permission denied; access to api.example.com:443 was allowed by the policy of the agent ` +
	`package main import fmt func return if err nil string int type struct const for range map interface error context test assert class public static void`
