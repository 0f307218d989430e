package approve

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// pause says that a person is at an ask, and checks what that does.
func (d *desk) pause(id string, want bool) {
	d.t.Helper()
	if paused, err := d.Pause(id); err != nil || paused != want {
		d.t.Fatalf("paused = %v, %v; want %v", paused, err, want)
	}
}

func (d *desk) row(id string) event.Ask {
	d.t.Helper()
	for _, row := range d.List("") {
		if row.ID == id {
			return row
		}
	}
	d.t.Fatalf("no row %s", id)
	return event.Ask{}
}

func (d *desk) time() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

// While a screen says that a person is at an ask, its clock stands still; it goes on
// within seconds of the last word.
func TestTheClockStandsStillWhileAPersonIsAtAnAsk(t *testing.T) {
	d := newDesk(t, nil)
	h, other := d.Submit(request("/srv/a")), d.Submit(request("/srv/b"))
	d.later(40 * time.Second)
	for range 15 { // thirty seconds
		d.pause(h.ID, true)
		if row := d.row(h.ID); row.Left(d.time()) != 20*time.Second || !row.Paused(d.time()) {
			t.Fatalf("%v left, paused %v", row.Left(d.time()), row.Paused(d.time()))
		}
		d.later(2 * time.Second)
	}
	waits(t, h)
	if v := verdict(t, other); v.Allow || v.Reason != "ask: no answer in 60s" {
		t.Errorf("the clock of another ask stood still, too: %+v", v)
	}
	// The screen vanishes: what it said last holds for pauseFor, two seconds of which are over.
	d.later(pauseFor - 2*time.Second)
	if row := d.row(h.ID); row.Paused(d.time()) || row.Left(d.time()) != 20*time.Second {
		t.Errorf("%+v", row)
	}
	d.later(20*time.Second - time.Millisecond)
	waits(t, h)
	d.later(time.Millisecond)
	if v := verdict(t, h); v.Allow || v.Reason != "ask: no answer in 60s" {
		t.Errorf("%+v", v)
	}
	if row := d.row(h.ID); row.State != event.AskMissed || !row.PausedUntil.IsZero() {
		t.Errorf("%+v", row)
	}
	d.pause(h.ID, false) // over is over
	if row := d.row(h.ID); row.State != event.AskMissed {
		t.Errorf("%+v", row)
	}
}

// However long screens say it, and however many, a request is held twice as long as its
// policy says at most, and then denied.
func TestNoPauseGoesPastTheCap(t *testing.T) {
	for _, screens := range []int{1, 10} {
		d := newDesk(t, nil)
		r := request("/srv/a")
		r.Timeout = 20 * time.Second
		h, asked := d.Submit(r), d.time()
		for d.time().Before(asked.Add(policy.AskCap(r.Timeout) - time.Millisecond)) {
			for range screens {
				if _, err := d.Pause(h.ID); err != nil {
					t.Fatal(err)
				}
			}
			waits(t, h)
			d.later(min(500*time.Millisecond, asked.Add(policy.AskCap(r.Timeout)-time.Millisecond).Sub(d.time())))
		}
		waits(t, h)
		d.pause(h.ID, false)
		d.later(time.Millisecond)
		if v := verdict(t, h); v.Allow {
			t.Errorf("%+v", v)
		}
	}
}

// A pause that comes when the time is over, and nobody has looked yet, holds nothing any
// more; nor is an answer changed by one.
func TestAPauseRevivesNothing(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	d.mu.Lock()
	d.now = d.now.Add(time.Minute)
	d.mu.Unlock()
	d.pause(h.ID, false)
	d.Expire(t.Context())
	if v := verdict(t, h); v.Allow {
		t.Errorf("%+v", v)
	}
	denied := d.Submit(request("/srv/b"))
	d.decide(denied.ID, Decision{})
	before := d.row(denied.ID)
	d.pause(denied.ID, false)
	if after := d.row(denied.ID); after.State != event.AskDenied || !after.Deadline.IsZero() || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%+v", after)
	}
	if _, err := d.Pause("nope"); err == nil {
		t.Error("there is no such ask, and nobody says so")
	} else if own, ok := errors.AsType[*Error](err); !ok || own.Kind != KindNotFound {
		t.Error(err)
	}
	if len(d.records) != 2 { // the miss and the answer
		t.Errorf("a pause is audited: %+v", d.records)
	}
}

// Screens that all say it change the row once a second at most.
func TestManyScreensChangeARowOnceASecond(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	clocks := 0
	d.o.Publish = func(e event.Event) {
		if e.Kind == event.KindClock && e.Clock != nil && e.Clock.ID == h.ID {
			clocks++
		}
	}
	for range 100 { // ten seconds
		for range 5 {
			d.pause(h.ID, true)
		}
		d.later(100 * time.Millisecond)
	}
	if clocks < 5 || clocks > 11 {
		t.Errorf("%d events in ten seconds", clocks)
	}
}

// FuzzPause plays any mix of asks, pauses, ends, answers and waits on a fake clock. A
// request is denied for want of an answer no sooner than its policy says and, whatever
// screens tell, no later than the cap; a verdict is the only one; nothing is allowed that
// nobody allowed.
func FuzzPause(f *testing.F) {
	f.Add([]byte{0, 1, 50, 1, 50, 1, 200, 1, 250})
	f.Add([]byte{0, 10, 0, 1, 30, 11, 1, 255, 1, 255, 4, 1})
	f.Add([]byte{0, 0, 0, 1, 90, 0, 1, 90, 0, 1, 90, 0, 1, 90, 0, 1, 90, 2, 1, 3, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		d := newDesk(t, nil)
		const timeout = 10 * time.Second
		type one struct {
			h       *Held
			asked   time.Time
			paused  bool
			allowed bool
			ended   bool
		}
		var all []*one
		look := func() {
			for _, o := range all {
				if o.ended {
					if len(o.h.verdict) > 0 {
						t.Fatal("a second verdict")
					}
					continue
				}
				now := d.time()
				v, answered := o.h.Answered()
				switch {
				case !answered && !now.Before(o.asked.Add(policy.AskCap(timeout))):
					t.Fatalf("held for %v", now.Sub(o.asked))
				case !answered && !o.paused && !now.Before(o.asked.Add(timeout)):
					t.Fatalf("held for %v, and nobody paused it", now.Sub(o.asked))
				case !answered:
					continue
				case v.Allow != o.allowed:
					t.Fatalf("allowed = %v, want %v", v.Allow, o.allowed)
				case v.Reason == ReasonMissed(timeout) && now.Before(o.asked.Add(timeout)):
					t.Fatalf("missed after %v", now.Sub(o.asked))
				}
				o.ended = true
			}
		}
		for i := 0; i+1 < len(script) && i < 400; i += 2 {
			n := script[i+1]
			target := fmt.Sprint("/srv/", n%3)
			switch script[i] % 5 {
			case 0:
				r := request(target)
				r.Timeout = timeout
				o := &one{h: d.Submit(r), asked: d.time()}
				all = append(all, o)
				if v, answered := o.h.Answered(); answered { // too many of them
					o.ended = true
					if v.Allow {
						t.Fatal("allowed, and nobody did")
					}
				}
			case 1:
				for _, row := range d.List("") {
					if row.Target != target || row.State != event.AskWaiting {
						continue
					}
					paused, err := d.Pause(row.ID)
					if err != nil {
						t.Fatal(err)
					}
					for _, o := range all {
						if o.h.ID == row.ID && !o.ended {
							o.paused = o.paused || paused
						}
					}
					if left := row.Left(d.time()); left > timeout {
						t.Fatalf("%v left of %v", left, timeout)
					}
				}
			case 2, 3:
				for _, row := range d.List("") {
					if row.Target != target || row.State != event.AskWaiting {
						continue
					}
					allow := script[i]%5 == 2
					for _, o := range all {
						if o.h.ID == row.ID && !o.ended {
							o.allowed = allow
						}
					}
					d.decide(row.ID, Decision{Allow: allow})
				}
			case 4:
				if len(all) > 0 {
					all[int(n)%len(all)].h.Cancel(false)
				}
			}
			look()
			d.later(time.Duration(n) * 20 * time.Millisecond)
			look()
		}
		d.later(policy.AskCap(timeout))
		look()
		if d.Waiting() != 0 || len(d.held) != 0 {
			t.Fatalf("%d rows wait, %d are held", d.Waiting(), len(d.held))
		}
	})
}
