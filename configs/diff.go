package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Diff says what changed between two snapshots: key paths in words, sorted
// ("agents.coder.permissions.allowed_paths +1 −0", "logging.level info → debug"),
// and the lines of a unified diff of the two texts. Neither holds a literal
// secret: a change of one is "changed", and its line shows bullets.
func Diff(before, after *Snapshot) (changes, unified []string) {
	compare(reflect.ValueOf(*before.Config), reflect.ValueOf(*after.Config), "", &changes)
	known := append(literals(before.Config), literals(after.Config)...)
	return changes, unifiedDiff(before.Text, after.Text, known)
}

// compare walks two trees of one type and adds a line for each difference.
func compare(a, b reflect.Value, key string, changes *[]string) {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return
	}
	add := func(format string, args ...any) { *changes = append(*changes, key+" "+fmt.Sprintf(format, args...)) }
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			compare(a.Field(i), b.Field(i), childKey(key, yamlName(a.Type().Field(i))), changes)
		}
	case reflect.Map:
		compareMaps(a, b, key, changes)
	case reflect.Slice:
		gone, came := count(a, b), count(b, a)
		if gone == 0 && came == 0 {
			if a.Len() == b.Len() && a.IsNil() == b.IsNil() {
				add("order changed")
				return
			}
			if a.IsNil() != b.IsNil() {
				add("%s → %s", written(!a.IsNil()), written(!b.IsNil()))
				return
			}
		}
		add("+%d −%d", came, gone)
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() || a.Elem().Kind() != reflect.Struct {
			add("%s → %s", display(a), display(b))
			return
		}
		compare(a.Elem(), b.Elem(), key, changes)
	default:
		was, is := display(a), display(b)
		if was == is {
			add("changed")
			return
		}
		add("%s → %s", was, is)
	}
}

func compareMaps(a, b reflect.Value, key string, changes *[]string) {
	names := map[string]bool{}
	for _, m := range []reflect.Value{a, b} {
		for _, name := range m.MapKeys() {
			names[name.String()] = true
		}
	}
	for _, name := range sortedNames(names) {
		was, is := a.MapIndex(reflect.ValueOf(name)), b.MapIndex(reflect.ValueOf(name))
		switch child := childKey(key, name); {
		case !was.IsValid():
			*changes = append(*changes, child+" added")
		case !is.IsValid():
			*changes = append(*changes, child+" removed")
		default:
			compare(was, is, child, changes)
		}
	}
}

func sortedNames(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names
}

// count gives how many items of a are not in b, repeats counted.
func count(a, b reflect.Value) int {
	left := map[string]int{}
	for i := range b.Len() {
		left[fmt.Sprint(b.Index(i).Interface())]++
	}
	n := 0
	for i := range a.Len() {
		item := fmt.Sprint(a.Index(i).Interface())
		if left[item]--; left[item] < 0 {
			n++
		}
	}
	return n
}

func written(yes bool) string {
	if yes {
		return "empty"
	}
	return "not written"
}

// display shows one value on a line, a literal secret as bullets.
func display(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "not written"
		}
		if v.Elem().Kind() == reflect.Struct {
			return "written"
		}
		v = v.Elem()
	}
	if reference, ok := reflect.TypeAssert[Reference](v); ok {
		if reference == "" {
			return "not written"
		}
		return reference.String()
	}
	text := fmt.Sprint(v.Interface())
	if d, ok := reflect.TypeAssert[interface{ MarshalYAML() (any, error) }](v); ok {
		if value, err := d.MarshalYAML(); err == nil {
			text = fmt.Sprint(value)
		}
	}
	if text == "" {
		return "not written"
	}
	return maskText(strings.ToValidUTF8(text, "�"))
}
