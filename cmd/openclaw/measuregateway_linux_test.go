package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestMeasureGateway runs every measurement once, small. How fast it is, no test can
// say on a busy machine; what it counts is judged: no stream is cut short, and a soak
// of requests and of sockets leaves no goroutine and no descriptor behind.
func TestMeasureGateway(t *testing.T) {
	t.Parallel() // it waits
	p := newPerson(t)
	p.environ = append(p.environ, "TMPDIR="+p.home)
	res := p.patient("measure", "gateway", "--json", "--rounds", "1", "--single", "20", "--together", "200", "--streams", "200", "--paced", "2",
		"--calls", "640", "--sockets", "300", "--socket-rounds", "2", "--soak", "1500", "--edits", "3")
	if res.code != 0 {
		t.Fatal(res.code, res.errors)
	}
	var outcome gatewayOutcome
	if err := json.Unmarshal([]byte(res.out), &outcome); err != nil {
		t.Fatal(err, res.out)
	}
	required(t, len(outcome.Missing) == 0, strings.Join(outcome.Missing, "; "))
	found := map[string]float64{}
	for _, r := range outcome.Results {
		found[r.Work+" of "+r.Of] = r.Value
	}
	for _, work := range []string{
		"one at a time, p50 of direct", "one at a time, added p50 of openclaw", "one at a time, added p50 of go proxy", "one at a time, added p50 of nginx",
		"64 at a time of direct", "64 at a time of openclaw", "64 at a time of nginx", "CPU of a request of go proxy", "CPU of a paced event of openclaw", "one at a time, added, to the go proxy's of openclaw", "CPU of a request, to the go proxy's of openclaw", "CPU of a paced event, to the go proxy's of openclaw",
		"health over a socket, p50 of openclaw", "health, 32 in flight of openclaw", "start to ready of openclaw", "resident, idle of openclaw",
		"an idle socket, of 300 of openclaw", "config edit to applied, p50 of openclaw",
	} {
		if _, is := found[work]; !is {
			t.Errorf("nothing of %s", work)
		}
	}
	if n := found["streams cut short of 200 of openclaw"]; n != 0 {
		t.Errorf("%v streams were cut short", n)
	}
	// Connections to the provider are kept, and the asking one is among them.
	const few = 80 // 64 were at work at a time; a leak of one a request would be 1,500
	for _, what := range []string{"goroutines", "descriptors"} {
		if n, is := found["after 1500 requests, more "+what+" of openclaw"]; !is || n > few {
			t.Errorf("%v more %s after the soak", n, what)
		}
		if n, is := found["after 300 sockets twice, more "+what+" of openclaw"]; !is || n > few {
			t.Errorf("%v more %s after the sockets", n, what)
		}
	}
	if left, err := filepath.Glob(filepath.Join(p.home, "openclaw-measure-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
