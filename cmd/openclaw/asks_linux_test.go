package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// asker is a person whose agent asks, and a cage of it.
func asker(t *testing.T, more string) (*person, *caged) {
	t.Helper()
	return askerFor(t, "path.read, net, exec", more)
}

// watchedAsker is asker whose processes may be looked into, to count what they hold.
func watchedAsker(t *testing.T, more string) (*person, *caged) {
	t.Helper()
	return askerFor(t, "path.read, net, exec", more, keychain.TraceableVariable+"=1")
}

func askerFor(t *testing.T, classes, more string, environ ...string) (*person, *caged) {
	t.Helper()
	requireCage(t)
	p := newPerson(t)
	p.environ = append(p.environ, environ...)
	p.configure("agents:\n  coder:\n    permissions:\n      ask: [" + classes + "] # ask me\n      network: {allowed_domains: [other.example]}\n" + more)
	for _, name := range []string{"one", "two", "three", "four"} {
		write(t, filepath.Join(p.home, "projects", name), "this is "+name+"\n")
	}
	p.gateway()
	return p, p.cage("coder")
}

// tell makes the cage do something and does not wait for it.
func (c *caged) tell(script string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.stdin, "{ %s\n} 2>&1\n", script); err != nil {
		c.t.Fatal(err)
	}
}

// asks are what the command line shows.
func (p *person) asks(flags ...string) []event.Ask {
	p.t.Helper()
	said := p.openclaw(append([]string{"asks", "--json"}, flags...)...)
	var rows []event.Ask
	if err := json.Unmarshal([]byte(said.out), &rows); err != nil {
		p.t.Fatalf("asks: %v: %s", err, said.errors)
	}
	return rows
}

// waits gives the ask about a target as soon as it is there.
func (p *person) waits(operation, target string) (found event.Ask) {
	p.t.Helper()
	p.eventually("the ask about "+target, func() bool {
		rows := p.asks()
		i := slices.IndexFunc(rows, func(a event.Ask) bool { return a.Target == target && (operation == "" || a.Operation == operation) })
		if i < 0 {
			return false
		}
		found = rows[i]
		return true
	})
	return found
}

// says runs a command that must succeed.
func (p *person) says(args ...string) string {
	p.t.Helper()
	said := p.openclaw(args...)
	if said.code != 0 {
		p.t.Fatalf("%q ended with %d: %s", args, said.code, said.errors)
	}
	return said.out
}

// denied waits for the denial of a target with a rule.
func (p *person) denied(target, rule string) {
	p.t.Helper()
	p.eventually("the denial of "+target+" by "+rule, func() bool {
		var list []event.Denial
		said := p.openclaw("denials", "--json")
		if err := json.Unmarshal([]byte(said.out), &list); err != nil {
			p.t.Fatalf("denials: %v: %s", err, said.errors)
		}
		return slices.ContainsFunc(list, func(d event.Denial) bool { return d.Target == target && d.Rule == rule })
	})
}

// approvals are the audit records of answers, as action and path or target.
func (p *person) approvals() (list []string) {
	p.t.Helper()
	for line := range strings.Lines(p.says("audit", "search", "--event", "approval", "--since", "1h", "--json")) {
		list = append(list, line)
	}
	return list
}

// A read that nobody has ruled on is held in the kernel until the person
// answers; the program never knows but by the time.
func TestAnAskOfAFile(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }

	c.tell("cat ~/projects/one")
	ask := p.waits("open", file("one"))
	if ask.Agent != "coder" || ask.PID <= 0 || !strings.HasSuffix(ask.Program, "/cat") || ask.Rule != "not in allowed_paths" || ask.NoAlways != "" || ask.Count != 1 {
		t.Errorf("%+v", ask)
	}
	if table := p.says("asks"); !strings.Contains(table, ask.ID) || !strings.Contains(table, "waiting ") || !strings.Contains(table, file("one")) {
		t.Errorf("asks: %s", table)
	}
	if out := p.says("allow", ask.ID); !strings.Contains(out, "allowed once: coder open "+file("one")) {
		t.Errorf("allow: %s", out)
	}
	if said := c.do(":"); said != "this is one" {
		t.Errorf("allowed, and it said %q", said)
	}

	// Once is not for ever.
	c.tell("sleep 2.2; cat ~/projects/one")
	p.says("deny", p.waits("open", file("one")).ID, "--note", "not again")
	if said := c.do(":"); !strings.Contains(said, "Permission denied") {
		t.Errorf("denied, and it said %q", said)
	}
	p.denied(file("one"), "ask: denied by you: not again")

	// For the run, with all below the folder, and until it is taken back.
	if err := os.MkdirAll(file("deep/er"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, file("deep/a"), "deep a\n")
	write(t, file("deep/er/b"), "deep b\n")
	c.tell("cat ~/projects/deep/a")
	p.says("allow", p.waits("open", file("deep/a")).ID, "--scope", "run", "--match", "folder")
	if said := c.do("cat ~/projects/deep/er/b; ls -l ~/projects/deep | wc -l; ls ~/projects/deep"); said != "deep a\ndeep b\n3\na\ner" {
		t.Errorf("allowed for the run, and it said %q", said)
	}
	if out := p.says("undo"); !strings.Contains(out, "undone") {
		t.Errorf("undo: %s", out)
	}
	c.tell("sleep 2.2; cat ~/projects/deep/er/b")
	p.says("deny", p.waits("open", file("deep/er/b")).ID)
	if said := c.do(":"); !strings.Contains(said, "Permission denied") {
		t.Errorf("taken back, and it said %q", said)
	}

	// Always is a line of the config, and the running cage is wider by it.
	c.tell("cat ~/projects/two")
	ask = p.waits("open", file("two"))
	shown := p.says("allow", ask.ID, "--scope", "always", "--preview")
	before, _ := os.ReadFile(p.configFile())
	if want := "config.yaml:9, in agents.coder.permissions.allowed_paths:\n+      allowed_paths:\n+        - {path: ~/projects/two, access: read}\n"; shown != want || strings.Contains(string(before), "projects/two") {
		t.Errorf("preview %q", shown)
	}
	if out := p.says("allow", ask.ID, "--scope", "always"); !strings.HasSuffix(out, "config.yaml:9: - {path: ~/projects/two, access: read}\n") {
		t.Errorf("allow: %s", out)
	}
	if said := c.do("sleep 2.2; cat ~/projects/two"); said != "this is two\nthis is two" {
		t.Errorf("allowed always, and it said %q", said)
	}
	if text, err := os.ReadFile(p.configFile()); err != nil || !strings.Contains(string(text), "# ask me") || !strings.Contains(string(text), "- {path: ~/projects/two, access: read}") {
		t.Errorf("the config: %s %v", text, err)
	}
	p.says("undo", ask.ID)
	p.eventually("the end of the rule", func() bool {
		text, err := os.ReadFile(p.configFile())
		return err == nil && !strings.Contains(string(text), "projects/two")
	})

	// A rule of the person is not asked about, and no answer lifts one.
	if said := c.do("cat ~/.ssh/id_ed25519"); !strings.Contains(said, "Permission denied") {
		t.Errorf("the key: %q", said)
	}
	if code := c.leave(5); code != 5 {
		t.Errorf("the run ended with %d: %s", code, c.errors())
	}
	words := strings.Join(p.approvals(), "")
	for _, want := range []string{`"allow"`, `"deny"`, `"undo"`, "not again", "projects/one", `"always"`} {
		if !strings.Contains(words, want) {
			t.Errorf("the audit log does not hold %s:\n%s", want, words)
		}
	}
}

// Every way in which no answer comes is a denial.
func TestAnAskWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "      ask_timeout: 1s\n")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }
	if said := c.do("cat ~/projects/one"); !strings.Contains(said, "Permission denied") {
		t.Errorf("nobody answered, and it said %q", said)
	}
	p.denied(file("one"), "ask: no answer in 1s")
	missed := p.asks("--all")
	if len(missed) != 1 || missed[0].State != event.AskMissed {
		t.Fatalf("%+v", missed)
	}
	if late := p.openclaw("allow", missed[0].ID); late.code != exitFailed || !strings.Contains(late.errors, "nobody waits") {
		t.Errorf("%+v", late)
	}
	// Who was away says it for the next time.
	p.says("allow", missed[0].ID, "--scope", "run")
	if said := c.do("cat ~/projects/one"); said != "this is one" {
		t.Errorf("it said %q", said)
	}
	for _, args := range [][]string{{"allow", "ffffff"}, {"deny", "ffffff"}, {"undo", "ffffff"}} {
		if said := p.openclaw(args...); said.code != exitFailed || !strings.Contains(said.errors, "openclaw asks") {
			t.Errorf("%q: %+v", args, said)
		}
	}
	if said := p.openclaw("allow", "ffffff", "--scope", "life"); said.code != exitUsage {
		t.Errorf("%+v", said)
	}
}

// A program is held longer than its policy says while a person is at its ask on a screen,
// and gets the answer.
func TestAnAskWhoseClockIsPaused(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "      ask_timeout: 15s\n")
	screen, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	c.tell("cat ~/projects/one")
	row := p.waits("open", filepath.Join(p.home, "projects", "one"))
	for over := row.First.Add(10 * time.Second); time.Now().Before(over); time.Sleep(500 * time.Millisecond) {
		var said wire.AskPaused
		if err := screen.Call(t.Context(), wire.MethodAskPause, wire.AskPauseParams{ID: row.ID}, &said); err != nil || !said.Paused {
			t.Fatalf("paused %v, %v, after %v", said.Paused, err, time.Since(row.First))
		}
	}
	time.Sleep(time.Until(row.First.Add(16 * time.Second))) // its time would be over
	if rows := p.asks(); len(rows) != 1 || rows[0].PausedUntil.IsZero() {
		t.Errorf("openclaw asks does not say until when the clock stands still: %+v", rows)
	}
	p.says("allow", row.ID)
	if said := c.do(":"); said != "this is one" {
		t.Errorf("it said %q", said)
	}
}

func TestAskStateSaysThatTheClockIsPaused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	row := event.Ask{State: event.AskWaiting, Deadline: now.Add(2 * time.Hour), PausedUntil: now.Add(time.Hour)}
	if said := askState(row); said != "waiting 1h0m0s, clock paused" {
		t.Error(said)
	}
	row.PausedUntil = now.Add(-time.Second)
	if said := askState(row); strings.Contains(said, "paused") || !strings.HasPrefix(said, "waiting ") {
		t.Error(said)
	}
}

// The first of two answers counts; killing what asked, or the gateway, ends the
// wait.
func TestAnAskThatEndsOtherwise(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }

	c.tell("cat ~/projects/one")
	id := p.waits("open", file("one")).ID
	var group sync.WaitGroup
	results := make([]result, 6)
	for i := range results {
		group.Go(func() { results[i] = p.openclaw([]string{"allow", "deny"}[i%2], id) })
	}
	group.Wait()
	said := c.do(":")
	first := slices.IndexFunc(results, func(r result) bool { return r.code == 0 })
	for i, r := range results {
		switch {
		case i == first:
			if (i%2 == 0) != (said == "this is one") {
				t.Errorf("answer %d counts, and it said %q", i, said)
			}
		case r.code != exitFailed || !strings.Contains(r.errors, "answer already"):
			t.Errorf("answer %d: %+v", i, r)
		}
	}

	c.tell("cat ~/projects/two & pid=$!; while [ ! -e kill-it ]; do sleep 0.1; done; kill -9 $pid; wait $pid; echo status $?")
	p.waits("open", file("two"))
	write(t, filepath.Join(p.home, ".openclaw", "agents", "coder", "kill-it"), "")
	if said := c.do(":"); !strings.Contains(said, "status 137") {
		t.Errorf("killed, and it said %q", said)
	}
	p.eventually("the end of the ask", func() bool {
		rows := p.asks("--all")
		return slices.ContainsFunc(rows, func(a event.Ask) bool { return a.Target == file("two") && a.State == event.AskGone })
	})

	c.tell("cat ~/projects/three")
	p.waits("open", file("three"))
	first = p.gatewayPID()
	gateway, err := os.FindProcess(first)
	if err != nil {
		t.Fatal(err)
	}
	_ = gateway.Kill()
	soon(t, "the denial", func() bool { return strings.Contains(c.do(":"), "Permission denied") })
	if said := c.do("cat ~/projects/four"); !strings.Contains(said, "Permission denied") {
		t.Errorf("without a gateway, and it said %q", said)
	}
	p.eventually("the gateway's death", func() bool { return syscall.Kill(first, 0) != nil })
	// A new gateway is asked as the old one was.
	p.gateway()
	p.eventually("the run's return", func() bool { return len(p.runs("coder")) == 1 })
	p.denied(file("four"), "ask: gateway away")
	p.eventually("an ask at the new gateway", func() bool {
		c.tell("cat ~/projects/four &")
		c.do("sleep 0.3")
		return len(p.asks()) == 1
	})
	p.says("allow", p.asks()[0].ID)
	if said := c.do("wait"); !strings.Contains(said, "this is four") {
		t.Errorf("the new gateway allowed, and it said %q", said)
	}

	// kill -9 of the supervisor ends what it asked.
	c.tell("cat ~/projects/two")
	p.waits("open", file("two"))
	c.kill()
	p.eventually("the end of the ask", func() bool { return len(p.asks()) == 0 })
}
