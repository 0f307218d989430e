package redact

// triggers finds every occurrence of a set of literals, in any case, in one
// pass: an Aho-Corasick automaton with a full table of transitions over
// classes of bytes.
type triggers struct {
	class [256]uint8
	width uint32
	next  []uint32 // row offset of the next state; hitFlag when literals end there
	hits  [][]int  // by state: indexes of the literals that end there
}

const hitFlag = 1 << 31

// newTriggers builds the automaton. Literals are lower case and not empty.
func newTriggers(literals []string) *triggers {
	t := &triggers{width: 1} // class 0: bytes that no literal has
	for _, literal := range literals {
		for _, c := range []byte(literal) {
			if t.class[c] == 0 {
				t.class[c] = uint8(t.width)
				t.width++
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t.class[c] = t.class[fold(c)]
	}
	row := make([]uint32, t.width)
	t.next = append(t.next, row...)
	t.hits = append(t.hits, nil)
	for index, literal := range literals {
		state := uint32(0)
		for _, c := range []byte(literal) {
			at := state*t.width + uint32(t.class[c])
			if t.next[at] == 0 {
				t.next[at] = uint32(len(t.hits))
				t.next = append(t.next, row...)
				t.hits = append(t.hits, nil)
			}
			state = t.next[at]
		}
		t.hits[state] = append(t.hits[state], index)
	}
	t.complete()
	return t
}

// complete fills the missing transitions from each state's longest proper
// suffix, breadth first, and turns state numbers into row offsets.
func (t *triggers) complete() {
	suffix := make([]uint32, len(t.hits))
	queue := make([]uint32, 0, len(t.hits))
	for c := range t.width {
		if child := t.next[c]; child != 0 {
			queue = append(queue, child)
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		t.hits[state] = append(t.hits[state], t.hits[suffix[state]]...)
		for c := range t.width {
			at, other := state*t.width+c, suffix[state]*t.width+c
			if child := t.next[at]; child != 0 {
				suffix[child] = t.next[other]
				queue = append(queue, child)
			} else {
				t.next[at] = t.next[other]
			}
		}
	}
	for at, state := range t.next {
		t.next[at] = state * t.width
		if len(t.hits[state]) > 0 {
			t.next[at] |= hitFlag
		}
	}
}
