package sandbox

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Everything that was added is told: in order, merged only past the bound, and
// with exact counts.
func TestReporterCounts(t *testing.T) {
	blocked := make(chan struct{})
	var told []Denial
	r := newReporter(func(d Denial) {
		<-blocked
		told = append(told, d)
	}, time.Now, lookWindow)
	const targets, rounds = 3000, 4
	var adding sync.WaitGroup
	for i := range rounds {
		adding.Go(func() {
			for j := range targets {
				r.add(Denial{PID: i + 1, Operation: "open", Target: fmt.Sprint(j)})
			}
		})
	}
	adding.Wait()
	for range 10 * maxMerged {
		r.add(Denial{Operation: "create", Target: fmt.Sprint(len(told), time.Now().UnixNano())})
	}
	for i := range 10 * maxMerged { // a refusal of the network's quotes the name that a program sent
		r.add(Denial{Operation: "connect", Target: "good.example:80", Rule: fmt.Sprintf("HTTP host evil%d.example is not good.example", i)})
	}
	r.mu.Lock()
	length := len(r.queue)
	r.mu.Unlock()
	if length > maxMerged+maxMergedRules+16 {
		t.Errorf("%d entries are queued", length)
	}
	close(blocked)
	r.close()
	counts := map[string]int{}
	for _, d := range told {
		counts[d.Operation] += d.Count
	}
	if counts["open"] != targets*rounds || counts["create"] != 10*maxMerged || counts["connect"] != 10*maxMerged {
		t.Errorf("told %v, of %d opens, and of %d creates and connects", counts, targets*rounds, 10*maxMerged)
	}
}

// A look and what follows it are one refusal; the same look twice is two.
func TestReporterLooks(t *testing.T) {
	at := time.Unix(1000, 0)
	var told []string
	r := newReporter(func(d Denial) { told = append(told, fmt.Sprintf("%d %s %s", d.PID, d.Operation, d.Target)) }, func() time.Time { return at }, lookWindow)
	for _, d := range []Denial{
		{PID: 1, Operation: "stat", Target: "/a"},
		{PID: 2, Operation: "stat", Target: "/a"},
		{PID: 1, Operation: "open", Target: "/a"},
		{PID: 1, Operation: "access", Target: "/b"},
		{PID: 1, Operation: "stat", Target: "/b"},
		{PID: 2, Operation: "open", Target: "/b"},
		{PID: 3, Operation: "open", Target: "/c"},
		{PID: 3, Operation: "open", Target: "/c"},
		{PID: 4, Operation: "execve", Target: "/d"},
		{PID: 4, Operation: "execve", Target: "/d"},
	} {
		r.add(d)
	}
	r.close()
	want := []string{"1 open /a", "2 stat /a", "1 access /b", "2 open /b", "3 open /c", "3 open /c", "4 execve /d"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// A look that is repeated is one refusal with its count, and so is what it was a look
// for.
func TestReporterCountsLooks(t *testing.T) {
	at := time.Unix(1000, 0)
	var told []string
	r := newReporter(func(d Denial) { told = append(told, fmt.Sprintf("%s %s %d", d.Operation, d.Target, d.Count)) }, func() time.Time { return at }, lookWindow)
	for range 5 {
		r.add(Denial{PID: 1, Operation: "stat", Target: "/a"})
		r.add(Denial{PID: 1, Operation: "access", Target: "/b", Count: 3})
	}
	r.add(Denial{PID: 1, Operation: "open", Target: "/b"})
	r.close()
	if want := []string{"stat /a 5", "open /b 15"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// The first refusal is told at once. What follows it gathers for a while and is told
// together, so that a program that is refused often does not pay for a wake-up each
// time; the end does not wait for it.
func TestReporterGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		r := newReporter(func(Denial) { at = append(at, time.Since(began)) }, time.Now, lookWindow)
		add := func() { r.add(Denial{PID: 1, Operation: "open", Target: "/a"}) }
		add()
		synctest.Wait()
		for range 4 {
			time.Sleep(time.Millisecond)
			add()
			synctest.Wait()
		}
		time.Sleep(rest)
		synctest.Wait()
		add()
		r.close()
		want := []time.Duration{0, rest, rest, rest, rest, 4*time.Millisecond + rest}
		if !slices.Equal(at, want) {
			t.Errorf("told at %v, want %v", at, want)
		}
	})
}
