package wire

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// fill gives every field that travels a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(*n), int64(*n)).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case v.Kind() == reflect.Int:
		v.SetInt(-int64(*n))
	default:
		panic("a field of another type: " + v.Type().String())
	}
}

func pack(t *testing.T, events ...event.Event) []byte {
	t.Helper()
	var frame []byte
	for i := range events {
		var err error
		if frame, err = AppendPacked(frame, &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	return frame
}

func unpack(t *testing.T, frame []byte) []event.Event {
	t.Helper()
	out, err := ReadPacked(frame)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What travels packed is what was published, every field of it, also one that is added
// to an event some day.
func TestPackedEventsAreReadAsTheyWere(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)
	line, denial, n := event.LogLine{}, event.Denial{}, 0
	fill(reflect.ValueOf(&line).Elem(), &n)
	fill(reflect.ValueOf(&denial).Elem(), &n)
	ofNone := denial // which is written by its fields
	ofNone.Connection = ""
	want := []event.Event{
		{Seq: 1, Time: at, Kind: event.KindLog, Log: &line},
		{Seq: math.MaxUint64, Time: at, Kind: event.KindDenial, Denial: &denial},
		{Seq: 3, Time: at, Kind: event.KindNotice, Notice: &event.Notice{Level: "warn", Text: "\"quoted\" 漢字"}},
		{Seq: 4, Time: at, Kind: event.KindAsk, Ask: &event.Ask{ID: "a-1", State: event.AskWaiting, Count: 2}},
		{Kind: event.KindLog, Log: &event.LogLine{Message: "bytes that are no text: \xff\x00\x1b", Raw: strings.Repeat("x", 100_000)}},
		{Kind: event.KindDenial, Denial: &event.Denial{}},
		{Seq: 7, Time: at, Kind: event.KindDenial, Denial: &ofNone},
	}
	got := unpack(t, pack(t, want...))
	if len(got) != len(want) {
		t.Fatalf("%d events of %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("event %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

func TestWhatIsReadKeepsNoPartOfTheFrame(t *testing.T) {
	frame := pack(t, event.Event{Kind: event.KindLog, Log: &event.LogLine{Message: "said"}},
		event.Event{Kind: event.KindNotice, Notice: &event.Notice{Text: "told"}})
	got := unpack(t, frame)
	clear(frame)
	if got[0].Log.Message != "said" || got[1].Notice.Text != "told" {
		t.Errorf("%+v %+v", got[0].Log, got[1].Notice)
	}
}

// A denial that a screen keeps for days keeps no line of the log that came with it.
func TestADenialKeepsNoLineOfTheLog(t *testing.T) {
	const frames, each = 64, 256 << 10
	var kept []event.Event
	for i := range frames {
		got := unpack(t, pack(t, event.Event{Kind: event.KindLog, Log: &event.LogLine{Raw: strings.Repeat("x", each)}},
			event.Event{Seq: uint64(i), Kind: event.KindDenial, Denial: &event.Denial{ID: "d"}}))
		kept = append(kept, got[1])
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	if memory.HeapAlloc > frames*each/2 {
		t.Errorf("%d denials keep %d MB", len(kept), memory.HeapAlloc>>20)
	}
	runtime.KeepAlive(kept)
}

func TestPackedEventsOfAnotherShapeAreRefused(t *testing.T) {
	good := pack(t, event.Event{Seq: 300, Time: time.Unix(1, 0), Kind: event.KindLog, Log: &event.LogLine{Message: "said"}})
	for n := range good {
		if n == 1 {
			continue // no events are no error
		}
		if events, err := ReadPacked(good[:n]); err == nil || len(events) != 0 {
			t.Errorf("the first %d bytes are taken: %+v", n, events)
		}
	}
	for name, frame := range map[string][]byte{
		"another version": {2, 'l', 0}, "an endless length": {1, 'l', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"no JSON": {1, 'j', 1, '{'}, "more than an event": append([]byte{1, 'l', good[2] + 1}, append(good[3:len(good):len(good)], 0)...),
	} {
		if events, err := ReadPacked(frame); err == nil || len(events) != 0 {
			t.Errorf("%s is taken: %+v", name, events)
		}
	}
	// What came whole before the broken one is no loss.
	if events, err := ReadPacked(append(slices.Clone(good), 'l', 200)); err == nil || len(events) != 1 || events[0].Log.Message != "said" {
		t.Errorf("%+v, %v", events, err)
	}
	// A kind that a later gateway knows does not cost what comes after it.
	if got := unpack(t, append([]byte{1, 'z', 2, 'a', 'b'}, good[1:]...)); len(got) != 1 || got[0].Seq != 300 {
		t.Errorf("%+v", got)
	}
}

func FuzzReadPacked(f *testing.F) {
	line := event.Event{Seq: 1, Kind: event.KindLog, Log: &event.LogLine{Message: "m"}}
	denial := event.Event{Seq: 2, Kind: event.KindDenial, Denial: &event.Denial{ID: "d"}}
	seed, _ := AppendPacked(nil, &line)
	seed, _ = AppendPacked(seed, &denial)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, frame []byte) {
		events, err := ReadPacked(frame)
		if err != nil {
			return
		}
		again := []byte{1}
		for i := range events {
			if again, err = AppendPacked(again, &events[i]); err != nil {
				return // JSON that is read and not written: a year past 9999
			}
		}
		if got, err := ReadPacked(again); err != nil || len(got) != len(events) {
			t.Fatalf("%d of %d events, %v", len(got), len(events), err)
		}
	})
}

func BenchmarkReadPacked(b *testing.B) {
	var frame []byte
	for i := range 333 {
		e := event.Event{Seq: uint64(i), Kind: event.KindLog, Log: &event.LogLine{Level: "INFO", Source: "gateway", Message: "request", Text: strings.Repeat("t", 60), Raw: strings.Repeat("r", 150)}}
		frame, _ = AppendPacked(frame, &e)
	}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ReadPacked(frame)
	}
}
