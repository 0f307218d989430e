package view

import (
	"reflect"
	"strconv"
	"sync"
	"unicode"
	"unicode/utf8"

	"openclaw/gateway/event"
)

// MaxText bounds, in bytes, one string that enters the screen. It is the length
// of the longest path that Linux takes.
const MaxText = 4096

// maxMarks bounds how many combining marks may follow one letter; more would
// pile up over the lines around it.
const maxMarks = 2

// Printable returns s with everything that is not plain visible text written
// out as an escape: control bytes as \x1b, bytes that are not UTF-8 as \xff,
// direction marks, zero-width and unassigned characters as \u{202e}. The result
// has no byte below 0x20 and at most limit bytes; what was cut shows as "…". A
// string that is already printable is returned as it is.
func Printable(s string, limit int) string {
	if len(s) <= limit && isPrintable(s) {
		return s
	}
	b := make([]byte, 0, min(len(s), limit)+16)
	marks, fits := 0, 0 // fits: how far it goes and still has room for "…"
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			b = append(b, escapeByte(s[i])...)
		case r < 0x20 || r == 0x7f:
			b = append(b, escapeByte(byte(r))...)
		case plainRune(r):
			b, marks = append(b, s[i:i+size]...), 0
		case unicode.Is(unicode.Mn, r) && i > 0 && marks < maxMarks && visibleMark(r):
			b = append(b, s[i:i+size]...)
			marks++
		default:
			b = append(strconv.AppendInt(append(b, `\u{`...), int64(r), 16), '}')
		}
		if len(b) > limit {
			return string(b[:fits]) + "…"
		}
		if len(b) <= limit-len("…") {
			fits = len(b)
		}
		i += size
	}
	return string(b)
}

func escapeByte(c byte) string {
	switch c {
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	}
	const hex = "0123456789abcdef"
	return string([]byte{'\\', 'x', hex[c>>4], hex[c&15]})
}

// isPrintable reports whether Printable would leave s alone. It costs little for ASCII,
// which it looks at eight bytes at a time: each line of the log passes here.
func isPrintable(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if !plainASCII(uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56) {
			break // it is seen below what it is
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf {
			return isPrintableText(s, i)
		} else if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

// plainASCII reports whether each of eight bytes is from 0x20 to 0x7e. A byte below 0x20
// borrows from its highest bit when 0x20 is taken away, 0x7f carries into it when one is
// added, and any other that has it is not ASCII; a byte that borrows or carries beyond
// itself is one that counts already.
func plainASCII(eight uint64) bool {
	const each = 0x0101010101010101
	return (eight|(eight-0x20*each)|(eight+each))&(0x80*each) == 0
}

func isPrintableText(s string, i int) bool {
	start, marks := i, 0
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1, r < 0x20, r == 0x7f:
			return false
		case plainRune(r):
			marks = 0
		case unicode.Is(unicode.Mn, r) && (i > 0 || start > 0) && marks < maxMarks && visibleMark(r):
			marks++
		default:
			return false
		}
		i += size
	}
	return true
}

// plainRune reports whether r takes room of its own on a terminal and nothing
// else. Characters whose width terminals disagree about are not plain: private
// use, regional indicators, skin tones, conjoining Hangul.
func plainRune(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r >= 0x20 && r != 0x7f
	case r < 0xa0:
		return false // C1 controls
	case r == 0xad, r >= 0x1160 && r <= 0x11ff, r >= 0xd7b0 && r <= 0xd7ff:
		return false
	case r == 0x115f, r == 0x3164, r == 0xffa0, r == 0x2800:
		return false // fillers that look like nothing
	case r >= 0x1f1e6 && r <= 0x1f1ff, r >= 0x1f3fb && r <= 0x1f3ff:
		return false
	}
	return unicode.IsPrint(r) && !unicode.IsMark(r)
}

// visibleMark leaves out the marks that select a form and show nothing.
func visibleMark(r rune) bool {
	return !unicode.Is(unicode.Variation_Selector, r) && r != 0x034f && (r < 0x17b4 || r > 0x17b5)
}

// Clean returns a deep copy of v in which every string is Printable. Numbers,
// times and types with hidden fields stay as they are.
func Clean[T any](v T) T {
	return CleanTo(v, MaxText)
}

// CleanEvent is Clean of an event, without a copy of a line of the log or of a denial
// where there is nothing to write out: ten thousand a second come.
func CleanEvent(e event.Event) event.Event {
	l, d := e.Log, e.Denial
	switch e { // nothing else is set
	case event.Event{Seq: e.Seq, Time: e.Time, Kind: event.KindLog, Log: l}:
		if l != nil && allPrintable(l.Level, l.Source, l.Message, l.Text, l.Raw) {
			return e
		}
	case event.Event{Seq: e.Seq, Time: e.Time, Kind: event.KindDenial, Denial: d}:
		if d != nil && allPrintable(d.ID, d.Agent, d.Run, d.Program, d.CommandLine, string(d.Class), d.Operation, d.Target, d.Rule,
			d.Mechanism, d.Connection, d.Origin.File, d.Origin.Key, d.Origin.BuiltIn, d.Rows) {
			return e
		}
	}
	return Clean(e)
}

func allPrintable(texts ...string) bool {
	for _, s := range texts {
		if len(s) > MaxText || !isPrintable(s) {
			return false
		}
	}
	return true
}

// CleanTo is Clean with another bound, in bytes, on each string.
func CleanTo[T any](v T, limit int) T {
	clean(reflect.ValueOf(&v).Elem(), limit)
	return v
}

// clean makes v printable, and what it points to a copy of its own.
func clean(v reflect.Value, limit int) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); len(s) > limit || !isPrintable(s) {
			v.SetString(Printable(s, limit))
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		own := reflect.New(v.Type().Elem())
		own.Elem().Set(v.Elem())
		clean(own.Elem(), limit)
		v.Set(own)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		v.Set(own)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			clean(v.Index(i), limit)
		}
	case reflect.Struct:
		for _, i := range fieldsToClean(v.Type()) {
			clean(v.Field(i), limit)
		}
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
	case reflect.Invalid, reflect.Array, reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.UnsafePointer:
		v.SetZero() // no event type holds one; nothing passes unseen
	}
}

// fieldsToClean are the fields of a struct that are more than numbers, times and
// types with hidden fields. Ten thousand events a second ask.
func fieldsToClean(t reflect.Type) []int {
	if known, ok := cleaned.Load(t); ok {
		return known.([]int) //nolint:forcetypeassert // nothing else is stored
	}
	var fields []int
	for i := range t.NumField() {
		switch f := t.Field(i).Type; {
		case f.Kind() >= reflect.Bool && f.Kind() <= reflect.Complex128:
		case f.Kind() == reflect.Struct && hides(f):
		default:
			fields = append(fields, i)
		}
	}
	if hides(t) {
		fields = nil
	}
	cleaned.Store(t, fields)
	return fields
}

func hides(t reflect.Type) bool { return t.NumField() > 0 && !t.Field(0).IsExported() }

//nolint:gochecknoglobals // what types look like, which never changes
var cleaned sync.Map
