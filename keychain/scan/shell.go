package scan

import (
	"bytes"
)

// shell reads the profiles of sh, bash, zsh, csh and fish: statements, words and
// quotes, and no more. It looks for NAME=value behind nothing or export, declare and
// the like, for fish's set -gx NAME value and csh's setenv NAME value.
type shell struct {
	data    []byte
	at      int
	heredoc bool // behind a << nothing is sure to be a statement
	list    []assignment
}

// word is a word of a statement.
type word struct {
	start, end int
	name       int // bytes of NAME in NAME=value, or 0
	text       []byte
	value      []byte // the text behind NAME=
	literal    bool
}

func parseShell(data []byte) ([]assignment, error) {
	s := &shell{data: data}
	for s.at < len(data) {
		s.statement()
	}
	return s.list, nil
}

// statement reads up to what ends one.
func (s *shell) statement() {
	var words []word
	begin := -1
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.at++
			continue
		case c == '\\' && s.at+1 < len(s.data) && s.data[s.at+1] == '\n':
			s.at += 2
			continue
		case c == '\n':
			s.finish(words, begin, s.at)
			s.at++
			return
		case c == '#':
			end := lineEnd(s.data, s.at)
			s.finish(words, begin, end)
			s.at = end
			return
		case bytes.IndexByte([]byte(";&|(){}<>"), c) >= 0:
			if c == '<' && s.next('<') {
				if s.at+2 < len(s.data) && s.data[s.at+2] == '<' {
					s.at += 3
					continue
				}
				s.heredoc = true
			}
			s.finish(words, begin, -1)
			s.at++
			return
		}
		if begin < 0 {
			begin = s.at
		}
		words = append(words, s.word())
	}
	s.finish(words, begin, len(s.data))
}

func (s *shell) next(c byte) bool { return s.at+1 < len(s.data) && s.data[s.at+1] == c }

// word reads one word and takes its quotes away.
func (s *shell) word() word {
	w := word{start: s.at, literal: true}
	plain := true // up to here neither quote nor escape
	for s.at < len(s.data) {
		c := s.data[s.at]
		switch {
		case bytes.IndexByte([]byte(" \t\r\n;&|()<>"), c) >= 0:
			w.end = s.at
			return w
		case c == '=' && plain && w.name == 0 && isVariable(string(w.text)):
			w.name = len(w.text)
			w.text = append(w.text, c)
			s.at++
			continue
		case c == '\'':
			plain = false
			s.quoted(&w, bytes.IndexByte(s.data[s.at+1:], '\''))
		case c == '"':
			plain = false
			s.double(&w)
		case c == '\\':
			plain = false
			if s.at+1 < len(s.data) {
				w.add(s.data[s.at+1])
			}
			s.at = min(s.at+2, len(s.data))
		case c == '$' || c == '`':
			plain, w.literal = false, false
			w.add(c)
			s.at++
			if c == '`' {
				s.skipTo('`')
			} else if s.at < len(s.data) && s.data[s.at] == '(' {
				s.parens()
			} else if s.at < len(s.data) && s.data[s.at] == '{' {
				s.skipTo('}')
			}
		default:
			if c == '*' || c == '?' || c == '~' && len(w.value) == 0 {
				w.literal = w.literal && w.name == 0
			}
			w.add(c)
			s.at++
		}
	}
	w.end = s.at
	return w
}

func (w *word) add(c ...byte) {
	w.text = append(w.text, c...)
	if w.name > 0 {
		w.value = append(w.value, c...)
	}
}

// quoted takes the bytes up to the quote at a distance behind the opening one.
func (s *shell) quoted(w *word, distance int) {
	if distance < 0 { // never closed: what follows is no statement
		w.literal = false
		s.at = len(s.data)
		return
	}
	w.add(s.data[s.at+1 : s.at+1+distance]...)
	s.at += distance + 2
}

func (s *shell) double(w *word) {
	for s.at++; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return
		case c == '\\' && s.at+1 < len(s.data):
			s.at++
			if bytes.IndexByte([]byte("\"\\$`"), s.data[s.at]) < 0 {
				w.add('\\')
			}
			w.add(s.data[s.at])
		case c == '$' || c == '`':
			w.literal = false
			w.add(c)
			if c == '$' && s.next('(') {
				s.at++
				s.parens()
				s.at--
			}
		default:
			w.add(c)
		}
	}
	w.literal = false
}

// parens passes over $( … ), from the opening one.
func (s *shell) parens() {
	depth := 0
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.at++
				return
			}
		case '\'':
			i := bytes.IndexByte(s.data[s.at+1:], '\'')
			if i < 0 {
				s.at = len(s.data)
				return
			}
			s.at += i + 1
		}
	}
}

func (s *shell) skipTo(c byte) {
	i := bytes.IndexByte(s.data[s.at:], c)
	if i < 0 {
		s.at = len(s.data)
		return
	}
	s.at += i + 1
}

// finish looks for assignments in a statement. until is where its last line ends
// when nothing but a comment follows, or -1.
func (s *shell) finish(words []word, begin, until int) {
	var found []assignment
	add := func(key string, value []byte, start, end int, literal bool) {
		if literal && len(value) > 0 {
			a := assignment{key: key, value: bytes.Clone(value), line: lineAt(s.data, start), start: start, end: end}
			if s.heredoc {
				a.end = 0
			}
			found = append(found, a)
		}
	}
	leading, names := true, 0
	if len(words) > 0 && (string(words[0].text) == "set" || string(words[0].text) == "setenv") {
		s.separate(words, string(words[0].text) == "set", add)
		names, words = len(found), nil
	}
	for i, w := range words {
		text := string(w.text)
		switch {
		case w.name > 0 && leading:
			names++
			add(text[:w.name], w.value, w.start+w.name+1, w.end, w.literal)
		case leading && i == 0 && isKeyword(text):
			names++ // the statement stays, whatever of it is cut
		case text == "export" || text == "declare" || text == "typeset" || text == "local" || text == "readonly":
		case leading && i > 0 && len(text) > 0 && text[0] == '-':
		default:
			leading = false
			if w.name == 0 {
				names++ // export A=1 B, or a command behind A=1
			}
		}
	}
	if len(found) == 1 && names == 1 && until >= 0 && !s.heredoc {
		from := lineStart(s.data, begin)
		if len(bytes.TrimSpace(s.data[from:begin])) == 0 {
			found[0].from, found[0].indent = from, string(s.data[from:begin])
			found[0].to = until
			if found[0].to > from && s.data[found[0].to-1] == '\r' {
				found[0].to--
			}
		}
	}
	s.list = append(s.list, found...)
}

// isKeyword reports whether another statement may begin behind a word.
func isKeyword(text string) bool {
	switch text {
	case "then", "do", "else", "elif", "if", "while", "until", "!", "time":
		return true
	}
	return false
}

// separate reads set -gx NAME value and setenv NAME value.
func (s *shell) separate(words []word, fish bool, add func(string, []byte, int, int, bool)) {
	i := 1
	for fish && i < len(words) && len(words[i].text) > 0 && words[i].text[0] == '-' {
		i++
	}
	if (fish && i == 1) || i+2 != len(words) || !isVariable(string(words[i].text)) {
		return
	}
	v := words[i+1]
	add(string(words[i].text), v.text, v.start, v.end, v.literal)
}
