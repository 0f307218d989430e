package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestMeasureScreen runs every measurement once, short. How fast it is, no test can say
// on a busy machine; what it counts is judged: as many frames as there may be, and no
// more allocations than a frame may make.
func TestMeasureScreen(t *testing.T) {
	t.Parallel() // it waits
	p := newPerson(t)
	p.environ = append(p.environ, "TMPDIR="+p.home)
	res := p.patient("measure", "screen", "--json", "--seconds", "1", "--keys", "4", "--rate", "2000", "--earlier", "3000")
	if res.code != 0 {
		t.Fatal(res.code, res.errors)
	}
	var outcome screenOutcome
	if err := json.Unmarshal([]byte(res.out), &outcome); err != nil {
		t.Fatal(err, res.out)
	}
	found := map[string]float64{}
	for _, r := range outcome.Results {
		found[r.Work] = r.Value
	}
	for _, work := range []string{
		"draw, the slowest view, all lists full", "allocations of it, the most of any view", "filter over 100,000 lines, text", "filter over 100,000 lines, since:", "filter over 10,000 denials, and its frame",
		"at rest, of one processor", "at rest, bytes a second", "events a second that were published",
		"under events, Logs, of one processor", "under events, Logs, frames a second", "under events, Logs, bytes of a frame",
		"under events, Denials, of one processor", "under events, Overview, of one processor",
		"they took", "a held request to its frame, under events, p50", "a held request to its frame, under events, p99",
		"key to frame, under events, p50", "key to frame, under events, p99", "a filter's key to frame, under events, p50",
		"9,600 baud, key to frame, the most", "9,600 baud, of one processor",
	} {
		value, there := found[work]
		still := strings.HasPrefix(work, "at rest, ") // a screen may draw nothing in a second, and take less than the 10 ms that are counted
		if !there || value < 0 || value == 0 && !still {
			t.Errorf("nothing of %s", work)
		}
	}
	if n := found["allocations of it, the most of any view"]; n > 60 {
		t.Errorf("%v allocations a frame", n)
	}
	if n := found["events that came before those that are measured"]; n < 3000 || outcome.Sizes.Earlier != 3000 {
		t.Errorf("%v events came before, of %+v", n, outcome.Sizes)
	}
	if left, err := filepath.Glob(filepath.Join(p.home, "openclaw-measure-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
