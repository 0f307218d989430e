package redact

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Limits of the patterns of a config.
const (
	maxPatterns     = 200
	maxPatternBytes = 1000
	maxKeyWords     = 256 // that one key pattern may stand for
	maxReplacement  = 400 // bytes: 100 characters
)

// pattern is one of the config's expressions, read as design fixes: it either
// names keys or matches values.
type pattern struct {
	words []string       // of a key pattern: every name that it matches, lower case
	value *regexp.Regexp // of a value pattern
	word  bool           // a value pattern that starts with a letter or digit

	text     string
	literals []string // of a value pattern: every match holds one of them; see prefilter.go
}

// parsePattern reads one expression. An expression without a part that can
// match a value, such as api[_-]?key, names keys; any other matches values.
func parsePattern(text string) (pattern, error) {
	if len(text) > maxPatternBytes {
		return pattern{}, &Error{Op: "read pattern", Pattern: text[:40] + "…", Hint: fmt.Sprintf("a pattern may have %d bytes", maxPatternBytes)}
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, &Error{Op: "read pattern", Pattern: text, Err: err, Hint: "write a regular expression of Go's syntax (RE2): no look-around, no back-references"}
	}
	if words, ok := keyWords(tree); ok {
		return pattern{words: words}, nil
	}
	value, err := regexp.Compile(text)
	if err != nil {
		return pattern{}, &Error{Op: "read pattern", Pattern: text, Err: err}
	}
	if value.MatchString("") {
		return pattern{}, &Error{Op: "read pattern", Pattern: text, Hint: "the pattern matches the empty text, so it would match everywhere; use + instead of *"}
	}
	prefix, _ := value.LiteralPrefix()
	return pattern{value: value, word: prefix != "" && is(prefix[0], alphanumeric), text: text, literals: required(tree.Simplify())}, nil
}

// keyWords returns every text that tree matches, if it is a pattern of a key's
// name: letters with separators between them, alternatives of such, and
// perhaps a wildcard in front.
func keyWords(tree *syntax.Regexp) ([]string, bool) {
	if tree.Op == syntax.OpConcat && len(tree.Sub) > 1 && isWildcard(tree.Sub[0]) {
		rest := *tree
		rest.Sub = tree.Sub[1:]
		tree = &rest
	}
	words, ok := expand(tree)
	if !ok {
		return nil, false
	}
	for i, w := range words {
		w = strings.ToLower(w)
		// A name has two letters, and only what names are made of.
		if count([]byte(w), lower) < 2 || len(w) > 64 || strings.IndexFunc(w, func(r rune) bool { return r > 127 || r != ' ' && !is(byte(r), identifier) }) >= 0 ||
			w[0] == ' ' || w[len(w)-1] == ' ' {
			return nil, false
		}
		words[i] = w
	}
	return words, len(words) > 0
}

// isWildcard: .* \w+ [a-z_]*
func isWildcard(node *syntax.Regexp) bool {
	if node.Op != syntax.OpStar && node.Op != syntax.OpPlus {
		return false
	}
	switch node.Sub[0].Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpCharClass:
		return true
	default:
		return false
	}
}

// expand lists what node matches, if that is a small finite set.
func expand(node *syntax.Regexp) ([]string, bool) {
	switch node.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(node.Rune)}, true
	case syntax.OpCharClass:
		return expandClass(node.Rune)
	case syntax.OpCapture:
		return expand(node.Sub[0])
	case syntax.OpQuest:
		list, ok := expand(node.Sub[0])
		return append([]string{""}, list...), ok
	case syntax.OpAlternate:
		var all []string
		for _, sub := range node.Sub {
			list, ok := expand(sub)
			if all = append(all, list...); !ok || len(all) > maxKeyWords {
				return nil, false
			}
		}
		return all, true
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range node.Sub {
			list, ok := expand(sub)
			if !ok || len(all)*len(list) > maxKeyWords {
				return nil, false
			}
			product := make([]string, 0, len(all)*len(list))
			for _, head := range all {
				for _, tail := range list {
					product = append(product, head+tail)
				}
			}
			all = product
		}
		return all, true
	default:
		return nil, false
	}
}

// expandClass lists a small class: separators, or one letter in both cases.
func expandClass(ranges []rune) ([]string, bool) {
	var list []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > 3 {
			return nil, false
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			list = append(list, string(r))
		}
	}
	if len(list) > 6 { // \s has five
		return nil, false
	}
	kept := list[:0]
	for _, s := range list {
		if s != "\t" && s != "\n" && s != "\f" && s != "\r" {
			kept = append(kept, s)
		}
	}
	return kept, len(kept) > 0
}

// patience is how many bytes of matches in one line are looked at and not
// believed. A line with more is made to be slow, or broken: its further matches
// are replaced.
const patience = 8 << 10

// find appends the spans of a value pattern's matches in one line.
func (p *pattern) find(line []byte, offset int, spans []span) []span {
	refused := 0
	for at := 0; at < len(line); {
		m := p.value.FindIndex(line[at:])
		if m == nil {
			break
		}
		start, end := at+m[0], at+m[1]
		if start == end {
			at = end + 1
			continue
		}
		// sk-… is not in task-…, and "Bearer token" is prose.
		if refused < patience && (p.word && !boundary(line, start) || isCommonTail(line[start:end])) {
			at = start + 1
			refused += end - start
			continue
		}
		spans = append(spans, span{from: offset + start, start: offset + start, end: offset + end})
		at = end
	}
	return spans
}

// isCommonTail: what follows the match's first word is an everyday word, or
// only the public beginning of a provider's keys.
func isCommonTail(match []byte) bool {
	i := 0
	for i < len(match) && match[i] != ' ' && match[i] != '-' {
		i++
	}
	if i == 0 || i+1 >= len(match) || len(match)-i > 20 {
		return false
	}
	tail := bytes.TrimRight(match[i+1:], "-")
	switch string(tail) {
	case "", "ant", "ant-api", "proj", "svcacct", "admin", "or", "or-v1", "SK":
		return true
	}
	return isWordList(tail)
}
