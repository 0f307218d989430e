package view

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Filter is a parsed filter line: words that a row must hold, key:value pairs,
// each with - before it for "must not", and /regular expressions/. Two pairs are
// more than text: since:10m is true of what is not older, and level:warn+ of what
// is at least as grave. All parts must hold. The zero value lets everything pass.
type Filter struct {
	terms []term
	probe *probe // made by the first Match
}

type term struct {
	not   bool
	key   string // empty: any text of the row
	value string // lower case
	exp   *regexp.Regexp
	age   time.Duration // of since; else 0
	least int           // of a level with + after it, counted from 1; else 0

	from, asOf time.Time // what since last said, and of when
}

// ParseFilter reads a filter line. keys are the keys that the view knows.
func ParseFilter(line string, keys []string) (Filter, error) {
	var f Filter
	for _, word := range splitFilter(line) {
		var t term
		if len(word) > 1 && word[0] == '-' {
			t.not, word = true, word[1:]
		}
		if len(word) > 1 && word[0] == '/' && word[len(word)-1] == '/' && len(word) > 2 {
			exp, err := regexp.Compile("(?i)" + word[1:len(word)-1])
			if err != nil {
				return Filter{}, fmt.Errorf("read filter: %w", err)
			}
			t.exp = exp
		} else if key, value, ok := strings.Cut(word, ":"); ok && known(key, keys) {
			t.key, t.value = strings.ToLower(key), strings.ToLower(value)
			if err := t.more(); err != nil {
				return Filter{}, err
			}
		} else {
			t.value = strings.ToLower(word)
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

func known(key string, keys []string) bool {
	for _, k := range keys {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// splitFilter cuts at blanks, but not inside /…/.
func splitFilter(line string) []string {
	var words []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		end := strings.IndexByte(line, ' ')
		body := strings.TrimPrefix(line, "-")
		if strings.HasPrefix(body, "/") {
			if close := strings.IndexByte(body[1:], '/'); close > 0 {
				end = len(line) - len(body) + 1 + close + 1
				if end < len(line) && line[end] != ' ' {
					end = strings.IndexByte(line, ' ') // a path, not an expression
				}
			}
		}
		if end < 0 || end >= len(line) {
			words = append(words, line)
			break
		}
		words = append(words, line[:end])
		line = line[end:]
	}
	return words
}

// clone is a filter that another goroutine can use.
func (f *Filter) clone() Filter { return Filter{terms: slices.Clone(f.terms)} }

// Empty reports whether everything passes.
func (f *Filter) Empty() bool { return len(f.terms) == 0 }

// Match reports whether row i passes. text calls yield with each text of the
// row and its key until yield says that it has seen enough.
func (f *Filter) Match(i int, text func(i int, yield func(key, value string) bool)) bool {
	if f.probe == nil {
		f.probe = newProbe()
	}
	for n := range f.terms {
		t := &f.terms[n]
		if t.age > 0 {
			continue // Young looks at it
		}
		f.probe.term, f.probe.found = t, false
		text(i, f.probe.yield)
		if f.probe.found == t.not {
			return false
		}
	}
	return true
}

// probe looks for one term in the texts of a row. It is made once, since a function of
// its own for each row would be an allocation of its own.
type probe struct {
	term  *term
	found bool
	yield func(key, value string) bool
}

func newProbe() *probe {
	p := &probe{}
	p.yield = func(key, value string) bool {
		p.found = p.term.matches(key, value)
		return !p.found
	}
	return p
}

func (t *term) matches(key, value string) bool {
	switch {
	case t.least > 0:
		return key == t.key && levelOf(value) >= t.least-1
	case t.exp != nil:
		return t.exp.MatchString(value)
	case t.key != "":
		return key == t.key && (t.value == "*" || containsFold(value, t.value))
	}
	return containsFold(value, t.value)
}

// containsFold reports whether s holds the lower-case needle, letter case of
// ASCII aside. It allocates nothing.
func containsFold(s, needle string) bool {
	if needle == "" {
		return true
	}
	first := needle[0]
	upper := first
	if first >= 'a' && first <= 'z' {
		upper = first - 'a' + 'A'
	}
	for i := 0; i+len(needle) <= len(s); i++ {
		rest := s[i : len(s)-len(needle)+1]
		at := strings.IndexByte(rest, first)
		if upper != first {
			if at < 0 {
				at = len(rest)
			}
			if up := strings.IndexByte(rest[:at], upper); up >= 0 {
				at = up
			} else if at == len(rest) {
				return false
			}
		}
		if at < 0 {
			return false
		}
		i += at
		if equalFold(s[i:i+len(needle)], needle) {
			return true
		}
	}
	return false
}

func equalFold(s, lower string) bool {
	for i := 0; i < len(lower); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
