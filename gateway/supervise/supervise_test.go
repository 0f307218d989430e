package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// A caged command sees the allow-list of the user's environment and nothing
// else: a secret that the person's shell exported stays outside.
func TestEnvironmentIsAnAllowList(t *testing.T) {
	user := []string{
		"HOME=/home/u", "PATH=/usr/bin", "LC_ALL=C", "ANTHROPIC_API_KEY=sk-ant-real", "SSH_AUTH_SOCK=/run/agent",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus", "EDITOR=vi", "LD_PRELOAD=/tmp/x.so", "=odd", "NOEQUALS",
		"OPENCLAW_GATEWAY_TOKEN=t",
	}
	got := Environment(user, []string{"EDITOR"}, []string{"ANTHROPIC_API_KEY=oca_token", "PATH=/given"})
	want := []string{"TMPDIR=/tmp", "HOME=/home/u", "PATH=/given", "LC_ALL=C", "EDITOR=vi", "ANTHROPIC_API_KEY=oca_token"}
	if !slices.Equal(got, want) {
		t.Errorf("environment\n got %q\nwant %q", got, want)
	}
}

func denial(target string, count int) sandbox.Denial {
	return sandbox.Denial{Time: time.Unix(1, 0), Agent: "coder", Operation: "open", Target: target, Rule: "r", Mechanism: "gate", Count: count}
}

// While the gateway is away no refusal is lost from the count, whatever the
// agent does, and memory stays bounded.
func TestReportsCountExactlyWhileTheGatewayIsAway(t *testing.T) {
	r := newReports("run")
	const targets, each = 3 * maxRows, 3
	for range each {
		for i := range targets {
			r.denied(denial(fmt.Sprint("/t/", i), 1))
		}
	}
	p, any := r.take()
	if !any {
		t.Fatal("nothing to report")
	}
	if len(p.Denials) > maxRows+1 {
		t.Errorf("%d rows wait, more than %d", len(p.Denials), maxRows+1)
	}
	if got := total(p); got != targets*each {
		t.Errorf("counted %d refusals of %d", got, targets*each)
	}
}

// A report that could not be sent comes back whole and keeps the order.
func TestReportsGivenBackAreNotLost(t *testing.T) {
	r := newReports("run")
	r.enforced(func(p *wire.RunReportParams) { p.Policy = "v1" })
	r.denied(denial("/a", 2))
	r.denied(denial("/b", 1))
	p, _ := r.take()
	if _, any := r.take(); any {
		t.Error("a report was taken twice")
	}
	r.denied(denial("/a", 5))
	r.denied(denial("/c", 1))
	r.giveBack(p)
	again, any := r.take()
	if !any || total(again) != 9 || again.Policy != "v1" {
		t.Fatalf("got %d refusals, policy %q", total(again), again.Policy)
	}
	if again.Denials[0].Target != "/b" && again.Denials[0].Target != "/a" {
		t.Errorf("the oldest row is %s", again.Denials[0].Target)
	}
}

// A connection shows its newest state, and its end is never dropped.
func TestReportsKeepTheNewestStateOfAConnection(t *testing.T) {
	r := newReports("run")
	for i := range 2 * maxRows {
		r.connected(sandbox.Connection{ID: fmt.Sprint(i), Opened: time.Unix(1, 0)})
	}
	r.connected(sandbox.Connection{ID: "0", Opened: time.Unix(1, 0), Closed: time.Unix(2, 0), Sent: 7})
	p, _ := r.take()
	if len(p.Connections) > maxRows+1 {
		t.Errorf("%d connections wait", len(p.Connections))
	}
	for _, c := range p.Connections {
		if c.ID == "0" && (c.State != "closed" || c.BytesIn != 7) {
			t.Errorf("connection 0 is %s with %d bytes", c.State, c.BytesIn)
		}
	}
}

func total(p wire.RunReportParams) int {
	sum := 0
	for _, d := range p.Denials {
		sum += d.Count
	}
	return sum
}

// An agent that chooses long names and an argv of control characters, which
// JSON writes six times as long, cannot make a report that the gateway refuses.
func TestAReportFitsIntoAFrame(t *testing.T) {
	r := newReports("run")
	const rows = 1500
	for i := range rows {
		d := denial(fmt.Sprint(strings.Repeat("\x01", 4000), i), 1)
		d.CommandLine = strings.Repeat("\x1b", 4096)
		r.denied(d)
		r.connected(sandbox.Connection{ID: fmt.Sprint(i), Target: strings.Repeat("\x01", 4000)})
	}
	sum, connections := 0, 0
	for {
		p, any := r.take()
		if !any {
			break
		}
		frame, err := json.Marshal(p)
		if err != nil || len(frame) > wire.MaxFrame-4096 {
			t.Fatalf("a report of %d bytes: %v", len(frame), err)
		}
		if waits := len(r.denials)+len(r.connections) > 0; waits && len(r.wake) == 0 {
			t.Fatal("what waits is not sent until something new happens")
		}
		sum += total(p)
		connections += len(p.Connections)
	}
	if sum != rows || connections != rows {
		t.Errorf("reported %d denials and %d connections of %d", sum, connections, rows)
	}
}

// A flood against one rule is no curtain for what another one refuses.
func TestAFloodHidesNoOtherRule(t *testing.T) {
	r := newReports("run")
	for i := range 3 * maxRows {
		r.denied(denial(fmt.Sprint("/usr/", i), 1))
	}
	key := denial("/home/u/.ssh/id", 1)
	key.Rule = "built-in: key material"
	r.denied(key)
	found, sum := false, 0
	for p, any := r.take(); any; p, any = r.take() {
		sum += total(p)
		for _, d := range p.Denials {
			found = found || d.Target == key.Target
		}
	}
	if !found || sum != 3*maxRows+1 || len(r.rows) != 0 {
		t.Errorf("named: %v; counted %d; %d rows are left", found, sum, len(r.rows))
	}
}

// slowConn takes a report and answers it late.
type slowConn struct {
	taken  chan wire.RunReportParams
	answer chan struct{}
}

func (c *slowConn) Call(ctx context.Context, _ string, params, _ any) error {
	p, _ := params.(wire.RunReportParams)
	c.taken <- p
	select {
	case <-c.answer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *slowConn) Events() <-chan wire.Event { return nil }
func (c *slowConn) Close() error              { return nil }

// A report that is on its way when the command ends is not sent a second time:
// its denials would count twice.
func TestAReportIsNotSentTwiceAtTheEnd(t *testing.T) {
	conn := &slowConn{taken: make(chan wire.RunReportParams, 8), answer: make(chan struct{})}
	kept := &keeper{collected: newReports("run"), begin: func() *spool.Writer { return nil }}
	l := &link{collected: kept.collected, keeper: kept, said: map[string]bool{}}
	l.collected.denied(denial("/a", 1))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan bool, 1)
	go func() { ended <- l.serve(ctx, conn) }()
	<-conn.taken
	stop()
	close(conn.answer)
	if !<-ended {
		t.Fatal("the connection counts as broken")
	}
	flush(conn, kept)
	if len(conn.taken) != 0 {
		t.Fatal("the report was sent again")
	}
}
