package positional

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"
)

// Append adds v to a buffer. It takes booleans, numbers, strings, lists and structs with
// exported fields, pointers to these, and what reads and writes its own bytes
// (encoding.BinaryMarshaler and BinaryUnmarshaler), as addresses do. Anything else is an
// error, and so is nil itself.
func Append(to []byte, v any) ([]byte, error) {
	value := reflect.ValueOf(v)
	if !value.IsValid() {
		return to, fmt.Errorf("encode: %w", errKind)
	}
	for value.Kind() == reflect.Pointer && !value.IsNil() { // as Read is given one
		value = value.Elem()
	}
	return appendValue(to, value)
}

func appendValue(to []byte, v reflect.Value) ([]byte, error) {
	if m, ok := own(v); ok {
		data, err := m.MarshalBinary()
		if err != nil {
			return to, fmt.Errorf("encode %s: %w", v.Type(), err)
		}
		return append(binary.AppendUvarint(to, uint64(len(data))), data...), nil
	}
	switch v.Kind() { //nolint:exhaustive // every other kind is refused
	case reflect.Bool:
		if v.Bool() {
			return append(to, 1), nil
		}
		return append(to, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(to, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(to, v.Uint()), nil
	case reflect.String:
		return append(binary.AppendUvarint(to, uint64(v.Len())), v.String()...), nil
	case reflect.Pointer:
		if v.IsNil() {
			return append(to, 0), nil
		}
		return appendValue(append(to, 1), v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return append(to, 0), nil
		}
		to = binary.AppendUvarint(to, uint64(v.Len())+1)
		return appendEach(to, v.Len(), v.Index)
	case reflect.Struct:
		return appendEach(to, v.NumField(), v.Field)
	}
	return to, fmt.Errorf("encode %s: %w", v.Type(), errKind)
}

func appendEach(to []byte, count int, at func(int) reflect.Value) (_ []byte, err error) {
	for i := range count {
		value := at(i)
		if !value.CanInterface() { // a field that is not exported
			return to, fmt.Errorf("encode %s: %w", value.Type(), errKind)
		}
		if to, err = appendValue(to, value); err != nil {
			return to, err
		}
	}
	return to, nil
}

// own is what writes itself. Only structs are asked: what a value means that is
// none is in its kind.
func own(v reflect.Value) (encoding.BinaryMarshaler, bool) {
	if v.Kind() != reflect.Struct || !v.Type().Implements(marshaler) {
		return nil, false
	}
	return reflect.TypeAssert[encoding.BinaryMarshaler](v)
}
