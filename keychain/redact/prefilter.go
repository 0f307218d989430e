package redact

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"time"
)

// A value pattern is run on a line only where a text stands that every match
// of it holds: the first automaton looks for those texts together with its own
// literals.

const (
	maxLiterals = 64 // of one pattern
	leastSearch = 3  // bytes of such a text; see newTriggers
)

// required returns texts in lower case of which every match of node holds one,
// in any case; nil if there are none such.
func required(node *syntax.Regexp) []string {
	switch node.Op {
	case syntax.OpLiteral:
		if text := searchable(node); len(text) >= leastSearch {
			return []string{text}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(node.Sub[0])
	case syntax.OpRepeat:
		if node.Min > 0 {
			return required(node.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range node.Sub {
			if found := required(sub); rarer(found, best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range node.Sub {
			found := required(sub)
			if all = append(all, found...); found == nil || len(all) > maxLiterals {
				return nil
			}
		}
		return all
	default: // classes, anchors, what may be absent
	}
	return nil
}

// searchable is the longest part of a literal whose letters have no other case
// than those of ASCII (k is also K, the sign of the kelvin, and s the long ſ).
func searchable(node *syntax.Regexp) string {
	fits := func(r rune) bool {
		if r >= 128 {
			return false
		}
		return node.Flags&syntax.FoldCase == 0 || r != 'k' && r != 'K' && r != 's' && r != 'S'
	}
	best := ""
	for _, part := range strings.FieldsFunc(string(node.Rune), func(r rune) bool { return !fits(r) }) {
		if len(part) > len(best) {
			best = part
		}
	}
	return strings.ToLower(best)
}

// rarer: the shortest of the texts decides how often they are found.
func rarer(a, b []string) bool {
	shortest := func(list []string) int {
		least := 1 << 20
		for _, s := range list {
			least = min(least, len(s))
		}
		return least
	}
	return a != nil && (b == nil || shortest(a) > shortest(b))
}

// SlowPattern is a pattern that costs more than it should.
type SlowPattern struct {
	Pattern string
	Speed   float64 // megabytes a second, on log lines of this program
	Hint    string
}

// slowSpeed is from which speed on a pattern is not told of, in megabytes a
// second.
const slowSpeed = 20

// Slow returns the patterns that are slower than 20 MB/s, as they were
// measured when they were configured. They work; every line waits for them.
func (m *Masker) Slow() []SlowPattern { return m.slow.Load().list }

type slowPatterns struct{ list []SlowPattern }

// measure times every value pattern on the text of logs, each for about a
// millisecond, the best of three, so that a busy machine slanders none.
func (e *engine) measure() *slowPatterns {
	out := &slowPatterns{}
	line := []byte(usualText[:strings.Index(usualText, "} ")+1])
	for i := range e.values {
		p := &e.values[i]
		if !p.wanted(line) {
			continue // it is not even run on such a line
		}
		best := 0.0
		for range 3 {
			var store [64]span
			begun, n := time.Now(), 0
			for n < 4 || time.Since(begun) < 300*time.Microsecond && n < 1000 {
				p.find(line, 0, store[:0])
				n++
			}
			if took := time.Since(begun).Seconds(); took > 0 {
				best = max(best, float64(n*len(line))/took/1e6)
			}
		}
		if best >= slowSpeed {
			continue
		}
		hint := "it holds no text that every match has, so it runs on every line; begin it with the fixed part of what it looks for"
		if len(p.literals) > 0 {
			hint = fmt.Sprintf("%q, by which it is found, is in most lines; make its fixed part longer", p.literals[0])
		}
		out.list = append(out.list, SlowPattern{Pattern: p.text, Speed: best, Hint: hint})
	}
	return out
}

// wanted reports whether the pattern would be run on a line at all.
func (p *pattern) wanted(line []byte) bool {
	if len(p.literals) == 0 {
		return true
	}
	for _, literal := range p.literals {
		for i := range line {
			if hasPrefix(line, i, literal) {
				return true
			}
		}
	}
	return false
}
