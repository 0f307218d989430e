package configs

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// appendItem adds an item to a list that is there.
func (d *Document) appendItem(trail []place, item any) (string, error) {
	p := trail[len(trail)-1]
	switch {
	case empty(p.node) && p.label != nil && !inBrackets(trail):
		return d.fill(p, []any{item})
	case p.node.Kind != yaml.SequenceNode:
		return "", errLayout
	case isBlock(p.node):
		lines, err := itemLines(p.node.Column-1, []any{item})
		if err != nil {
			return "", err
		}
		end, err := d.end(p.node)
		if err != nil {
			return "", err
		}
		return d.linesAt(d.lineEnd(end), lines), nil
	case len(p.node.Content) == 0:
		return d.replace(trail, []any{item})
	}
	text, err := inFlow(item)
	if err != nil {
		return "", err
	}
	end, err := d.end(p.node.Content[len(p.node.Content)-1])
	return d.between(end, end, ", "+text), err
}

// cut takes a pair or an item away.
func (d *Document) cut(trail []place) (string, error) {
	p := trail[len(trail)-1]
	if len(trail) < 2 {
		return "", errLayout
	}
	parent := trail[len(trail)-2]
	start := p.node
	width := 1
	if p.label != nil {
		start, width = p.label, 2
	}
	alone := len(parent.node.Content) == width
	if parent.node.Style&yaml.FlowStyle != 0 {
		return d.cutFlow(parent.node, p, start, width)
	}
	if alone && parent.label != nil {
		return d.emptied(parent)
	}
	from, err := d.offset(start)
	if err != nil {
		return "", err
	}
	to, err := d.endOf(p)
	if err != nil {
		return "", err
	}
	lead := d.text[d.lineStart(from):from]
	if p.label == nil {
		dash, ok := strings.CutSuffix(strings.TrimRight(lead, " "), "-")
		if !ok {
			return "", errLayout
		}
		lead = dash
	}
	if strings.TrimSpace(strings.TrimPrefix(lead, "\ufeff")) != "" {
		return "", errLayout // something else stands on this line
	}
	return d.text[:d.lineStart(from)] + d.text[d.lineEnd(to):], nil
}

func (d *Document) endOf(p place) (int, error) {
	if !empty(p.node) {
		return d.end(p.node)
	}
	if p.label == nil {
		return 0, errLayout
	}
	return d.afterColon(p.label)
}

// emptied writes [] or {} for a block whose last entry goes: a key without a
// value could be read as one that was never written.
func (d *Document) emptied(parent place) (string, error) {
	from, to, err := d.blockLines(parent)
	if err != nil {
		return "", err
	}
	after, err := d.afterColon(parent.label)
	if err != nil {
		return "", err
	}
	nothing := " {}"
	if parent.node.Kind == yaml.SequenceNode {
		nothing = " []"
	}
	return d.text[:after] + nothing + d.text[after:from] + d.text[to:], nil
}

// cutFlow takes an entry out of brackets, with one comma.
func (d *Document) cutFlow(parent *yaml.Node, p place, start *yaml.Node, width int) (string, error) {
	from, err := d.offset(start)
	if err != nil {
		return "", err
	}
	to, err := d.endOf(p)
	if err != nil {
		return "", err
	}
	first := p.slot + 1 - width
	switch {
	case first > 0:
		before := parent.Content[first-1]
		if empty(before) {
			return "", errLayout
		}
		if from, err = d.end(before); err != nil {
			return "", err
		}
	case p.slot+1 < len(parent.Content):
		if to, err = d.offset(parent.Content[p.slot+1]); err != nil {
			return "", err
		}
	}
	return d.between(from, to, ""), nil
}
