package redact

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// occurrence is a literal and where it ends.
type occurrence struct {
	index, end int
}

// found is what the automaton finds in line[skip:].
func (t *triggers) found(line []byte, skip int) (list []occurrence) {
	for i, w := t.next(line, skip); i < len(line); i, w = t.next(line, i+lookEvery) {
		for _, hit := range t.hits[t.bucket[w]] {
			if end, ok := hit.matches(line, skip, i); ok {
				list = append(list, occurrence{hit.index, end})
			}
		}
	}
	return list
}

// everywhere is what it must find: each literal at each place, compared byte by
// byte, except where its rule refuses what follows.
func (e *engine) everywhere(literals []string, line []byte, skip int) (list []occurrence) {
	for index, literal := range literals {
		for start := skip; start+len(literal) <= len(line); start++ {
			end := start + len(literal)
			if hasPrefix(line, start, literal) && (end == len(line) || e.rules[index].follows(line[end])) {
				list = append(list, occurrence{index, end})
			}
		}
	}
	return list
}

func compareOccurrences(t *testing.T, e *engine, literals []string, line []byte, skip int) {
	t.Helper()
	got := map[occurrence]int{}
	for _, o := range e.triggers.found(line, skip) {
		got[o]++
	}
	for _, o := range e.everywhere(literals, line, skip) {
		if got[o] != 1 {
			t.Fatalf("%q from %d: %q that ends at %d is found %d times", line, skip, literals[o.index], o.end, got[o])
		}
		delete(got, o)
	}
	for o := range maps.Keys(got) {
		if e.rules[o.index].follows(line[min(o.end, len(line)-1)]) {
			t.Fatalf("%q from %d: %q at %d is not there", line, skip, literals[o.index], o.end)
		}
	}
}

// literalsOf are the literals of an engine that has these patterns too.
func literalsOf(t *testing.T, patterns ...string) (*engine, []string) {
	t.Helper()
	e, err := newEngine(patterns, DefaultReplacement)
	if err != nil {
		t.Fatal(err)
	}
	literals := make([]string, len(e.rules))
	for _, hits := range e.triggers.hits {
		for _, hit := range hits {
			literals[hit.index] = hit.literal
		}
	}
	if i := slices.Index(literals, ""); i >= 0 {
		t.Fatalf("rule %d has no literal", i)
	}
	return e, literals
}

func upperASCII(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// Every literal is found once, wherever it stands and however short the line is,
// in any case of ASCII's letters, as comparing at each place finds it.
func TestEveryLiteralIsFoundAtEveryPlace(t *testing.T) {
	e, literals := literalsOf(t, "pi", "ab", "xyz", "emp-[0-9]+")
	r := rand.New(rand.NewPCG(5, 6))
	for index, literal := range literals {
		for _, text := range []string{literal, strings.Map(upperASCII, literal)} {
			for before := range 12 {
				for after := range 6 {
					b := make([]byte, before+len(text)+after)
					for i := range b {
						b[i] = `abk-_ :"=/7{,X`[r.IntN(14)]
					}
					end := before + copy(b[before:], text)
					if end < len(b) && !e.rules[index].follows(b[end]) {
						b[end] = []byte(` 7"`)[slices.IndexFunc([]byte(` 7"`), e.rules[index].follows)]
					}
					for _, skip := range []int{0, min(before, 3), before} {
						n := 0
						for _, o := range e.triggers.found(b, skip) {
							if o == (occurrence{index, end}) {
								n++
							}
						}
						if n != 1 {
							t.Fatalf("%q from %d: %q that ends at %d is found %d times", b, skip, literal, end, n)
						}
					}
				}
			}
		}
	}
}

func FuzzTriggersFindWhatIsThere(f *testing.F) {
	f.Add("aa", "max_tokens: 4096 sk-SK-sk_eyJ:AAAQ~Q~ PW=pwpw password", uint8(0))
	f.Add("x9", "-----BEGIN ://://%253AAA sshpass -p Bearer%20bearer ghp_GHP_", uint8(3))
	f.Fuzz(func(t *testing.T, word, line string, skip uint8) {
		if _, err := newEngine([]string{word}, DefaultReplacement); err != nil || len(line) > 2000 || int(skip) > len(line) {
			t.Skip()
		}
		e, literals := literalsOf(t, word)
		compareOccurrences(t, e, literals, []byte(line), int(skip))
	})
}

// What reads like base64 is found as reading every byte finds it.
func FuzzLongRunsAreFound(f *testing.F) {
	for _, n := range []int{20, 23, 24, 25, 39, 40, 41} {
		f.Add(strings.Repeat("a", n) + " " + strings.Repeat("Zm9v", n/4) + "\"" + strings.Repeat("-", n))
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := []byte(text)
		var got, want []span
		for start, stop := longRun(line, 0); start < len(line); start, stop = longRun(line, stop) {
			got = append(got, span{start: start, end: stop})
		}
		for i := 0; i < len(line); i++ {
			if stop := run(line, i, dotted); stop > i {
				if stop-i >= minOpaque {
					want = append(want, span{start: i, end: stop})
				}
				i = stop
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
	})
}
