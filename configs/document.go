package configs

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// Document is the text of a config that is being edited. Set, Append and Remove
// change as few bytes as they can: comments, order and layout of everything
// else stay. Each checks its own work: the new text must parse to the old tree
// with just that change. A layout that they cannot change safely is an error,
// and the text stays as it was.
//
// A value is a string, bool, int, int64, a list, a mapping from names, or a
// policy.PathEntry. A literal in a field that names a secret is refused.
//
// A Document is not safe for concurrent use.
type Document struct {
	text string
	root *yaml.Node // nil while the text holds no value
}

// errLayout is a place that only a person can edit.
var errLayout = errors.New("this place is written in a way that only a person can edit; use an editor")

func newDocument(text []byte) (*Document, error) {
	root, problems := parseYAML("config.yaml", text)
	if problems != nil {
		return nil, &Error{Op: "edit config", Problems: problems, Hint: "mend the file first"}
	}
	return &Document{text: string(text), root: root}, nil
}

// Text returns the document as it now is.
func (d *Document) Text() []byte { return []byte(d.text) }

// Get reports whether the key is written.
func (d *Document) Get(key string) bool {
	steps, err := splitKey(key)
	if err != nil {
		return false
	}
	_, rest := d.find(steps)
	return len(rest) == 0
}

// Hollow reports whether the key is written and holds a mapping with nothing in
// it, or nothing at all.
func (d *Document) Hollow(key string) bool {
	steps, err := splitKey(key)
	if err != nil {
		return false
	}
	trail, rest := d.find(steps)
	if len(rest) > 0 {
		return false
	}
	node := trail[len(trail)-1].node
	return empty(node) || node.Kind == yaml.MappingNode && len(node.Content) == 0
}

// Set writes a value, and the mappings above it where they are missing.
func (d *Document) Set(key string, value any) error {
	return d.change("set", key, value, func(steps []step) (string, error) {
		trail, rest := d.find(steps)
		if len(rest) == 0 {
			return d.replace(trail, value)
		}
		return d.insert(trail, rest, value)
	})
}

// Append adds an item to a list, and makes the list where it is missing.
func (d *Document) Append(key string, item any) error {
	return d.change("append to", key, item, func(steps []step) (string, error) {
		trail, rest := d.find(steps)
		if len(rest) > 0 {
			return d.insert(trail, rest, []any{item})
		}
		return d.appendItem(trail, item)
	})
}

// Remove takes a key or a list's item away. Comments above it stay.
func (d *Document) Remove(key string) error {
	return d.change("remove", key, nil, func(steps []step) (string, error) {
		trail, rest := d.find(steps)
		if len(rest) > 0 {
			return "", errors.New("it is not written in the file")
		}
		return d.cut(trail)
	})
}

// change makes one edit and proves that it did what was asked and nothing else.
func (d *Document) change(verb, key string, value any, splice func([]step) (string, error)) error {
	fail := func(err error) error { return fmt.Errorf("%s %s: %w", verb, key, err) }
	steps, err := splitKey(key)
	if err != nil {
		return fail(err)
	}
	if err := refuseLiteral(steps, value); err != nil {
		return fail(err)
	}
	plain, err := plainValue(value)
	if err != nil {
		return fail(err)
	}
	before, err := d.tree()
	if err != nil {
		return fail(err)
	}
	want, err := changeTree(before, steps, verb, plain)
	if err != nil {
		return fail(err)
	}
	text, err := splice(steps)
	if err != nil {
		return fail(err)
	}
	next, err := newDocument([]byte(text))
	if err != nil {
		return fail(errLayout)
	}
	got, err := next.tree()
	if err != nil || !reflect.DeepEqual(got, want) {
		return fail(errLayout)
	}
	*d = *next
	return nil
}

// tree is the document as plain values, aliases resolved.
func (d *Document) tree() (any, error) {
	var tree any
	if d.root != nil {
		if err := d.root.Decode(&tree); err != nil {
			return nil, errLayout
		}
	}
	if tree == nil {
		tree = map[string]any{}
	}
	return tree, nil
}

// plainValue turns a value into what YAML would read back.
func plainValue(value any) (plain any, err error) {
	defer func() {
		// The YAML writer panics on a value that has no form in YAML.
		if r := recover(); r != nil {
			plain, err = nil, errors.New("this value cannot be written as YAML")
		}
	}()
	text, err := yaml.Marshal(value)
	if err != nil {
		return nil, errors.New("this value cannot be written as YAML")
	}
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, errors.New("this value cannot be written as YAML")
	}
	return plain, nil
}

// changeTree makes on plain values what the splice makes on the text.
func changeTree(tree any, steps []step, verb string, value any) (any, error) {
	if len(steps) == 0 {
		if verb != "append to" {
			return value, nil
		}
		list, ok := tree.([]any)
		if tree != nil && !ok {
			return nil, errors.New("it is not a list")
		}
		return append(slices.Clip(list), value), nil
	}
	at := steps[0]
	last := verb == "remove" && len(steps) == 1
	if at.index >= 0 {
		list, ok := tree.([]any)
		if !ok || at.index >= len(list) {
			return nil, fmt.Errorf("there is no item %d", at.index)
		}
		copied := append([]any{}, list...)
		if last {
			return append(copied[:at.index], copied[at.index+1:]...), nil
		}
		item, err := changeTree(copied[at.index], steps[1:], verb, value)
		copied[at.index] = item
		return copied, err
	}
	named, ok := tree.(map[string]any)
	if tree != nil && !ok {
		return nil, fmt.Errorf("%s is not in a mapping", quote(at.name))
	}
	copied := make(map[string]any, len(named)+1)
	maps.Copy(copied, named)
	if last {
		delete(copied, at.name)
		return copied, nil
	}
	child, err := changeTree(copied[at.name], steps[1:], verb, value)
	copied[at.name] = child
	return copied, err
}

// refuseLiteral keeps a secret from being written in the clear.
func refuseLiteral(steps []step, value any) error {
	t := reflect.TypeFor[Config]()
	for _, s := range steps {
		switch t.Kind() {
		case reflect.Map, reflect.Slice:
			t = t.Elem()
		case reflect.Struct:
			found := false
			for i := range t.NumField() {
				if yamlName(t.Field(i)) == s.name && s.index < 0 {
					t, found = t.Field(i).Type, true
					break
				}
			}
			if !found {
				return nil // the validation of the whole file says more
			}
		default:
			return nil
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	if text, ok := value.(string); ok && t == reflect.TypeFor[Reference]() && Reference(text).Literal() {
		return errors.New("a secret is never written into the config; store it with `openclaw secrets set` and write its reference")
	}
	return nil
}
