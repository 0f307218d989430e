package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

const canary = "canary-5f3a9c"

// fill puts the canary into every text of v that an event can carry.
func fill(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the kinds that hold texts
	case reflect.String:
		v.SetString("before " + canary + " after")
	case reflect.Pointer:
		if v.Type().Elem() == reflect.TypeFor[policy.Policy]() {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	}
}

// A secret in any text of any kind of event, of today's and of tomorrow's,
// reaches no subscription; what the publisher holds does not change.
func TestNoEventCarriesASecret(t *testing.T) {
	bus := NewBus(nil)
	bus.MaskWith(func(text string) string { return strings.ReplaceAll(text, canary, "[REDACTED]") })
	s := bus.Subscribe(1)
	defer s.Close()
	var e Event
	fill(reflect.ValueOf(&e).Elem())
	e.Kind = KindDenial
	published := *e.Denial
	bus.Publish(e)
	got := <-s.C()
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), canary) || strings.Count(string(text), "[REDACTED]") < 60 {
		t.Errorf("%v: %s", err, text)
	}
	if got.Kind != KindDenial || !reflect.DeepEqual(published, *e.Denial) {
		t.Error("the publisher's own event was changed")
	}
}

// An event without a secret is passed on as it is, without a copy.
func TestACleanEventIsNotCopied(t *testing.T) {
	bus := NewBus(nil)
	bus.MaskWith(func(text string) string { return text })
	s := bus.Subscribe(1)
	defer s.Close()
	row := &Agent{Name: "coder", Runs: []Run{{ID: "r-1", Command: []string{"make"}}}}
	bus.Publish(Event{Kind: KindAgent, Agent: row})
	if got := <-s.C(); got.Agent != row {
		t.Error("the event was copied")
	}
}

func BenchmarkPublishMasked(b *testing.B) {
	bus := NewBus(nil)
	bus.MaskWith(func(text string) string { return text })
	e := Event{Kind: KindDenial, Denial: &Denial{ID: "d", Agent: "coder", CommandLine: "cat /etc/shadow", Target: "/etc/shadow", Program: "/usr/bin/cat"}}
	for b.Loop() {
		bus.Publish(e)
	}
}

// What nobody subscribed to is numbered and not searched for secrets; who subscribes
// later gets it neither way, and what is published then is masked.
func TestUnheardEventsAreNotMasked(t *testing.T) {
	bus := NewBus(nil)
	masked := 0
	bus.MaskWith(func(text string) string { masked++; return strings.ReplaceAll(text, "secret", "••••") })
	notice := Event{Kind: KindNotice, Notice: &Notice{Level: "info", Text: "the secret"}}
	other := bus.Subscribe(4, KindDenial)
	defer other.Close()
	for range 3 {
		bus.Publish(notice)
	}
	if masked != 0 || bus.Seq() != 3 || bus.Dropped() != 0 {
		t.Fatalf("%d texts were masked for nobody, seq %d, %d dropped", masked, bus.Seq(), bus.Dropped())
	}
	heard := bus.Subscribe(4, KindNotice)
	defer heard.Close()
	bus.Publish(notice)
	if got := <-heard.C(); got.Seq != 4 || got.Notice.Text != "the ••••" {
		t.Errorf("%d %+v", got.Seq, got.Notice)
	}
}

// A policy that is shown has no secret in any of its texts, of today's and of tomorrow's,
// and says that one was taken out; the one that is enforced stays what it is.
func TestAShownPolicyHasNoSecret(t *testing.T) {
	t.Parallel()
	mask := func(text string) string { return strings.ReplaceAll(text, canary, "[REDACTED]") }
	var p policy.Policy
	fill(reflect.ValueOf(&p).Elem())
	before, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	shown, changed := MaskedPolicy(&p, mask)
	text, err := json.Marshal(shown)
	if err != nil || !changed || strings.Contains(string(text), canary) || strings.Count(string(text), "[REDACTED]") != strings.Count(string(before), canary) {
		t.Errorf("%v %v: %s", changed, err, text)
	}
	if after, err := json.Marshal(p); err != nil || string(after) != string(before) || strings.Count(string(before), canary) < 20 {
		t.Errorf("the policy itself was changed: %v %s", err, after)
	}
	if same, changed := MaskedPolicy(&p, func(text string) string { return text }); changed || same != &p {
		t.Error("a policy without a secret is another one")
	}
}
