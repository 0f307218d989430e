package configs

import (
	"reflect"
)

// Preview returns the snapshot that Edit would make, and writes nothing. A file that
// somebody is writing just now is ErrChanged.
func (s *Store) Preview(change func(*Document) error) (*Snapshot, error) {
	file, err := readFile(s.path, s.options)
	if err != nil {
		return nil, loadError(s.path, err)
	}
	if half(s.path, file.text, s.Current().Text) {
		return nil, ErrChanged
	}
	if err := file.writable(); err != nil {
		return nil, loadError(s.path, err)
	}
	document, err := newDocument(file.text)
	if err != nil {
		return nil, err
	}
	if err := change(document); err != nil {
		return nil, err
	}
	file.text = document.Text()
	return parse(s.path, file.text, &file, s.options)
}

// KeyOf is the key path of names, each quoted where it has to be.
func KeyOf(names ...string) string {
	key := ""
	for _, name := range names {
		key = childKey(key, name)
	}
	return key
}

// ItemKey is the key path of a list's item.
func ItemKey(list string, index int) string { return itemKey(list, index) }

// Find looks for an item in the list under key: its index, or -1, and how long
// the list is. An item is compared as YAML would read it back.
func (d *Document) Find(key string, item any) (index, length int) {
	steps, err := splitKey(key)
	if err != nil {
		return -1, 0
	}
	want, err := plainValue(item)
	if err != nil {
		return -1, 0
	}
	trail, rest := d.find(steps)
	if len(rest) > 0 {
		return -1, 0
	}
	var list []any
	if trail[len(trail)-1].node.Decode(&list) != nil {
		return -1, 0
	}
	index = -1
	for i, have := range list {
		if reflect.DeepEqual(have, want) {
			index = i
		}
	}
	return index, len(list)
}
