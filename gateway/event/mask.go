package event

import (
	"reflect"

	"openclaw/sandbox/policy"
)

// MaskWith makes every text of every later event go through mask, which takes
// secrets out of it. Who publishes masks what it takes from agents and clients
// itself; this is for what was forgotten, and for kinds that are new.
func (b *Bus) MaskWith(mask func(string) string) { b.mask.Store(&mask) }

// clean masks the texts of e. What e points to belongs to its publisher and is
// copied where something changes.
func (b *Bus) clean(e *Event) {
	mask := b.mask.Load()
	if mask == nil {
		return
	}
	kind := e.Kind // what it is about, for subscriptions
	if out, changed := cleaned(reflect.ValueOf(*e), *mask); changed {
		*e, _ = reflect.TypeAssert[Event](out) // it is one
		e.Kind = kind
	}
}

// Masked is v with its texts masked, as they would be on the bus, for an answer that is
// shown. What v points to is copied where something changes.
func Masked[T any](v T, mask func(string) string) T {
	if out, changed := cleaned(reflect.ValueOf(v), mask); changed {
		v, _ = reflect.TypeAssert[T](out) // it is one
	}
	return v
}

// MaskedPolicy is a policy as it may be shown, and whether that is another one. It is
// never one to enforce.
func MaskedPolicy(p *policy.Policy, mask func(string) string) (*policy.Policy, bool) {
	out, changed := cleanedFields(reflect.ValueOf(*p), mask)
	if !changed {
		return p, false
	}
	masked, _ := reflect.TypeAssert[policy.Policy](out) // it is one
	return &masked, true
}

var policyType = reflect.TypeFor[policy.Policy]()

// cleaned returns v with its texts masked, and whether that is another value.
func cleaned(v reflect.Value, mask func(string) string) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.String:
		text := v.String()
		masked := mask(text)
		if masked == text {
			return v, false
		}
		out := reflect.New(v.Type()).Elem()
		out.SetString(masked)
		return out, true
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		inner, changed := cleaned(v.Elem(), mask)
		if !changed {
			return v, false
		}
		if v.Kind() == reflect.Interface {
			return inner, true
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(inner)
		return out, true
	case reflect.Struct:
		return cleanedStruct(v, mask)
	case reflect.Slice, reflect.Array:
		return cleanedList(v, mask)
	case reflect.Map:
		return cleanedMap(v, mask)
	default: // numbers, times, functions
		return v, false
	}
}

func cleanedStruct(v reflect.Value, mask func(string) string) (reflect.Value, bool) {
	if v.Type() == policyType {
		return v, false // it may be one to enforce: MaskedPolicy is for who shows it
	}
	return cleanedFields(v, mask)
}

func cleanedFields(v reflect.Value, mask func(string) string) (reflect.Value, bool) {
	out, changed := v, false
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		field, other := cleaned(v.Field(i), mask)
		if !other {
			continue
		}
		if !changed {
			out = reflect.New(v.Type()).Elem()
			out.Set(v)
			changed = true
		}
		out.Field(i).Set(field)
	}
	return out, changed
}

func cleanedList(v reflect.Value, mask func(string) string) (reflect.Value, bool) {
	out, changed := v, false
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return v, false
	}
	for i := range v.Len() {
		item, other := cleaned(v.Index(i), mask)
		if !other {
			continue
		}
		if !changed {
			if v.Kind() == reflect.Slice {
				out = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
				reflect.Copy(out, v)
			} else {
				out = reflect.New(v.Type()).Elem()
				out.Set(v)
			}
			changed = true
		}
		out.Index(i).Set(item)
	}
	return out, changed
}

func cleanedMap(v reflect.Value, mask func(string) string) (reflect.Value, bool) {
	changed := false
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for members := v.MapRange(); members.Next(); {
		key, otherKey := cleaned(members.Key(), mask)
		value, otherValue := cleaned(members.Value(), mask)
		changed = changed || otherKey || otherValue
		out.SetMapIndex(key, value)
	}
	if !changed {
		return v, false
	}
	return out, true
}
