package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMeasureCage runs every measurement once, small: each gives a number for
// bare and for the cage, what is missing is named with its cure, and nothing is
// left behind. How fast it is, no test can say on a busy machine.
func TestMeasureCage(t *testing.T) {
	requireCage(t)
	p := newPerson(t)
	res := p.openclaw("measure", "cage", "--runs", "1", "--scale", "0.01", "--json", "--node-modules", filepath.Join(p.home, "nowhere"),
		"--contestant", "bare", "--contestant", "openclaw", "--contestant", "cage alone")
	if res.code != 0 {
		t.Fatal(res.code, res.errors)
	}
	var outcome cageOutcome
	if err := json.Unmarshal([]byte(res.out), &outcome); err != nil {
		t.Fatal(err, res.out)
	}
	for _, c := range outcome.Contestants {
		switch c.Name {
		case "sandbox-runtime":
			if !strings.Contains(c.Missing, "npm install @anthropic-ai/sandbox-runtime") {
				t.Errorf("%s: %q", c.Name, c.Missing)
			}
		case bare, own, ownInner:
			if c.Missing != "" {
				t.Errorf("%s: %q", c.Name, c.Missing)
			}
		default:
			if c.Missing == "" {
				t.Errorf("%s takes part", c.Name)
			}
		}
	}
	got := map[string]map[string]cageResult{}
	for _, r := range outcome.Results {
		if r.Failed != "" || r.Median <= 0 || r.Best <= 0 || r.Unit == "" {
			t.Errorf("%+v", r)
		}
		if got[r.Work] == nil {
			got[r.Work] = map[string]cageResult{}
		}
		got[r.Work][r.Contestant] = r
	}
	for work, with := range map[string][]string{
		"true":                              {bare, own, ownInner},
		"git status, 50 files":              {bare, own, ownInner},
		"true, from a running cage":         {bare, own, ownInner},
		"git status, from a running cage":   {bare, own, ownInner},
		"find and cat, 200 files":           {bare, own, ownInner},
		"allowed open":                      {bare, own, ownInner},
		"file made, marked, moved, removed": {bare, own, ownInner},
		"refused open, denied path":         {own, ownInner},
		"refused open, not allowed":         {own, ownInner},
		"download over loopback":            {bare, own, ownInner},
		"memory, first process":             {own},
	} {
		for _, name := range with {
			r, ok := got[work][name]
			switch {
			case !ok:
				t.Errorf("%s: nothing of %s", work, name)
			case name != bare && work != "true, from a running cage" && work != "file made, marked, moved, removed" && (r.Goal == "" || r.Met == nil):
				t.Errorf("%s: no goal for %s", work, name)
			case name != bare && got[work][bare].Median > 0 && r.Ratio <= 0:
				t.Errorf("%s: %s is not compared with bare", work, name)
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(p.home, "openclaw-measure-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(p.home, ".openclaw")); err == nil {
		t.Error("the person's own state folder was touched")
	}
}
