package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// fresh is what a view shows that looks at all lines only now.
func (v *LogsView) fresh() *LogsView {
	other := v.copied()
	other.paused = false
	other.scan()
	return other
}

// However lines come, filters change and looks end, early, late or never: what passes in
// the end is what passes when all lines are looked at once. No line is lost that came
// during a look, none is there twice, and no look that is no longer wanted counts.
func TestALookBesideFindsWhatALookAtOnceFinds(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 6))
		d := NewData()
		d.Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		d.Logs = NewRing[event.LogLine](3 * atOnce)
		v := NewLogs(d)
		push := func(n int) {
			for range n {
				d.Logs.Push(event.LogLine{
					Time: d.Now, Level: []string{"DEBUG", "INFO", "WARN", "ERROR"}[r.IntN(4)], Source: "gateway",
					Message: []string{"request", "denied", "refused"}[r.IntN(3)], Text: fmt.Sprint("status=", r.IntN(3)),
				})
			}
		}
		push(2 * atOnce)
		v.scan()
		var looks []func() func() bool
		var found []func() bool
		for range 60 {
			switch r.IntN(8) {
			case 0, 1:
				push(r.IntN(atOnce / 2))
			case 2:
				v.edit.Set([]string{"", "denied", "status:1", "-refused level:warn+", "since:20s", "/req|ref/"}[r.IntN(6)])
				v.parse()
				v.rescan()
			case 3:
				switch r.IntN(4) {
				case 0:
					v.Do(ActLevel)
				case 1:
					v.Do(ActFoldAlike)
				case 2:
					v.Do(ActFilterOff)
				default:
					v.chooseSpan(Key{Text: []rune{rune('1' + r.IntN(6))}})
				}
			case 4:
				if look := v.Rescan(); look != nil {
					looks = append(looks, look)
				}
			case 5:
				if n := len(looks); n > 0 {
					i := r.IntN(n)
					found = append(found, looks[i]())
					looks = slices.Delete(looks, i, i+1)
				}
			case 6:
				if n := len(found); n > 0 {
					i := r.IntN(n)
					found[i]()
					found = slices.Delete(found, i, i+1)
				}
			default:
				d.Now = d.Now.Add(time.Duration(r.IntN(8)) * time.Second)
				v.scan() // it is drawn
			}
		}
		if look := v.Rescan(); look != nil {
			looks = append(looks, look)
		}
		for _, look := range looks {
			found = append(found, look())
		}
		for _, take := range found {
			take()
		}
		v.scan()
		want := v.fresh()
		if !slices.Equal(v.match, want.match) || v.folded && !slices.Equal(v.counts, want.counts) {
			t.Fatalf("seed %d, %q: %d lines pass with %d counts, want %d and %d", seed, v.edit.Text(), len(v.match), len(v.counts), len(want.match), len(want.counts))
		}
		if v.settle(); v.look.under || v.look.wanted {
			t.Fatal("it never ends")
		}
	}
}

// A look reads the lines while others are written over them.
func TestALookRunsBesideWhatComes(t *testing.T) {
	d := NewData()
	d.Logs = NewRing[event.LogLine](2 * atOnce)
	v := NewLogs(d)
	line := func(n int) event.LogLine {
		return event.LogLine{Level: "INFO", Message: "request", Text: fmt.Sprint("number=", n)}
	}
	for n := range 2 * atOnce {
		d.Logs.Push(line(n))
	}
	v.Find("/7$/")
	look := v.Rescan()
	if look == nil {
		t.Fatal("nobody looks")
	}
	var take func() bool
	var beside sync.WaitGroup
	beside.Go(func() { take = look() })
	for n := range 5 * atOnce {
		d.Logs.Push(line(2*atOnce + n))
		if n%100 == 0 {
			v.scan()
		}
	}
	beside.Wait()
	if !take() {
		t.Fatal("what was found does not count")
	}
	if v.scan(); !slices.Equal(v.match, v.fresh().match) || len(v.match) == 0 {
		t.Errorf("%d lines pass, want %d", len(v.match), len(v.fresh().match))
	}
}

// Until a look has ended the lines of before stay, and a key that is about them waits for
// what passes now.
func TestTheLinesOfBeforeStayUntilALookHasEnded(t *testing.T) {
	v := newLogView(t)
	for n := range 2 * atOnce {
		v.arrive([]string{"even", "odd"}[n%2], 0)
	}
	v.draw()
	v.Find("odd")
	v.level = 1
	if look := v.Rescan(); look == nil {
		t.Fatal("nobody looks")
	}
	v.arrive("even", 0)
	v.draw()
	if n := len(v.match); n != 2*atOnce {
		t.Errorf("%d lines are in sight, want those of before", n)
	}
	v.Do(ActUp)
	if last := v.data.Logs.At(v.match[v.index()]); len(v.match) != atOnce || last.Message != "odd" || v.at != v.match[atOnce-2] {
		t.Errorf("%d lines pass, %q is selected", len(v.match), last.Message)
	}
}

func TestASnapshotStaysAsItIs(t *testing.T) {
	r := NewRing[int](3000)
	for n := range 4000 {
		r.Push(n)
	}
	was := r.Snapshot()
	same := func(when string) {
		t.Helper()
		if was.First() != 1000 || was.Next() != 4000 {
			t.Fatalf("%s: it holds %d to %d", when, was.First(), was.Next())
		}
		for n := was.First(); n < was.Next(); n++ {
			if *was.At(n) != int(n) {
				t.Fatalf("%s: item %d is %d", when, n, *was.At(n))
			}
		}
	}
	for n := range 5000 {
		r.Push(-n)
	}
	same("after others came")
	again := r.Snapshot()
	if r.Clear(); r.Len() != 0 {
		t.Errorf("%d items are left", r.Len())
	}
	r.Push(1)
	same("after all are forgotten")
	if again.Len() != 3000 || *again.At(again.Next() - 1) != -4999 {
		t.Error("the second one changed")
	}
	if n := testing.AllocsPerRun(100, func() { r.Push(2) }); n != 0 {
		t.Errorf("%v allocations a push", n)
	}
}
