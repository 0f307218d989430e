package positional

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type kind string

type inner struct {
	Text string
	List []kind
}

type sample struct {
	Yes     bool
	Small   int8
	Large   int64
	Port    uint16
	Text    string
	Bytes   []byte
	Kind    kind
	Wait    time.Duration
	Inner   inner
	Many    []inner
	Pointer *inner
	Address netip.AddrPort
	Prefix  netip.Prefix
}

func full() sample {
	return sample{
		Yes: true, Small: -128, Large: -1 << 63, Port: 65535, Text: "a\xff\x00\n", Bytes: []byte{0, 255}, Kind: "k", Wait: time.Hour,
		Inner: inner{Text: "in", List: []kind{"", "x"}}, Many: []inner{{}, {Text: "2", List: []kind{}}}, Pointer: &inner{Text: "p"},
		Address: netip.MustParseAddrPort("[fe80::1%lo]:80"), Prefix: netip.MustParsePrefix("10.0.0.0/8"),
	}
}

// What was written is read as it was: also what is nil, empty, or no text.
func TestReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, value := range []sample{full(), {}, {Many: []inner{}, Bytes: []byte{}}} {
		data, err := Append([]byte("before"), &value)
		if err != nil {
			t.Fatal(err)
		}
		var got sample
		if err := Read(data[len("before"):], &got); err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("%v\n%+v\n%+v", err, got, value)
		}
	}
}

// Bytes that end early, go on, or say more than there is are refused, whatever the place.
func TestRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	whole := full()
	data, err := Append(nil, whole)
	if err != nil {
		t.Fatal(err)
	}
	var got sample
	for cut := range data {
		if Read(data[:cut], &got) == nil {
			t.Errorf("read the first %d of %d bytes", cut, len(data))
		}
	}
	if Read(append(data, 0), &got) == nil {
		t.Error("read what has a byte too many")
	}
	for _, test := range []struct {
		bytes string
		into  any
	}{
		{"\x02", new(bool)},
		{"\x80\x02", new(int8)}, // 128
		{"\x80\x80\x04", new(uint16)},
		{strings.Repeat("\xff", 9) + "\x02", new(uint64)}, // 65 bits
		{"\xff\xff\xff\xff\x0f", new([]inner)},            // four thousand million of them
		{"\x04\x00\x00\x00", new([]inner)},                // three, of which each takes two bytes
		{"\x02\x01", new(*bool)},
		{"\x05abcd", new(string)},
		{"\x01x", new(netip.AddrPort)},
	} {
		if err := Read([]byte(test.bytes), test.into); err == nil {
			t.Errorf("%q was read as a %T", test.bytes, test.into)
		}
	}
}

// What has no place for each of its parts is refused by both sides, not left out.
func TestRefusesWhatIsNoPlainData(t *testing.T) {
	t.Parallel()
	type hidden struct{ text string } //nolint:unused // that it is there is the point
	for _, v := range []any{nil, hidden{}, &hidden{}, map[string]int{}, 1.5, func() {}, []any{1}, make(chan int)} {
		if data, err := Append(nil, v); err == nil {
			t.Errorf("%T was written: %x", v, data)
		}
	}
	for _, v := range []any{nil, 1, (*int)(nil), new(hidden), new(map[string]int), new(float64), new(any)} {
		if err := Read([]byte{1, 1, 1}, v); err == nil {
			t.Errorf("something was read into a %T", v)
		}
	}
	if err := Read([]byte{3}, new([]struct{})); err == nil {
		t.Error("a list was read whose elements take no bytes")
	}
}

func TestShapeTellsTypesApart(t *testing.T) {
	t.Parallel()
	shapes := map[string]reflect.Type{}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct{ A, B string }](), reflect.TypeFor[struct{ B, A string }](), reflect.TypeFor[struct{ A string }](),
		reflect.TypeFor[struct{ A []string }](), reflect.TypeFor[struct{ A *string }](), reflect.TypeFor[struct{ A int }](),
		reflect.TypeFor[struct{ A struct{ B string } }](), reflect.TypeFor[struct {
			A struct{}
			B string
		}](),
		reflect.TypeFor[struct{ A netip.Addr }](), reflect.TypeFor[struct{ A netip.Prefix }](), reflect.TypeFor[struct{}](),
	} {
		shape := Shape(typ)
		if other, taken := shapes[shape]; taken {
			t.Errorf("%v has the shape of %v", typ, other)
		}
		shapes[shape] = typ
	}
	type same struct{ A, B string }
	if Shape(reflect.TypeFor[same]()) != Shape(reflect.TypeFor[struct{ A, B string }]()) {
		t.Error("types of the same fields have two shapes")
	}
}

// FuzzRead: bytes of anybody's are an error or a value that is written as it was read,
// and neither a panic nor much memory.
func FuzzRead(f *testing.F) {
	for _, value := range []sample{full(), {}} {
		data, err := Append(nil, value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var value, again sample
		if Read(data, &value) != nil {
			return
		}
		if len(value.Many) > len(data) {
			t.Fatalf("%d elements of %d bytes", len(value.Many), len(data))
		}
		written, err := Append(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		if err := Read(written, &again); err != nil || !reflect.DeepEqual(value, again) {
			t.Fatalf("%v\n%+v\n%+v", err, value, again)
		}
	})
}
