package configs

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"

	"gopkg.in/yaml.v3"

	"openclaw/sandbox/policy"
)

// Show returns the config in force as YAML: every key, defaults included, with a
// comment that says where each comes from ("config.yaml:12" or "default").
// Paths are expanded; secrets are references or bullets. It is for reading: to
// change a config, edit its file.
func Show(s *Snapshot) ([]byte, error) {
	root := s.node(reflect.ValueOf(*s.Config), "")
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	return b.Bytes(), nil
}

// node turns a value into YAML, and gives every single value its origin.
func (s *Snapshot) node(v reflect.Value, key string) *yaml.Node {
	if entry, ok := reflect.TypeAssert[policy.PathEntry](v); ok && entry.Access == "" {
		return scalarNode(reflect.ValueOf(entry.Path))
	}
	switch v.Kind() {
	case reflect.Pointer:
		return s.node(v.Elem(), key)
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			if name := yamlName(v.Type().Field(i)); !absent(v.Field(i), s.Written(childKey(key, name))) {
				s.pair(n, name, v.Field(i), childKey(key, name))
			}
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		names := v.MapKeys()
		sort.Slice(names, func(i, j int) bool { return names[i].String() < names[j].String() })
		for _, name := range names {
			s.pair(n, name.String(), v.MapIndex(name), childKey(key, name.String()))
		}
		if len(names) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if v.Len() == 0 {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			item := s.node(v.Index(i), itemKey(key, i))
			if s.Written(itemKey(key, i)) && item.Kind == yaml.ScalarNode {
				item.LineComment = s.origin(itemKey(key, i))
			}
			n.Content = append(n.Content, item)
		}
		return n
	default:
		return scalarNode(v)
	}
}

func (s *Snapshot) pair(n *yaml.Node, name string, v reflect.Value, key string) {
	label := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	value := s.node(v, key)
	switch {
	case value.Kind == yaml.ScalarNode, value.Style == yaml.FlowStyle:
		value.LineComment = s.origin(key)
	case value.Kind == yaml.SequenceNode:
		label.LineComment = s.origin(key)
	}
	n.Content = append(n.Content, label, value)
}

// origin names the line that holds the key itself.
func (s *Snapshot) origin(key string) string {
	if at, ok := s.positions[key]; ok {
		return filepath.Base(s.Path) + ":" + strconv.Itoa(at.line)
	}
	return "default"
}

// absent reports whether a field is left out: a permission that nobody wrote.
func absent(v reflect.Value, written bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Struct:
		return v.IsZero() && (v.Type() == reflect.TypeFor[Limits]() || v.Type() == reflect.TypeFor[Budget]())
	case reflect.Int, reflect.Int64:
		return v.IsZero() && !written
	case reflect.Slice, reflect.String:
		return v.IsZero() && !written
	default:
		return false
	}
}

func scalarNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v.Kind() {
	case reflect.Bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		if m, ok := reflect.TypeAssert[yaml.Marshaler](v); ok {
			if text, err := m.MarshalYAML(); err == nil {
				n.Tag, n.Value = "!!str", fmt.Sprint(text)
				return n
			}
		}
		n.Tag, n.Value = "!!int", strconv.FormatInt(v.Int(), 10)
	default:
		n.Tag, n.Value = "!!str", v.String()
		if r, ok := reflect.TypeAssert[Reference](v); ok {
			n.Value = r.String()
		}
	}
	return n
}
