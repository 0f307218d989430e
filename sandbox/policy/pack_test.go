package policy

import (
	"net/netip"
	"reflect"
	"strconv"
	"testing"
)

// A policy comes out of its packed form as it went in, whatever fields it has: each one
// is filled with something of its own.
func TestPackedPolicyIsTheSame(t *testing.T) {
	t.Parallel()
	next := 0
	filled := new(Policy)
	fill(t, reflect.ValueOf(filled).Elem(), &next)
	for _, p := range []*Policy{filled, {}} {
		data, err := p.Pack()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unpack(data)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%v\n%+v\n%+v", err, got, p)
		}
		if _, err := Unpack(data[:len(data)-1]); err == nil {
			t.Error("a policy was read that lacks its end")
		}
	}
	if next < 60 {
		t.Errorf("only %d values were filled in", next)
	}
}

func fill(t *testing.T, v reflect.Value, next *int) {
	t.Helper()
	*next++
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(*next)}), 32)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("\xff" + strconv.Itoa(*next))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*next % 100))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*next % 100))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), next)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), next)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, next)
		}
	default:
		t.Fatalf("a policy has a %s", v.Type())
	}
}
