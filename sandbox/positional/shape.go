package positional

import (
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"strconv"
)

// Shape tells two types apart that differ in anything that Append writes, their fields'
// names included. Types of one shape read each other's bytes.
func Shape(t reflect.Type) string {
	sum := fnv.New128a()
	describe(sum, t)
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func describe(to io.Writer, t reflect.Type) {
	say := func(text string) { _, _ = io.WriteString(to, text+"\n") } // a hash takes it all
	say(t.Kind().String())
	switch {
	case t.Kind() == reflect.Struct && t.Implements(marshaler):
		say(t.String())
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
		describe(to, t.Elem())
	case t.Kind() == reflect.Struct:
		say(strconv.Itoa(t.NumField()))
		for field := range t.Fields() {
			say(field.Name)
			describe(to, field.Type)
		}
	}
}

// leastSize is how many bytes a value takes at least; 0 for what cannot be in a list.
func leastSize(t reflect.Type) int {
	if t.Kind() != reflect.Struct || t.Implements(marshaler) {
		return 1
	}
	size := 0
	for field := range t.Fields() {
		size += leastSize(field.Type)
	}
	return size
}
