package view

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"openclaw/gateway/event"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "/home/ada/file.txt", "/home/ada/file.txt"},
		{"accents", "café", "café"},
		{"combining", "cafe\u0301", "cafe\u0301"},
		{"piled marks", "a\u0301\u0301\u0301\u0301", "a\u0301\u0301" + `\u{301}\u{301}`},
		{"mark at the start", "\u0301x", `\u{301}x`},
		{"wide", "日本語", "日本語"},
		{"colour", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"title", "\x1b]0;owned\a", `\x1b]0;owned\x07`},
		{"c1 control", "\u009b31m", `\u{9b}31m`},
		{"bare c1 byte", "\x9b31m", `\x9b31m`},
		{"lines", "one\ntwo\r\nthree\tfour", `one\ntwo\r\nthree\tfour`},
		{"turned round", "safe\u202etxt.exe", `safe\u{202e}txt.exe`},
		{"isolates", "a\u2066b\u2069", `a\u{2066}b\u{2069}`},
		{"zero width", "pay\u200bpal", `pay\u{200b}pal`},
		{"joined emoji", "👩\u200d💻", `👩\u{200d}💻`},
		{"tag characters", "a\U000e0041", `a\u{e0041}`},
		{"soft hyphen", "a\u00adb", `a\u{ad}b`},
		{"looks like nothing", "a\u3164b\u2800c", `a\u{3164}b\u{2800}c`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"no-break space", "a\u00a0b", `a\u{a0}b`},
		{"not UTF-8", "a\xff\xfeb", `a\xff\xfeb`},
		{"delete", "a\x7fb", `a\x7fb`},
		{"flag", "🇩🇪", `\u{1f1e9}\u{1f1ea}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Printable(c.in, MaxText); got != c.want {
				t.Errorf("Printable(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestPrintableIsBounded(t *testing.T) {
	got := Printable(strings.Repeat("é", 100_000), MaxText)
	if len(got) > MaxText || !strings.HasSuffix(got, "…") {
		t.Errorf("length %d, end %q", len(got), got[len(got)-6:])
	}
}

// harmless reports whether text can neither move the cursor nor hide anything.
func harmless(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "\u202e", "é\u0301\u0301\u0301", "\xff\x9b", "日本\n", "🇩🇪👩\u200d💻"} {
		f.Add(s, 64)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 8 + (limit&0xfff+0xfff)%0xfff
		got := Printable(s, limit)
		if !harmless(got) {
			t.Fatalf("Printable(%q) = %q is not harmless", s, got)
		}
		if len(got) > limit {
			t.Fatalf("Printable(%q, %d) has %d bytes", s, limit, len(got))
		}
		if again := Printable(got, limit); again != got {
			t.Fatalf("Printable is not stable: %q, then %q", got, again)
		}
	})
}

// fill puts a hostile string into every field of every type that enters the
// screen, so that a field that is added later cannot be forgotten.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() && v.Type() != reflect.TypeFor[time.Time]() {
				fill(field, text)
			}
		}
	default:
	}
}

func eachString(v reflect.Value, yield func(string)) {
	switch v.Kind() {
	case reflect.String:
		yield(v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			eachString(v.Elem(), yield)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachString(v.Index(i), yield)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			eachString(field, yield)
		}
	default:
	}
}

func TestCleanReachesEveryField(t *testing.T) {
	const hostile = "a\x1b[2J\u202e\n"
	var e event.Event
	fill(reflect.ValueOf(&e).Elem(), hostile)
	var o event.Overview
	fill(reflect.ValueOf(&o).Elem(), hostile)
	count := 0
	check := func(s string) {
		count++
		if !harmless(s) {
			t.Errorf("%q passed", s)
		}
	}
	eachString(reflect.ValueOf(Clean(e)), check)
	eachString(reflect.ValueOf(Clean(o)), check)
	if count < 100 {
		t.Errorf("only %d strings were looked at", count)
	}
	eachString(reflect.ValueOf(e), func(s string) {
		if s != hostile {
			t.Errorf("the original was changed to %q", s)
		}
	})
}

func TestCleanKeepsTimesAndNumbers(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	in := event.Event{Seq: 7, Time: at, Denial: &event.Denial{PID: 9, First: at, Count: 3}}
	out := Clean(in)
	if !reflect.DeepEqual(in, out) || in.Denial == out.Denial {
		t.Errorf("got %+v", out)
	}
}

// No text of an event reaches the screen as it came, whichever field it stands in, also
// one that is added some day; and what is printable already is not copied.
func TestNoFieldOfAnEventPassesUncleaned(t *testing.T) {
	const evil = "\x1b[2Jx"
	for _, whole := range []event.Event{
		{Seq: 1, Kind: event.KindLog, Log: &event.LogLine{}},
		{Seq: 1, Kind: event.KindDenial, Denial: &event.Denial{}},
		{Seq: 1, Kind: event.KindLog, Log: &event.LogLine{}, Denial: &event.Denial{}}, // what no gateway sends
		{Seq: 1, Kind: event.KindDenial, Denial: &event.Denial{}, Notice: &event.Notice{}},
		{Seq: 1, Kind: event.KindDenial, Log: &event.LogLine{}},
		{Seq: 1, Kind: event.KindLog},
	} {
		if clean := CleanEvent(whole); whole.Log != nil && whole.Denial == nil && whole.Kind == event.KindLog && clean.Log != whole.Log {
			t.Error("a printable line is copied")
		}
		fields := 0
		eachText(reflect.ValueOf(&whole).Elem(), func(field reflect.Value, name string) {
			fields++
			was := field.String()
			field.SetString(evil)
			eachText(reflect.ValueOf(CleanEvent(whole)), func(got reflect.Value, _ string) {
				if strings.Contains(got.String(), "\x1b") {
					t.Errorf("%s of %s passes as it came", name, whole.Kind)
				}
			}, "")
			if field.String() != evil {
				t.Errorf("%s: the event that came was changed", name)
			}
			field.SetString(strings.Repeat("x", MaxText+1))
			eachText(reflect.ValueOf(CleanEvent(whole)), func(got reflect.Value, _ string) {
				if len(got.String()) > MaxText {
					t.Errorf("%s of %s is as long as it came", name, whole.Kind)
				}
			}, "")
			field.SetString(was)
		}, "")
		if fields == 0 {
			t.Error("no text was found")
		}
	}
}

// eachText calls do with each text of a value.
func eachText(v reflect.Value, do func(field reflect.Value, name string), name string) {
	switch {
	case v.Kind() == reflect.String:
		do(v, name)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		eachText(v.Elem(), do, name)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			eachText(v.Field(i), do, name+"."+v.Type().Field(i).Name)
		}
	}
}

// Wherever a byte stands, and whatever stands around it, it is judged as it is alone.
func TestEachByteIsJudgedWhereverItStands(t *testing.T) {
	for c := range 256 {
		for _, around := range []byte{' ', 'a', '~', 0x00, 0x1f, 0x7f, 0x80, 0xff} {
			for at := range 17 {
				text := bytes.Repeat([]byte{around}, 17)
				text[at] = byte(c)
				want := true
				for _, b := range text {
					want = want && b >= 0x20 && b < 0x7f
				}
				if c >= 0x80 || around >= 0x80 {
					want = false // no UTF-8
				}
				if got := isPrintable(string(text)); got != want {
					t.Fatalf("%#x at %d among %#x: printable %v", c, at, around, got)
				}
			}
		}
	}
}
