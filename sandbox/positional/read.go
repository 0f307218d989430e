package positional

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
)

var (
	errKind  = errors.New("it is no plain data")
	errShape = errors.New("the bytes do not have their shape")
)

var marshaler, unmarshaler = reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]()

// Read reads all of data, as Append wrote it, into what v points to. The strings that
// it makes share one copy of data. After an error, v holds a part of it.
func Read(data []byte, v any) error {
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Pointer || value.IsNil() {
		return fmt.Errorf("decode: %w", errKind)
	}
	r := reader{text: string(data)}
	if err := r.value(value.Elem()); err != nil {
		return err
	}
	if r.text != "" {
		return errShape
	}
	return nil
}

// reader holds what is left.
type reader struct{ text string }

func (r *reader) value(v reflect.Value) error {
	if v.Kind() == reflect.Struct && v.Type().Implements(marshaler) && v.Addr().Type().Implements(unmarshaler) {
		return r.own(v)
	}
	switch v.Kind() { //nolint:exhaustive // every other kind is refused
	case reflect.Bool:
		n, err := r.number()
		if err == nil && n > 1 {
			err = errShape
		}
		v.SetBool(n == 1)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		u, err := r.number()
		n := int64(u >> 1) // as encoding/binary has it
		if u&1 != 0 {
			n = ^n
		}
		if err == nil && v.OverflowInt(n) {
			err = errShape
		}
		v.SetInt(n)
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := r.number()
		if err == nil && v.OverflowUint(n) {
			err = errShape
		}
		v.SetUint(n)
		return err
	case reflect.String:
		s, err := r.string()
		v.SetString(s)
		return err
	case reflect.Pointer:
		return r.pointer(v)
	case reflect.Slice:
		return r.list(v)
	case reflect.Struct:
		for i := range v.NumField() { //nolint:modernize // Fields finds out each field's name and place anew, for every value
			if !v.Field(i).CanSet() { // it is not exported
				return fmt.Errorf("decode %s: %w", v.Field(i).Type(), errKind)
			}
			if err := r.value(v.Field(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("decode %s: %w", v.Type(), errKind)
}

func (r *reader) own(v reflect.Value) error {
	text, err := r.string()
	if err != nil {
		return err
	}
	m, ok := reflect.TypeAssert[encoding.BinaryUnmarshaler](v.Addr())
	if !ok {
		return errKind
	}
	if err := m.UnmarshalBinary([]byte(text)); err != nil {
		return fmt.Errorf("decode %s: %w", v.Type(), err)
	}
	return nil
}

func (r *reader) pointer(v reflect.Value) error {
	n, err := r.number()
	switch {
	case err != nil:
		return err
	case n > 1:
		return errShape
	case n == 0:
		v.SetZero()
		return nil
	}
	v.Set(reflect.New(v.Type().Elem()))
	return r.value(v.Elem())
}

func (r *reader) list(v reflect.Value) error {
	n, err := r.number()
	if err != nil {
		return err
	}
	if n == 0 {
		v.SetZero()
		return nil
	}
	n--
	// Each element takes a byte at least: that bounds what a made-up length costs.
	least := uint64(leastSize(v.Type().Elem()))
	if least == 0 {
		return fmt.Errorf("decode %s: %w", v.Type(), errKind)
	}
	if n > uint64(len(r.text))/least {
		return errShape
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range v.Len() {
		if err := r.value(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) string() (string, error) {
	n, err := r.number()
	if err != nil {
		return "", err
	}
	if n > uint64(len(r.text)) {
		return "", errShape
	}
	s := r.text[:n]
	r.text = r.text[n:]
	return s, nil
}

// number reads what encoding/binary writes as a Uvarint, from a string.
func (r *reader) number() (uint64, error) {
	var n uint64
	for i := range min(len(r.text), binary.MaxVarintLen64) {
		c := r.text[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break // more than 64 bits
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.text = r.text[i+1:]
			return n, nil
		}
	}
	return 0, errShape
}
