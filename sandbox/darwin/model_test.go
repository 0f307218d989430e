package darwin

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The parser and the model here know the part of Seatbelt's language that
// profiles of this package use, and nothing of how they are written.

// node is a list, a word or a string of a profile.
type node struct {
	list   []node
	word   string
	text   string
	isText bool
	isList bool
}

func parse(text string) ([]node, error) {
	p := &parser{text: text}
	var all []node
	for {
		p.space()
		if p.text == "" {
			return all, nil
		}
		n, err := p.node(0)
		if err != nil {
			return nil, err
		}
		if !n.isList {
			return nil, errors.New("something stands outside of the lists")
		}
		all = append(all, n)
	}
}

type parser struct{ text string }

func (p *parser) space() {
	for p.text != "" {
		switch p.text[0] {
		case ' ', '\n', '\t', '\r':
			p.text = p.text[1:]
		case ';':
			_, p.text, _ = strings.Cut(p.text, "\n")
		default:
			return
		}
	}
}

func (p *parser) node(depth int) (node, error) {
	if depth > 16 {
		return node{}, errors.New("too deep")
	}
	switch p.text[0] {
	case '(':
		p.text = p.text[1:]
		n := node{isList: true}
		for {
			p.space()
			if p.text == "" {
				return n, errors.New("a list does not end")
			}
			if p.text[0] == ')' {
				p.text = p.text[1:]
				return n, nil
			}
			inner, err := p.node(depth + 1)
			if err != nil {
				return n, err
			}
			n.list = append(n.list, inner)
		}
	case ')':
		return node{}, errors.New("a list ends that did not begin")
	case '"':
		return p.str()
	}
	end := strings.IndexAny(p.text, " \n\t\r()\";")
	if end < 0 {
		end = len(p.text)
	}
	n := node{word: p.text[:end]}
	p.text = p.text[end:]
	return n, nil
}

func (p *parser) str() (node, error) {
	var b strings.Builder
	for i := 1; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '"':
			p.text = p.text[i+1:]
			return node{text: b.String(), isText: true}, nil
		case '\\':
			if i++; i == len(p.text) {
				return node{}, errors.New("a string does not end")
			}
			if c = p.text[i]; c != '"' && c != '\\' {
				return node{}, fmt.Errorf("an escape that readers differ on: %q", c)
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return node{}, errors.New("a string does not end")
}

// sbRule is one rule of a profile.
type sbRule struct {
	allow   bool
	ops     []string
	filters []node
	tag     string
}

type profile struct{ rules []sbRule }

func readProfile(text string) (*profile, error) {
	nodes, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &profile{}
	for i, n := range nodes {
		if len(n.list) < 2 {
			return nil, errors.New("a short list")
		}
		if n.list[0].word == "version" {
			if i != 0 || n.list[1].word != "1" {
				return nil, errors.New("a wrong version")
			}
			continue
		}
		r := sbRule{allow: n.list[0].word == "allow"}
		if !r.allow && n.list[0].word != "deny" {
			return nil, fmt.Errorf("neither allow nor deny: %q", n.list[0].word)
		}
		for _, part := range n.list[1:] {
			switch {
			case part.word != "" && len(r.filters) == 0:
				r.ops = append(r.ops, part.word)
			case part.isList && len(part.list) == 3 && part.list[0].word == "with" && part.list[1].word == "message":
				r.tag = part.list[2].text
			case part.isList:
				if err := checkFilter(part); err != nil {
					return nil, err
				}
				r.filters = append(r.filters, part)
			default:
				return nil, errors.New("a rule that cannot be read")
			}
		}
		if len(r.ops) == 0 {
			return nil, errors.New("a rule without an operation")
		}
		p.rules = append(p.rules, r)
	}
	if len(p.rules) == 0 || p.rules[0].allow || p.rules[0].ops[0] != "default" {
		return nil, errors.New("the profile does not deny by default")
	}
	return p, nil
}

func checkFilter(n node) error {
	if len(n.list) < 2 {
		return errors.New("a short filter")
	}
	switch n.list[0].word {
	case "literal", "subpath", "regex":
		if len(n.list) != 2 || !n.list[1].isText {
			return errors.New("a path filter without one string")
		}
		if n.list[0].word == "regex" {
			if _, err := regexp.Compile(n.list[1].text); err != nil {
				return err
			}
		}
	case "require-all", "require-not":
		for _, inner := range n.list[1:] {
			if err := checkFilter(inner); err != nil {
				return err
			}
		}
	case "local", "remote":
		if n.list[1].word == "unix-socket" {
			return checkFilter(n.list[2])
		}
	case "target", "sysctl-name", "sysctl-name-prefix", "global-name":
	default:
		return fmt.Errorf("an unknown filter %q", n.list[0].word)
	}
	return nil
}

// latin makes each byte a character, so that Go's expressions judge bytes.
func latin(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

type model struct {
	*profile
	compiled map[string]*regexp.Regexp
}

func newModel(text string) (*model, error) {
	p, err := readProfile(text)
	return &model{profile: p, compiled: map[string]*regexp.Regexp{}}, err
}

func (m *model) matches(n node, name string) bool {
	switch n.list[0].word {
	case "literal":
		return n.list[1].text == name
	case "subpath":
		return under(name, n.list[1].text)
	case "regex":
		expr := n.list[1].text
		if m.compiled[expr] == nil {
			m.compiled[expr] = regexp.MustCompile(expr)
		}
		return m.compiled[expr].MatchString(latin(name))
	case "require-all":
		for _, inner := range n.list[1:] {
			if !m.matches(inner, name) {
				return false
			}
		}
		return true
	case "require-not":
		return !m.matches(n.list[1], name)
	}
	return false // a filter of something else than a path
}

func coversOp(have, op string) bool {
	if start, wild := strings.CutSuffix(have, "*"); wild {
		return strings.HasPrefix(op, start)
	}
	return have == op || have == "default"
}

// The orders of rules that people have described.
const (
	lastWins = iota
	filteredFirst
	literalFirst
	orders
)

func rank(order int, r *sbRule, filter *node) int {
	switch {
	case r.ops[0] == "default":
		return -1
	case order == filteredFirst && filter != nil:
		return 1
	case order == literalFirst && filter != nil && !r.allow && filter.list[0].word == "literal":
		return 2
	case order == literalFirst && filter != nil && filter.list[0].word == "require-all":
		return 1
	}
	return 0
}

// judge answers for an operation on a path.
func (m *model) judge(order int, op, name string) (allow bool, tag string) {
	best := -2
	for i := range m.rules {
		r := &m.rules[i]
		covered := false
		for _, have := range r.ops {
			covered = covered || coversOp(have, op)
		}
		if !covered {
			continue
		}
		if len(r.filters) == 0 {
			if now := rank(order, r, nil); now >= best {
				best, allow, tag = now, r.allow, r.tag
			}
		}
		for j := range r.filters {
			if !m.matches(r.filters[j], name) {
				continue
			}
			if now := rank(order, r, &r.filters[j]); now >= best {
				best, allow, tag = now, r.allow, r.tag
			}
		}
	}
	return allow, tag
}
