package scan

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parseYAML reads the first document of a YAML file. A text that it cannot find
// again byte for byte (over several lines, behind an anchor) cannot be cut.
func parseYAML(data []byte) (list []assignment, err error) {
	defer func() {
		if recover() != nil { // the parser's: a person's typing must not end the program
			list, err = nil, errors.New("it is not well formed")
		}
	}()
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, errors.New("it is not well formed") // the parser's words quote the file
	}
	y := &yamlReader{data: data, starts: []int{0}}
	for i, c := range data {
		if c == '\n' {
			y.starts = append(y.starts, i+1)
		}
	}
	y.walk(&root, nil, "", 0)
	return y.list, nil
}

type yamlReader struct {
	data   []byte
	starts []int // of the lines
	list   []assignment
}

func (y *yamlReader) walk(node, name *yaml.Node, key string, depth int) {
	if depth > maxDepth {
		return
	}
	switch node.Kind {
	case yaml.DocumentNode:
		for _, inner := range node.Content {
			y.walk(inner, nil, key, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			y.walk(node.Content[i+1], node.Content[i], child(key, node.Content[i].Value), depth+1)
		}
	case yaml.SequenceNode:
		for i, inner := range node.Content {
			y.walk(inner, nil, child(key, strconv.Itoa(i)), depth+1)
		}
	case yaml.ScalarNode:
		if node.Value != "" && node.Line > 0 && node.Line <= len(y.starts) {
			y.scalar(node, name, key)
		}
	case yaml.AliasNode: // stands elsewhere, and is found there
	}
}

func (y *yamlReader) scalar(node, name *yaml.Node, key string) {
	a := assignment{key: key, value: []byte(node.Value), line: node.Line}
	start, ok := y.offset(node)
	if ok && node.Anchor == "" && node.Style&yaml.TaggedStyle == 0 {
		a.start, a.end = start, y.end(start, node)
	}
	if a.end > 0 && name != nil && name.Line == node.Line && name.Anchor == "" {
		from, to := y.starts[node.Line-1], lineEnd(y.data, start)
		nameAt, found := y.offset(name)
		tail := bytes.TrimSpace(y.data[a.end:to])
		if found && len(bytes.TrimSpace(y.data[from:nameAt])) == 0 && (len(tail) == 0 || tail[0] == '#') {
			a.from, a.to, a.indent = from, to, string(y.data[from:nameAt])
		}
	}
	y.list = append(y.list, a)
}

// offset is where a node begins: the library counts columns in characters.
func (y *yamlReader) offset(node *yaml.Node) (int, bool) {
	at := y.starts[node.Line-1]
	for range node.Column - 1 {
		if at >= len(y.data) || y.data[at] == '\n' {
			return 0, false
		}
		_, size := utf8.DecodeRune(y.data[at:])
		at += size
	}
	return at, at < len(y.data)
}

// end is where a text of one line ends, or 0.
func (y *yamlReader) end(start int, node *yaml.Node) int {
	line := y.data[start:lineEnd(y.data, start)]
	end := len(node.Value)
	switch {
	case node.Style&yaml.DoubleQuotedStyle != 0 || node.Style&yaml.SingleQuotedStyle != 0:
		end = 1
		for ; end < len(line) && line[end] != line[0]; end++ {
			if line[end] == '\\' && line[0] == '"' {
				end++
			}
		}
		end++
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0
	}
	if end > len(line) {
		return 0
	}
	var again string
	if yaml.Unmarshal(line[:end], &again) != nil || again != node.Value {
		return 0
	}
	return start + end
}
