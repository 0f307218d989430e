package configs

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// indentUnit is how far a block goes in where the file gives no example.
const indentUnit = 2

// inline writes a value on one line, as it may stand in a block.
func inline(value any) (string, error) {
	node, err := flowNode(value)
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(node)
	if err != nil {
		return "", errLayout
	}
	return oneLine(text)
}

// inFlow writes a value as it may stand between brackets.
func inFlow(value any) (string, error) {
	node, err := flowNode(value)
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{node}})
	if err != nil {
		return "", errLayout
	}
	line, err := oneLine(text)
	return strings.TrimSuffix(strings.TrimPrefix(line, "["), "]"), err
}

func oneLine(text []byte) (string, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if bytes.ContainsRune(text, '\n') {
		return "", errLayout
	}
	return string(text), nil
}

func flowNode(value any) (*yaml.Node, error) {
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		return nil, errLayout
	}
	var flow func(*yaml.Node)
	flow = func(n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode, yaml.SequenceNode:
			n.Style = yaml.FlowStyle
		case yaml.ScalarNode:
			if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.ContainsAny(n.Value, "\n\r") {
				n.Style = yaml.DoubleQuotedStyle
			}
		case yaml.DocumentNode, yaml.AliasNode:
		}
		for _, child := range n.Content {
			flow(child)
		}
	}
	flow(node)
	return node, nil
}

// items returns the items of a value that is a list with at least one.
func items(value any) ([]any, bool) {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.Kind() != reflect.Slice || v.Len() == 0 {
		return nil, false
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = v.Index(i).Interface()
	}
	return list, true
}

// block writes a key and its value as lines of a block, as deep as names go.
func block(indent int, steps []step, value any) ([]string, error) {
	if len(steps) == 0 || steps[0].index >= 0 {
		return nil, errLayout
	}
	margin := strings.Repeat(" ", indent)
	label, err := inline(steps[0].name)
	if err != nil {
		return nil, errLayout
	}
	if len(steps) > 1 {
		lines, err := block(indent+indentUnit, steps[1:], value)
		return append([]string{margin + label + ":"}, lines...), err
	}
	if list, ok := items(value); ok {
		lines, err := itemLines(indent+indentUnit, list)
		return append([]string{margin + label + ":"}, lines...), err
	}
	if names, ok := value.(map[string]any); ok && len(names) > 0 {
		lines := []string{margin + label + ":"}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			more, err := block(indent+indentUnit, []step{{name: name, index: -1}}, names[name])
			if err != nil {
				return nil, err
			}
			lines = append(lines, more...)
		}
		return lines, nil
	}
	text, err := inline(value)
	return []string{margin + label + ": " + text}, err
}

func itemLines(indent int, list []any) ([]string, error) {
	var lines []string
	for _, item := range list {
		text, err := inline(item)
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Repeat(" ", indent)+"- "+text)
	}
	return lines, nil
}

// inBrackets reports whether a place lies inside a flow collection.
func inBrackets(trail []place) bool {
	for _, p := range trail[:len(trail)-1] {
		if p.node.Style&yaml.FlowStyle != 0 {
			return true
		}
	}
	return false
}

// blockLines tells the span of whole lines that a block collection fills below
// its key.
func (d *Document) blockLines(p place) (from, to int, err error) {
	start, err := d.offset(p.node)
	if err != nil || p.label == nil || p.node.Line == p.label.Line {
		return 0, 0, errLayout
	}
	end, err := d.end(p.node)
	if err != nil {
		return 0, 0, err
	}
	return d.lineStart(start), d.lineEnd(end), nil
}

func isBlock(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && n.Style&yaml.FlowStyle == 0
}

// replace writes a value over one that is there.
func (d *Document) replace(trail []place, value any) (string, error) {
	p := trail[len(trail)-1]
	if len(trail) < 2 {
		return "", errLayout
	}
	render := inline
	if inBrackets(trail) {
		render = inFlow
	}
	text, err := render(value)
	switch {
	case err != nil:
		return "", err
	case empty(p.node):
		if p.label == nil || inBrackets(trail) {
			return "", errLayout
		}
		return d.fill(p, value)
	case isBlock(p.node):
		from, to, err := d.blockLines(p)
		if err != nil {
			return "", err
		}
		if list, ok := items(value); ok && p.node.Kind == yaml.SequenceNode {
			lines, err := itemLines(p.node.Column-1, list)
			if err != nil {
				return "", err
			}
			return d.text[:from] + strings.Join(lines, d.newline()) + d.newline() + d.text[to:], nil
		}
		after, err := d.afterColon(p.label)
		if err != nil {
			return "", err
		}
		return d.text[:after] + " " + text + d.text[after:from] + d.text[to:], nil
	}
	start, err := d.offset(p.node)
	if err != nil {
		return "", err
	}
	end, err := d.end(p.node)
	if err != nil {
		return "", err
	}
	return d.between(start, end, text), nil
}

// fill gives a value to a key that has none.
func (d *Document) fill(p place, value any) (string, error) {
	after, err := d.afterColon(p.label)
	if err != nil {
		return "", err
	}
	if list, ok := items(value); ok {
		lines, err := itemLines(p.label.Column-1+indentUnit, list)
		if err != nil {
			return "", err
		}
		return d.linesAt(d.lineEnd(after), lines), nil
	}
	text, err := inline(value)
	return d.text[:after] + " " + text + d.text[after:], err
}

// insert writes keys that are not there, below the deepest one that is.
func (d *Document) insert(trail []place, rest []step, value any) (string, error) {
	p := trail[len(trail)-1]
	switch {
	case rest[0].index >= 0:
		return "", errLayout
	case p.node == nil || empty(p.node) && p.label == nil:
		lines, err := block(0, rest, value)
		return d.linesAt(len(d.text), lines), err
	case empty(p.node), p.node.Kind == yaml.MappingNode && len(p.node.Content) == 0 && p.label != nil && !inBrackets(trail):
		return d.open(p, rest, value)
	case p.node.Kind != yaml.MappingNode:
		return "", errLayout
	case isBlock(p.node):
		end, err := d.end(p.node)
		if err != nil {
			return "", err
		}
		lines, err := block(p.node.Content[0].Column-1, rest, value)
		return d.linesAt(d.lineEnd(end), lines), err
	}
	return d.insertFlow(p, rest, value)
}

// open turns `key:` or `key: {}` into the head of a block.
func (d *Document) open(p place, rest []step, value any) (string, error) {
	after, err := d.afterColon(p.label)
	if err != nil {
		return "", err
	}
	head := d
	if !empty(p.node) {
		end, err := d.end(p.node)
		if err != nil {
			return "", err
		}
		head = &Document{text: d.between(after, end, "")}
	}
	lines, err := block(p.label.Column-1+indentUnit, rest, value)
	return head.linesAt(head.lineEnd(after), lines), err
}

// insertFlow adds `name: value` between braces.
func (d *Document) insertFlow(p place, rest []step, value any) (string, error) {
	for i := len(rest) - 1; i > 0; i-- {
		if rest[i].index >= 0 {
			return "", errLayout
		}
		value = map[string]any{rest[i].name: value}
	}
	pair, err := inFlow(map[string]any{rest[0].name: value})
	if err != nil {
		return "", err
	}
	pair = strings.TrimSuffix(strings.TrimPrefix(pair, "{"), "}")
	if n := len(p.node.Content); n > 0 {
		end, err := d.end(p.node.Content[n-1])
		return d.between(end, end, ", "+pair), err
	}
	start, err := d.offset(p.node)
	if err != nil {
		return "", err
	}
	end, err := d.end(p.node)
	return d.between(start, end, "{"+pair+"}"), err
}
