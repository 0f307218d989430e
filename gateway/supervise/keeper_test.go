package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
)

func newKeeper(t *testing.T, folder string) *keeper {
	t.Helper()
	return &keeper{collected: newReports("run"), begin: func() *spool.Writer {
		return spool.NewWriter(folder, spool.Header{Run: "run", Agent: "coder", PID: os.Getpid()}, nil)
	}}
}

// onDisk reads what the next gateway would.
func onDisk(t *testing.T, folder string) (counts map[string]int, numbers map[uint64]int, exit string) {
	t.Helper()
	files, err := spool.Files(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	counts, numbers = map[string]int{}, map[uint64]int{}
	for _, f := range files {
		defer f.Close()
		if _, err := f.Entries(func(e spool.Entry) error {
			if e.Denial != nil {
				counts[e.Denial.Target] += e.Denial.Count
				numbers[e.Row]++
			}
			exit += e.Exit
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return counts, numbers, exit
}

// brokenConn takes a report, perhaps records it, and is gone before it answers.
type brokenConn struct{ taken []wire.RunReportParams }

func (c *brokenConn) Call(_ context.Context, method string, params, _ any) error {
	if p, ok := params.(wire.RunReportParams); ok && method == wire.MethodRunReport {
		c.taken = append(c.taken, p)
	}
	return errors.New("connection reset by peer")
}

func (c *brokenConn) Events() <-chan wire.Event { return nil }
func (c *brokenConn) Close() error              { return nil }

// A report that was on its way when the gateway died is kept under the numbers
// that it was sent with, so that it is not on record twice; and what is refused
// then goes to the disk under numbers of its own.
func TestWhatWasOnItsWayKeepsItsNumbers(t *testing.T) {
	folder := t.TempDir()
	k := newKeeper(t, folder)
	conn := &brokenConn{}
	l := &link{collected: k.collected, keeper: k, said: map[string]bool{}, asks: newAsks("run", nil)}
	l.options.Dial = func(context.Context, bool) (Conn, error) { return nil, errors.New("no gateway runs") }
	l.collected.denied(denial("/a", 2))
	l.collected.denied(denial("/b", 1))
	ctx, stop := context.WithCancel(t.Context())
	if l.serve(ctx, conn) {
		t.Fatal("a broken connection counts as whole")
	}
	if len(conn.taken) != 1 || conn.taken[0].First != 1 || len(conn.taken[0].Denials) != 2 {
		t.Fatalf("sent: %+v", conn.taken)
	}
	reconnected := make(chan Conn, 1)
	go func() { reconnected <- l.reconnect(ctx) }()
	l.collected.denied(denial("/a", 5))
	soon(t, "the disk", func() bool {
		k.collected.mu.Lock()
		defer k.collected.mu.Unlock()
		return len(k.collected.denials) == 0
	})
	stop()
	if <-reconnected != nil {
		t.Fatal("a connection to nobody")
	}
	k.end("exit 0")
	counts, numbers, exit := onDisk(t, folder)
	if counts["/a"] != 7 || counts["/b"] != 1 || exit != "exit 0" {
		t.Errorf("counts %v, exit %q", counts, exit)
	}
	for n := uint64(1); n <= 3; n++ {
		if numbers[n] != 1 {
			t.Errorf("numbers %v", numbers)
		}
	}
}

// Where the disk takes nothing, counts stay in memory, are kept as soon as it
// does, and are told of at the end if it never did.
func TestADiskThatTakesNothing(t *testing.T) {
	folder := t.TempDir()
	k := newKeeper(t, folder)
	begin, broken := k.begin, true
	k.begin = func() *spool.Writer {
		if broken {
			return nil
		}
		return begin()
	}
	k.collected.denied(denial("/a", 2))
	if k.keepAll() {
		t.Fatal("it was kept nowhere")
	}
	k.collected.denied(denial("/a", 3))
	broken = false
	if !k.keepAll() {
		t.Fatal("it was not kept")
	}
	k.collected.denied(denial("/c", 4))
	k.writer, broken = nil, true
	k.end("exit 0")
	if k.lost != 4 || k.problem == nil {
		t.Errorf("%d refusals are said to be lost, because %v", k.lost, k.problem)
	}
}

// A spool that is large already counts a flood instead of naming it, and no
// count is lost by that.
func TestAFloodIsCountedInALargeSpool(t *testing.T) {
	folder := t.TempDir()
	k := newKeeper(t, folder)
	first := uint64(1)
	flood := func(target string) {
		rows := make([]event.Denial, 500)
		for i := range rows {
			rows[i] = event.Denial{Operation: "open", Rule: "r", Target: fmt.Sprint(target, i), Count: 2}
		}
		if !k.append(wire.RunReportParams{Run: "run", First: first, Denials: rows}) {
			t.Fatal(k.problem)
		}
		first += 500
	}
	named := 0
	for ; !k.full(); named++ {
		flood(strings.Repeat("x", 4000))
	}
	flood("/y/")
	flood("/z/")
	k.seal()
	counts, _, _ := onDisk(t, folder)
	sum := 0
	for target, n := range counts {
		sum += n
		if strings.HasPrefix(target, "/y/") || strings.HasPrefix(target, "/z/") {
			t.Fatalf("%s is named", target)
		}
	}
	if counts[moreTargets] != 2000 || sum != 1000*(named+2) {
		t.Errorf("%d counted, %d in all of %d", counts[moreTargets], sum, 1000*(named+2))
	}
}
