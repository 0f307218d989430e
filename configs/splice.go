package configs

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// place is a node on the way to a key: the node, the key or the index that led
// to it, and its position in the parent's Content.
type place struct {
	node  *yaml.Node
	label *yaml.Node // the key's node, in a mapping
	slot  int        // index of node in the parent's Content
}

// find walks as far as the keys are written. The first place is the root.
func (d *Document) find(steps []step) (trail []place, rest []step) {
	trail = []place{{node: d.root}}
	for i, s := range steps {
		parent := trail[len(trail)-1].node
		next := place{}
		switch {
		case parent == nil:
		case parent.Kind == yaml.MappingNode && s.index < 0:
			for j := 0; j+1 < len(parent.Content); j += 2 {
				if parent.Content[j].Value == s.name {
					next = place{node: parent.Content[j+1], label: parent.Content[j], slot: j + 1}
				}
			}
		case parent.Kind == yaml.SequenceNode && s.index >= 0 && s.index < len(parent.Content):
			next = place{node: parent.Content[s.index], slot: s.index}
		}
		if next.node == nil {
			return trail, steps[i:]
		}
		trail = append(trail, next)
	}
	return trail, nil
}

// offset turns a node's position into a byte offset of the text.
func (d *Document) offset(n *yaml.Node) (int, error) {
	text, start := d.text, 0
	if strings.HasPrefix(text, "\ufeff") {
		start = len("\ufeff")
	}
	for range n.Line - 1 {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return 0, errLayout
		}
		start += i + 1
	}
	for range n.Column - 1 {
		if start >= len(text) {
			return 0, errLayout
		}
		_, size := utf8.DecodeRuneInString(text[start:])
		start += size
	}
	return start, nil
}

// end returns the offset just past a node's own text.
func (d *Document) end(n *yaml.Node) (int, error) {
	start, err := d.offset(n)
	if err != nil || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return 0, errLayout
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return start + 1 + len(n.Value), nil
	case n.Kind == yaml.ScalarNode:
		return d.scalarEnd(n, start)
	case n.Style&yaml.FlowStyle != 0:
		return d.flowEnd(start)
	case len(n.Content) == 0:
		return 0, errLayout
	}
	last := n.Content[len(n.Content)-1]
	if !empty(last) {
		return d.end(last)
	}
	if n.Kind == yaml.MappingNode {
		return d.afterColon(n.Content[len(n.Content)-2])
	}
	return 0, errLayout // a dash with nothing behind it
}

// empty reports whether a value is not there at all: `key:`.
func empty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "" && n.Anchor == ""
}

func (d *Document) scalarEnd(n *yaml.Node, start int) (int, error) {
	rest := d.text[start:]
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return d.quoteEnd(start)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0, errLayout
	case n.Value != "" && strings.HasPrefix(rest, n.Value):
		return start + len(n.Value), nil
	}
	return 0, errLayout // a plain text over several lines
}

func (d *Document) quoteEnd(start int) (int, error) {
	quote := d.text[start]
	for i := start + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case quote == '"' && c == '\\':
			i++
		case c == quote && quote == '\'' && strings.HasPrefix(d.text[i+1:], "'"):
			i++
		case c == quote:
			return i + 1, nil
		}
	}
	return 0, errLayout
}

// flowEnd finds the bracket that closes the one at start.
func (d *Document) flowEnd(start int) (int, error) {
	depth := 0
	for i := start; i < len(d.text); i++ {
		switch c := d.text[i]; c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case '"', '\'':
			// A quote inside a plain word is an ordinary character.
			if before := d.text[i-1]; strings.IndexByte(" \t\n[{,:", before) >= 0 {
				end, err := d.quoteEnd(i)
				if err != nil {
					return 0, err
				}
				i = end - 1
			}
		case '#':
			if before := d.text[i-1]; before == ' ' || before == '\t' || before == '\n' {
				for i < len(d.text) && d.text[i] != '\n' {
					i++
				}
			}
		}
	}
	return 0, errLayout
}

// afterColon returns the offset just past a key and its colon.
func (d *Document) afterColon(label *yaml.Node) (int, error) {
	end, err := d.end(label)
	if err != nil {
		return 0, err
	}
	for end < len(d.text) && (d.text[end] == ' ' || d.text[end] == '\t') {
		end++
	}
	if end >= len(d.text) || d.text[end] != ':' {
		return 0, errLayout
	}
	return end + 1, nil
}

// lineStart and lineEnd give the offsets of the line around an offset; the end
// is past its newline.
func (d *Document) lineStart(offset int) int {
	return strings.LastIndexByte(d.text[:offset], '\n') + 1
}

func (d *Document) lineEnd(offset int) int {
	if i := strings.IndexByte(d.text[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(d.text)
}

// newline is the file's own line end.
func (d *Document) newline() string {
	if i := strings.IndexByte(d.text, '\n'); i > 0 && d.text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// between replaces the bytes of [from, to).
func (d *Document) between(from, to int, text string) string {
	return d.text[:from] + text + d.text[to:]
}

// linesAt puts whole lines in at an offset that is a line's end.
func (d *Document) linesAt(offset int, lines []string) string {
	newline := d.newline()
	before := d.text[:offset]
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += newline
	}
	return before + strings.Join(lines, newline) + newline + d.text[offset:]
}
