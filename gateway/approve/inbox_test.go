package approve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// desk is an inbox with a clock, an audit log and a bus that a test can look
// at.
type desk struct {
	*Inbox
	t *testing.T

	mu      sync.Mutex
	now     time.Time
	dead    map[string]bool
	records []Record
	broken  error
	full    int    // after so many records the disk is full; 0: never
	during  func() // is called once, while an answer is being recorded
	events  []event.Ask
	order   []string // what happened
}

func newDesk(t *testing.T, rules Rules) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), dead: map[string]bool{}}
	d.Inbox = New(Options{
		Audit: func(_ context.Context, r Record) error {
			d.mu.Lock()
			during := d.during
			d.during = nil
			d.mu.Unlock()
			if during != nil {
				during()
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.broken != nil {
				return d.broken
			}
			if d.full > 0 && len(d.records) >= d.full {
				return errors.New("disk full")
			}
			d.records = append(d.records, r)
			d.order = append(d.order, "audit "+r.Action)
			return nil
		},
		Publish: func(e event.Event) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if e.Kind == event.KindClock {
				return
			}
			d.events = append(d.events, *e.Ask)
			d.order = append(d.order, "event "+e.Ask.State)
		},
		Rules: rules,
		Lives: func(run string) bool { d.mu.Lock(); defer d.mu.Unlock(); return !d.dead[run] },
		Mask:  func(text string) string { return strings.ReplaceAll(text, "sk-secret", "••••") },
		Now:   func() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now },
	})
	return d
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	d.now = d.now.Add(by)
	d.mu.Unlock()
	d.Expire(d.t.Context())
}

func (d *desk) breakAudit(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = err
}

func request(target string) Request {
	return Request{Agent: "coder", Run: "r1", PID: 7, Program: "/usr/bin/cat", Class: policy.ClassPathRead, Operation: "open", Target: target, Rule: "not in allowed_paths", Home: "/home/u"}
}

func netRequest(target string) Request {
	r := request(target)
	r.Class, r.Operation, r.Rule = policy.ClassNet, "connect", "not in allowed_domains"
	return r
}

// verdict is the answer that is there already; it fails when there is none.
func verdict(t *testing.T, h *Held) Verdict {
	t.Helper()
	select {
	case v := <-h.verdict:
		return v
	default:
		t.Fatal("no verdict")
		return Verdict{}
	}
}

func waits(t *testing.T, h *Held) {
	t.Helper()
	select {
	case v := <-h.verdict:
		t.Fatalf("it does not wait: %+v", v)
	default:
	}
}

func (d *desk) decide(id string, decision Decision) event.Ask {
	d.t.Helper()
	row, resolved, err := d.Decide(d.t.Context(), id, decision)
	if err != nil || !resolved {
		d.t.Fatalf("resolved %v: %v", resolved, err)
	}
	return row
}

// refused checks that an answer is not taken, and why.
func (d *desk) refused(id string, decision Decision, kind Kind, words string) {
	d.t.Helper()
	_, resolved, err := d.Decide(d.t.Context(), id, decision)
	own, ok := errors.AsType[*Error](err)
	if resolved || !ok || own.Kind != kind || !strings.Contains(err.Error(), words) {
		d.t.Errorf("%+v: resolved %v, %v", decision, resolved, err)
	}
}

func TestAnAnswerReachesWhoAsked(t *testing.T) {
	for name, test := range map[string]struct {
		decision Decision
		want     Verdict
		state    string
	}{
		"allow":            {Decision{Allow: true, By: "cli"}, Verdict{Allow: true, Seen: 1}, event.AskAllowed},
		"deny":             {Decision{}, Verdict{Reason: "ask: denied by you"}, event.AskDenied},
		"deny with a note": {Decision{Note: "not\ntoday"}, Verdict{Reason: "ask: denied by you: not today"}, event.AskDenied},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			h := d.Submit(request("/srv/a"))
			waits(t, h)
			row := d.decide(h.ID, test.decision)
			test.want.ID = h.ID
			if v := verdict(t, h); v != test.want {
				t.Errorf("verdict %+v", v)
			}
			if row.State != test.state || row.By != test.decision.By || row.Note != test.decision.Note || row.Waiting != 0 {
				t.Errorf("row %+v", row)
			}
			if _, resolved, err := d.Decide(t.Context(), h.ID, Decision{Allow: true}); resolved || err != nil {
				t.Errorf("a second answer counts: %v %v", resolved, err)
			}
			if len(d.records) != 1 || !slices.Equal(d.order, []string{"event waiting", "audit " + strings.Fields(name)[0], "event " + test.state}) {
				t.Errorf("order %q", d.order)
			}
		})
	}
}

// What was not written to the audit log was not allowed.
func TestAnAnswerThatCannotBeRecordedDenies(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	d.breakAudit(errors.New("disk full"))
	d.refused(h.ID, Decision{Allow: true, Scope: Run}, KindFailed, "disk full")
	if v := verdict(t, h); v.Allow || v.Reason != ReasonNotRecorded {
		t.Errorf("verdict %+v", v)
	}
	d.breakAudit(nil)
	waits(t, d.Submit(request("/srv/a")))
}

// Nobody answers: denied at the deadline of the agent's own policy, not before.
func TestNoAnswerDenies(t *testing.T) {
	d := newDesk(t, nil)
	first := request("/srv/a")
	first.Timeout = 90 * time.Second
	h, other := d.Submit(first), d.Submit(request("/srv/b"))
	d.later(60*time.Second - time.Millisecond)
	waits(t, other)
	d.later(time.Millisecond)
	if v := verdict(t, other); v.Allow || v.Reason != "ask: no answer in 60s" {
		t.Errorf("verdict %+v", v)
	}
	waits(t, h)
	d.later(30 * time.Second)
	if v := verdict(t, h); v.Reason != "ask: no answer in 90s" {
		t.Errorf("verdict %+v", v)
	}
	if states := d.List("coder"); len(states) != 2 || states[0].State != event.AskMissed || states[0].Target != "/srv/b" {
		t.Errorf("%+v", states)
	}
	if len(d.records) != 2 || d.records[0].Action != "miss" {
		t.Errorf("records %+v", d.records)
	}
	d.refused(h.ID, Decision{Allow: true}, KindOver, "nobody waits")
}

// Run itself looks at the deadlines, and its end denies what waits.
func TestRunDeniesInTimeAndAtItsEnd(t *testing.T) {
	i := New(Options{Audit: func(context.Context, Record) error { return nil }, Publish: func(event.Event) {}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	r := request("/srv/a")
	r.Timeout = 20 * time.Millisecond
	if v := i.Ask(t.Context(), r); v.Allow || v.Reason != "ask: no answer in 20ms" {
		t.Errorf("verdict %+v", v)
	}
	h := i.Submit(request("/srv/b"))
	cancel()
	if v := h.Wait(t.Context()); v.Allow {
		t.Errorf("verdict %+v", v)
	}
	if err := <-ended; err != nil || i.Waiting() != 0 {
		t.Errorf("%v, %d wait", err, i.Waiting())
	}
}

func TestWhoIsGoneDoesNotWait(t *testing.T) {
	d := newDesk(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan Verdict, 1)
	h := d.Submit(request("/srv/a"))
	go func() { answered <- h.Wait(ctx) }()
	cancel()
	if v := <-answered; v.Allow || v.Reason != ReasonGone {
		t.Errorf("verdict %+v", v)
	}
	late := d.Submit(request("/srv/b"))
	late.Cancel(true)
	late.Cancel(false)
	if v := verdict(t, late); v.Reason != "ask: no answer in 60s" {
		t.Errorf("verdict %+v", v)
	}
	ofRun, other := d.Submit(request("/srv/c")), request("/srv/d")
	other.Run = "r2"
	stays := d.Submit(other)
	d.EndRun("r1")
	if v := verdict(t, ofRun); v.Allow {
		t.Errorf("verdict %+v", v)
	}
	waits(t, stays)
	states := []string{}
	for _, row := range d.List("") {
		states = append(states, row.Target+" "+row.State)
	}
	if !slices.Equal(states, []string{"/srv/d waiting", "/srv/a gone", "/srv/b missed", "/srv/c gone"}) {
		t.Errorf("%q", states)
	}
}

// Alike asks are one row, count once against the limit, and get one answer.
func TestAlikeAsksAreOneRow(t *testing.T) {
	d := newDesk(t, nil)
	var held []*Held
	for range 50 {
		held = append(held, d.Submit(request("/srv/a")))
	}
	rows := d.List("")
	if len(rows) != 1 || rows[0].Count != 50 || rows[0].Waiting != 50 {
		t.Fatalf("%+v", rows)
	}
	held[3].Cancel(false)
	if row := d.List("")[0]; row.Waiting != 49 || row.State != event.AskWaiting {
		t.Errorf("%+v", row)
	}
	d.decide(rows[0].ID, Decision{Allow: true})
	for n, h := range held {
		if v := verdict(t, h); v.Allow != (n != 3) {
			t.Errorf("%d: %+v", n, v)
		}
	}
	different := request("/srv/a")
	different.Operation = "stat"
	waits(t, d.Submit(different))
	another := request("/srv/b")
	first := d.Submit(another)
	another.Program = "/tmp/another"
	if second := d.Submit(another); second.ID == first.ID {
		t.Error("two programs are one row, which names one of them")
	}
}

// A yes for once is to what waited when it was given: of what comes while it is being
// recorded, and of alike requests that are counted only then, nobody has seen a word.
func TestAYesForOnceIsToWhatWaitedThen(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	h.Alike(3, 3)
	var late *Held
	d.during = func() {
		h.Alike(5, 5)
		r := request("/srv/a")
		r.Run = "another"
		late = d.Submit(r)
	}
	d.decide(h.ID, Decision{Allow: true})
	if v := verdict(t, h); v != (Verdict{ID: h.ID, Allow: true, Seen: 3}) {
		t.Errorf("verdict %+v", v)
	}
	if late.ID == h.ID {
		t.Error("what came later is of the same row")
	}
	waits(t, late)
	d.decide(late.ID, Decision{Allow: true, Scope: Run})
	if v := verdict(t, late); v != (Verdict{ID: late.ID, Allow: true}) {
		t.Errorf("for the run: %+v", v)
	}
}

// A row speaks of one process that waits, the newest: its number, its words and
// its run are one request's, also when others have gone.
func TestARowSpeaksOfOneThatWaits(t *testing.T) {
	d := newDesk(t, nil)
	var held []*Held
	for n := range 3 {
		r := request("/srv/a")
		r.Run, r.PID = fmt.Sprintf("r%d", n), 10+n
		r.CommandLine = fmt.Sprintf("p%d sk-secret", n)
		held = append(held, d.Submit(r))
	}
	of := func(n int) {
		t.Helper()
		row := d.List("")[0]
		got := fmt.Sprintf("%s %d %s", row.Run, row.PID, row.CommandLine)
		if want := fmt.Sprintf("r%d %d p%d ••••", n, 10+n, n); got != want {
			t.Errorf("it speaks of %q, want %q", got, want)
		}
	}
	of(2)
	held[0].Cancel(false)
	of(2)
	held[2].Cancel(false)
	of(1)
	held[1].Cancel(false)
	of(1) // it is over, and what it was about stays
}

func TestTwentyInAMinute(t *testing.T) {
	d := newDesk(t, nil)
	for n := range 100 {
		h := d.Submit(request(fmt.Sprint("/srv/", n)))
		if n < maxMinute {
			waits(t, h)
		} else if v := verdict(t, h); v.Allow || v.Reason != ReasonLimited {
			t.Fatalf("%d: %+v", n, v)
		}
	}
	other := request("/srv/x")
	other.Agent = "reviewer"
	waits(t, d.Submit(other)) // it has its own twenty
	limited := func() (rows []event.Ask) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, row := range d.events {
			if row.State == event.AskLimited {
				rows = append(rows, row)
			}
		}
		return rows
	}
	if rows := limited(); len(rows) != 1 || rows[0].Agent != "coder" {
		t.Fatalf("%+v", rows)
	}
	d.later(61 * time.Second)
	if rows := limited(); len(rows) != 2 || rows[1].ID != rows[0].ID || rows[1].Count != 80 {
		t.Errorf("%+v", rows)
	}
	waits(t, d.Submit(request("/srv/100")))
	d.refused(limited()[0].ID, Decision{Allow: true, Scope: Run}, KindNotFound, "no such ask")
	d.later(2 * time.Minute)
	if len(d.minutes) != 0 {
		t.Error("an agent that asks nothing is remembered")
	}
}

// Memory is bounded whatever the agents do.
func TestBounds(t *testing.T) {
	d := newDesk(t, nil)
	for n := range maxHeld + 10 {
		r := request(fmt.Sprint("/srv/", n%20))
		r.Agent = fmt.Sprint("agent", n/20)
		h := d.Submit(r)
		if n < maxHeld {
			waits(t, h)
		} else if v := verdict(t, h); v.Reason != ReasonTooMany {
			t.Fatalf("%d: %+v", n, v)
		}
	}
	for range 3 {
		d.later(2 * time.Minute)
		for n := range maxHeld {
			r := request(fmt.Sprint("/srv/", n%20))
			r.Agent = fmt.Sprint("agent", n/20)
			d.Submit(r)
		}
	}
	d.later(2 * time.Minute)
	if len(d.ended) != maxEnded || len(d.byID) != maxEnded || len(d.held) != 0 || len(d.waiting) != 0 || len(d.minutes) != 0 {
		t.Errorf("%d ended, %d known, %d held, %d wait, %d minutes", len(d.ended), len(d.byID), len(d.held), len(d.waiting), len(d.minutes))
	}
}

// One agent that asks for as long as it may, while nobody answers, keeps no other one
// from asking.
func TestOneAgentLeavesOthersTheInbox(t *testing.T) {
	d := newDesk(t, nil)
	refused := 0
	for n := range maxHeld + maxMinute { // 20 a minute
		if n%maxMinute == 0 {
			d.later(minute)
		}
		r := request(fmt.Sprint("/srv/", n))
		r.Timeout = time.Hour
		if v, answered := d.Submit(r).Answered(); answered && v.Reason == ReasonTooMany {
			refused++
		}
	}
	if want := maxHeld + maxMinute - maxHeldOne; refused != want {
		t.Errorf("%d are refused, want %d", refused, want)
	}
	other := request("/srv/other")
	other.Agent = "another"
	waits(t, d.Submit(other))
}

// An answer for the run covers what it says, in that run, until its end.
func TestGrantsOfARun(t *testing.T) {
	write, exec := request("/srv/a/b"), request("/srv/a/b")
	write.Class, exec.Class = policy.ClassPathWrite, policy.ClassExec
	beside := request("/srv/a/c")
	beside.Class = policy.ClassExec
	folder := request("/srv/a")
	folder.Operation = "opendir"
	for name, test := range map[string]struct {
		asked Request
		match Match
		yes   []Request
		no    []Request
	}{
		"exact":                {request("/srv/a/b"), Exact, []Request{request("/srv/a/b")}, []Request{request("/srv/a"), request("/srv/a/b/c"), write, exec}},
		"write":                {write, Exact, []Request{write, request("/srv/a/b")}, []Request{exec, request("/srv/a/bc")}},
		"exec":                 {exec, Exact, []Request{exec, request("/srv/a/b")}, []Request{write}},
		"programs of a folder": {exec, Folder, []Request{exec, beside}, []Request{write, request("/srv/a/c"), request("/srv/a/b")}},
		"folder": {request("/srv/a/b"), Folder, []Request{request("/srv/a/b/c"), request("/srv/a"), request("/srv/a/x")},
			[]Request{request("/srv/ab"), request("/srv"), write}},
		"opened folder": {folder, Folder, []Request{request("/srv/a/b")}, []Request{request("/srv/b")}},
		"host port":     {netRequest("a.example:443"), Exact, []Request{netRequest("a.example:443")}, []Request{netRequest("a.example:80"), netRequest("b.a.example:443")}},
		"host":          {netRequest("a.example:443"), Host, []Request{netRequest("a.example:80")}, []Request{netRequest("b.a.example:443"), request("a.example")}},
		"address":       {netRequest("[2001:db8::1]:443"), Host, []Request{netRequest("[2001:db8::1]:80")}, []Request{netRequest("[2001:db8::2]:443")}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			h := d.Submit(test.asked)
			d.decide(h.ID, Decision{Allow: true, Scope: Run, Match: test.match})
			for _, r := range test.yes {
				if v := verdict(t, d.Submit(r)); !v.Allow || v.ID != h.ID {
					t.Errorf("%s %s: %+v", r.Class, r.Target, v)
				}
				r.Run = "r2"
				waits(t, d.Submit(r))
			}
			for _, r := range test.no {
				waits(t, d.Submit(r))
			}
			d.EndRun("r1")
			waits(t, d.Submit(test.asked))
			if len(d.grants) != 0 {
				t.Error("a grant outlives its run")
			}
		})
	}
}

// A run that ends while its answer is being recorded leaves no grant behind.
func TestAGrantOfARunThatIsGone(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	d.mu.Lock()
	d.dead["r1"] = true
	d.mu.Unlock()
	d.decide(h.ID, Decision{Allow: true, Scope: Run})
	if len(d.grants) != 0 {
		t.Error("a grant outlives its run")
	}
	missed := d.Submit(request("/srv/b"))
	d.later(time.Minute)
	d.refused(missed.ID, Decision{Allow: true, Scope: Run}, KindOver, "its run is over")
}

func TestAnswersThatDoNotFit(t *testing.T) {
	d := newDesk(t, nil)
	never := request("/srv/a")
	never.NeverAlways = []policy.Class{policy.ClassPathRead}
	exec, home, broken := request("/srv/x"), request("/home/u/x"), request("/srv/\uFFFD")
	exec.Class = policy.ClassExec
	ids := map[string]string{}
	for name, r := range map[string]Request{"never": never, "exec": exec, "net": netRequest("a.example:1"), "path": request("/srv/b"), "home": home, "broken": broken} {
		ids[name] = d.Submit(r).ID
	}
	for _, test := range []struct {
		id       string
		decision Decision
		kind     Kind
		words    string
	}{
		{"nope", Decision{Allow: true}, KindNotFound, "no such ask"},
		{ids["path"], Decision{Allow: true, Scope: "forever"}, KindInvalid, "scope"},
		{ids["path"], Decision{Allow: true, Scope: Run, Match: "tree"}, KindInvalid, "match"},
		{ids["path"], Decision{Allow: true, Match: Folder}, KindInvalid, "this call alone"},
		{ids["path"], Decision{Scope: Always}, KindInvalid, "holds once"},
		{ids["path"], Decision{Note: strings.Repeat("x", 501)}, KindInvalid, "note"},
		{ids["path"], Decision{Allow: true, Scope: Run, Match: Host}, KindInvalid, "host does not fit"},
		{ids["net"], Decision{Allow: true, Scope: Run, Match: Folder}, KindInvalid, "folder does not fit"},
		{ids["home"], Decision{Allow: true, Scope: Run, Match: Folder}, KindInvalid, "folder does not fit"},
		{ids["never"], Decision{Allow: true, Scope: Always}, KindRefused, "never_always"},
		{ids["exec"], Decision{Allow: true, Scope: Always}, KindRefused, "no list of allowed programs"},
		{ids["broken"], Decision{Allow: true, Scope: Always}, KindRefused, "UTF-8"},
	} {
		d.refused(test.id, test.decision, test.kind, test.words)
	}
	if d.Waiting() != 6 || len(d.records) != 0 {
		t.Errorf("%d wait, %d were recorded", d.Waiting(), len(d.records))
	}
}

// While one answer is being recorded a second one counts for nothing, whatever it
// says, and is on no record.
func TestASecondAnswerWhileTheFirstIsRecorded(t *testing.T) {
	for _, first := range []bool{true, false} {
		d := newDesk(t, nil)
		h := d.Submit(request("/srv/a"))
		d.during = func() {
			if _, resolved, err := d.Decide(t.Context(), h.ID, Decision{Allow: !first}); resolved || err != nil {
				t.Errorf("the second: resolved %v, %v", resolved, err)
			}
			waits(t, h)
		}
		d.decide(h.ID, Decision{Allow: first})
		if v := verdict(t, h); v.Allow != first || len(d.records) != 1 {
			t.Errorf("verdict %+v, records %+v", v, d.records)
		}
	}
}

// A program that is killed while the answer is being recorded leaves a row that says
// so: who answered is not told that something was allowed.
func TestTheProgramIsGoneWhileItsAnswerIsRecorded(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/a"))
	d.during = func() { h.Cancel(false) }
	d.refused(h.ID, Decision{Allow: true}, KindOver, "nobody waits")
	if v := verdict(t, h); v.Allow || v.Reason != ReasonGone {
		t.Errorf("verdict %+v", v)
	}
	if rows := d.List(""); len(rows) != 1 || rows[0].State != event.AskGone || d.Waiting() != 0 {
		t.Errorf("%+v", rows)
	}
	late := d.Submit(request("/srv/b"))
	d.during = func() { d.later(time.Minute) } // its deadline passes
	d.refused(late.ID, Decision{Allow: true}, KindOver, "nobody waits")
	if v := verdict(t, late); v.Allow {
		t.Errorf("verdict %+v", v)
	}
}

// What is granted to one run is bounded: an answer past it holds once and says so.
func TestGrantsAreBounded(t *testing.T) {
	d := newDesk(t, nil)
	for n := range maxGrants + 1 {
		if n%maxMinute == 0 {
			d.later(2 * time.Minute)
		}
		h := d.Submit(request(fmt.Sprint("/srv/", n)))
		row := d.decide(h.ID, Decision{Allow: true, Scope: Run})
		if v := verdict(t, h); !v.Allow || (row.Problem != "") != (n == maxGrants) {
			t.Fatalf("%d: %+v, problem %q", n, v, row.Problem)
		}
	}
	if len(d.grants["r1"]) != maxGrants {
		t.Errorf("%d grants", len(d.grants["r1"]))
	}
	d.later(2 * time.Minute)
	waits(t, d.Submit(request(fmt.Sprint("/srv/", maxGrants))))
}

// Many answer at once: one counts, and everybody who waits hears the same.
func TestTwoAnswersAtOnce(t *testing.T) {
	d := newDesk(t, nil)
	for n := range 50 {
		if n%20 == 19 {
			d.later(2 * time.Minute)
		}
		h, alike := d.Submit(request(fmt.Sprint("/srv/", n))), d.Submit(request(fmt.Sprint("/srv/", n)))
		var group sync.WaitGroup
		counts := make(chan bool, 8)
		for k := range 8 {
			group.Go(func() {
				_, resolved, err := d.Decide(t.Context(), h.ID, Decision{Allow: k%2 == 0, By: fmt.Sprint(k)})
				if err != nil {
					t.Error(err)
				}
				if resolved {
					counts <- k%2 == 0
				}
			})
		}
		group.Wait()
		if len(counts) != 1 {
			t.Fatalf("%d answers count", len(counts))
		}
		if allow := <-counts; verdict(t, h).Allow != allow || verdict(t, alike).Allow != allow {
			t.Error("somebody heard another answer")
		}
	}
}

// Asks, answers, ends and deadlines all at once: nobody is left waiting, and
// nothing is counted twice.
func TestEverythingAtOnce(t *testing.T) {
	d := newDesk(t, nil)
	var asking, acting sync.WaitGroup
	for n := range 200 {
		asking.Go(func() {
			r := request(fmt.Sprint("/srv/", n%7))
			r.Agent, r.Run = fmt.Sprint("agent", n%30), fmt.Sprint("r", n%5)
			ctx, cancel := context.WithCancel(t.Context())
			if n%3 == 0 {
				cancel()
			}
			d.Ask(ctx, r)
			cancel()
		})
	}
	stop := make(chan struct{})
	for k := range 4 {
		acting.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, row := range d.List("") {
					if row.State == event.AskWaiting {
						_, _, _ = d.Decide(t.Context(), row.ID, Decision{Allow: k == 0, Scope: []Scope{Once, Run}[k%2*(1-min(k, 1))]})
					}
				}
				d.EndRun("r4")
				d.later(time.Second)
			}
		})
	}
	asking.Wait()
	close(stop)
	acting.Wait()
	if len(d.held) != 0 || len(d.waiting) != 0 {
		t.Errorf("%d are held, %d rows wait", len(d.held), len(d.waiting))
	}
}

// What an agent calls its files is not shown where it holds a secret, and
// events end with the last word.
func TestWordsAreMaskedAndEventsInOrder(t *testing.T) {
	d := newDesk(t, nil)
	r := request("/srv/sk-secret")
	r.CommandLine, r.Rule = "cat sk-secret", "denied_paths: /srv/sk-secret"
	h := d.Submit(r)
	d.decide(h.ID, Decision{Note: "it was sk-secret"})
	for _, row := range d.events {
		if strings.Contains(fmt.Sprintf("%+v", row), "sk-secret") {
			t.Errorf("%+v", row)
		}
	}
	if last := d.events[len(d.events)-1]; last.State != event.AskDenied {
		t.Errorf("the last event says %s", last.State)
	}
	if d.records[0].Request.Target != "/srv/sk-secret" {
		t.Error("the record is about another target")
	}
	d.Submit(netRequest("a.sk-secret.example:443"))
	row := d.List("coder")[0]
	if row.Target != "a.••••.example:443" || strings.Contains(fmt.Sprintf("%+v", row), "sk-secret") || !slices.Contains(row.Matches, string(Exact)) {
		t.Errorf("a host's name: %+v", row)
	}
}

// The row, and the record of the answer, count what each cage says that it holds; a number
// that comes late changes nothing.
func TestARowCountsTheRequestsOfEachCage(t *testing.T) {
	d := newDesk(t, nil)
	one, two := d.Submit(request("/srv/x")), d.Submit(request("/srv/x"))
	one.Alike(14, 12)
	two.Alike(3, 0)  // it stands for itself at least
	one.Alike(13, 2) // out of order: what was seen was seen
	if row := d.List("")[0]; row.Count != 17 || row.Waiting != 3 {
		t.Errorf("seen %d, %d wait", row.Count, row.Waiting)
	}
	d.decide(one.ID, Decision{Allow: true})
	one.Alike(99, 99)
	if row := d.List("")[0]; row.Count != 17 || row.Waiting != 0 {
		t.Errorf("when it is answered: seen %d, %d wait", row.Count, row.Waiting)
	}
	if last := d.records[len(d.records)-1]; last.Held != 3 {
		t.Errorf("on record as held: %d", last.Held)
	}
}
