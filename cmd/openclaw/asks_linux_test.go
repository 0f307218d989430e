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

// A program that asks for two hundred things at once gets twenty asks, and
// leaves nothing open.
func TestTwoHundredAsks(t *testing.T) {
	t.Parallel()
	p, c := watchedAsker(t, "")
	for n := range 200 {
		write(t, filepath.Join(p.home, "projects", fmt.Sprint("n", n)), "x\n")
	}
	// The first read makes what all later ones use.
	c.tell("cat ~/projects/one")
	p.says("allow", p.waits("open", filepath.Join(p.home, "projects", "one")).ID)
	c.do(":")
	before := p.atRest(c)
	c.tell("for i in $(seq 0 199); do cat ~/projects/n$i & done; wait")
	p.eventually("the asks", func() bool { return len(p.asks()) == 19 })
	p.eventually("the refusal of the rest", func() bool {
		rows := p.asks("--all")
		i := slices.IndexFunc(rows, func(a event.Ask) bool { return a.State == event.AskLimited })
		return i >= 0 && rows[i].Count == 181
	})
	rows := p.asks()
	for _, row := range rows[:10] {
		p.says("deny", row.ID)
	}
	for _, row := range rows[10:] {
		p.says("allow", row.ID)
	}
	said := c.do(":")
	if denied, read := strings.Count(said, "Permission denied"), strings.Count(said, "x\n")+strings.Count(said+"\n", "\nx\n"); denied != 191 || read == 0 {
		t.Errorf("%d were denied, %d read", denied, read)
	}
	holdsNoMore(t, "the supervisor", c.pid(), before, 18) // nine were let through
	if n := len(p.approvals()); n != 20 {
		t.Errorf("%d answers are recorded", n)
	}
}

// descriptors counts what a process holds, by kind.
func descriptors(t *testing.T, pid int) map[string]int {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range names {
		what, _ := os.Readlink(name)
		kind, _, _ := strings.Cut(what, ":")
		if strings.Contains(what, "[pidfd]") {
			kind = "pidfd"
		}
		kinds[kind]++
	}
	return kinds
}

// atRest is what the supervisor holds when all that it did for programs which have ended
// is over: it gives back their files and the descriptors of their processes a moment
// later, and would be compared with what it never holds again.
func (p *person) atRest(c *caged) (kinds map[string]int) {
	p.t.Helper()
	soFar := ""
	p.eventually("a supervisor at rest", func() bool {
		kinds = descriptors(p.t, c.pid())
		for kind := range kinds {
			if strings.HasPrefix(kind, filepath.Join(p.home, "projects")) {
				return false // a file that was asked for
			}
		}
		infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", c.pid()))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, name := range infos {
			if text, _ := os.ReadFile(name); strings.Contains(string(text), "\nPid:\t-1\n") { // of a process that has ended
				return false
			}
		}
		now := fmt.Sprint(kinds)
		same := now == soFar
		soFar = now
		return same
	})
	return kinds
}

// holdsNoMore waits until a process holds, of each kind, no more than it did before:
// fewer is right too, since a connection of the commands before may have ended
// meanwhile. Pipes are a pool of the file system's library, two for each read that
// ran at the same time as others: so many more may stay.
func holdsNoMore(t *testing.T, what string, pid int, before map[string]int, pipes int) {
	t.Helper()
	var now map[string]int
	more := func() bool {
		for kind, n := range now {
			if kind == "pipe" {
				n -= pipes
			}
			if n > before[kind] {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = descriptors(t, pid); !more() {
			return
		}
	}
	t.Errorf("%s held %v and holds %v", what, before, now)
}

// A thousand programs that wait at once for one answer all get it; when the
// gateway dies instead, all are refused. Either way nothing stays behind in the
// supervisor or the gateway.
func TestAThousandAsksAtOnce(t *testing.T) {
	t.Parallel()
	p, c := watchedAsker(t, "      ask_timeout: 5m\n")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }
	const many = 1000
	// The first read makes what all later ones use.
	c.tell("cat ~/projects/three")
	p.says("allow", p.waits("open", file("three")).ID)
	c.do(":")
	before, gatewayBefore := p.atRest(c), descriptors(t, p.gatewayPID())
	all := fmt.Sprintf("n=0; while [ $n -lt %d ]; do (true < ~/projects/NAME) 2>/dev/null && echo y || echo n & n=$((n+1)); done; wait", many)
	hold := func(name string) {
		t.Helper()
		c.tell(strings.Replace(all, "NAME", name, 1))
		p.waits("open", file(name))
		p.eventually("a thousand that wait", func() bool { return descriptors(t, c.pid())["pidfd"]-before["pidfd"] == many })
	}
	hold("one")
	if rows := p.asks(); len(rows) != 1 {
		t.Fatalf("%d asks", len(rows))
	}
	p.says("allow", p.asks()[0].ID)
	if said := c.do(":"); strings.Count(said, "y") != many {
		t.Errorf("%d of %d were let through", strings.Count(said, "y"), many)
	}
	holdsNoMore(t, "the supervisor", c.pid(), before, 2*many)
	holdsNoMore(t, "the gateway", p.gatewayPID(), gatewayBefore, 0)

	hold("two")
	gateway, err := os.FindProcess(p.gatewayPID())
	if err != nil {
		t.Fatal(err)
	}
	_ = gateway.Kill()
	if said := c.do(":"); strings.Count(said, "n") != many {
		t.Errorf("%d of %d were refused", strings.Count(said, "n"), many)
	}
	p.eventually("the end of all that waited", func() bool { return descriptors(t, c.pid())["pidfd"] == before["pidfd"] })
}

// A program and a connection are held as a file is.
func TestAnAskOfAProgramAndAConnection(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "")
	script, binary := filepath.Join(p.home, "projects", "tool.sh"), filepath.Join(p.home, "projects", "tool")
	write(t, script, "#!/bin/sh\necho the tool ran: $1\n")
	program, err := os.ReadFile("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	write(t, binary, string(program))
	for _, name := range []string{script, binary} {
		if err := os.Chmod(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.tell("~/projects/tool.sh yes")
	p.says("allow", p.waits("execve", script).ID)
	if said := c.do(":"); said != "the tool ran: yes" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	c.tell("~/projects/tool native")
	ask := p.waits("execve", binary)
	if always := p.openclaw("allow", ask.ID, "--scope", "always"); always.code != exitRefused || !strings.Contains(always.errors, "no list of allowed programs") {
		t.Errorf("%+v", always)
	}
	p.says("allow", ask.ID, "--scope", "run")
	if said := c.do("sleep 2.2; ~/projects/tool native"); said != "native\nnative" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	write(t, filepath.Join(p.home, "projects", "other.sh"), "#!/bin/sh\necho it ran\n")
	if err := os.Chmod(filepath.Join(p.home, "projects", "other.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.tell("~/projects/other.sh")
	p.says("deny", p.waits("execve", filepath.Join(p.home, "projects", "other.sh")).ID)
	if said := c.do(":"); !strings.Contains(said, "ermission denied") || strings.Contains(said, "it ran") {
		t.Errorf("denied, and it said %q", said)
	}

	c.tell("curl -sS -m 15 http://asked.invalid/; echo status $?")
	ask = p.waits("connect", "asked.invalid:80")
	if !slices.Equal(ask.Matches, []string{"exact", "host"}) {
		t.Errorf("%+v", ask)
	}
	p.says("deny", ask.ID)
	if said := c.do(":"); strings.Contains(said, "status 0") {
		t.Errorf("denied, and it said %q", said)
	}
	p.denied("asked.invalid:80", "ask: denied by you")
	// The name has no address; that it was looked for shows that it was let go.
	c.tell("curl -sS -m 15 http://asked.invalid:8080/; echo status $?")
	p.says("allow", p.waits("connect", "asked.invalid:8080").ID, "--scope", "always", "--match", "host")
	if said := c.do(":"); strings.Contains(said, "status 28") {
		t.Errorf("allowed, and it waited: %q", said)
	}
	if text, err := os.ReadFile(p.configFile()); err != nil || !strings.Contains(string(text), "allowed_domains: [other.example, asked.invalid]") {
		t.Errorf("the config: %s %v", text, err)
	}
	p.eventually("the rule in the cage", func() bool {
		said := c.do("curl -sS -m 5 http://asked.invalid:81/; echo status $?")
		return !strings.Contains(said, "status 28") && len(p.asks()) == 0
	})
}

// Writing is asked about where it is refused otherwise, and what was opened for
// writing stays writable.
func TestAnAskOfAWrite(t *testing.T) {
	t.Parallel()
	p, c := askerFor(t, "path.write", "")
	file := filepath.Join(p.home, "projects", "made")
	c.tell("{ echo begin; sleep 2.5; echo end; } > ~/projects/made; echo status $?")
	p.says("allow", p.waits("create", file).ID)
	if said := c.do(":"); said != "status 0" {
		t.Errorf("allowed, and it said %q", said)
	}
	if text, err := os.ReadFile(file); string(text) != "begin\nend\n" {
		t.Errorf("the file holds %q %v", text, err)
	}
	c.tell("rm -f ~/projects/made; echo status $?")
	p.says("deny", p.waits("unlink", file).ID)
	if said := c.do(":"); !strings.Contains(said, "status 1") {
		t.Errorf("denied, and it said %q", said)
	}
	if said := c.do("cat ~/projects/one"); !strings.Contains(said, "Permission denied") {
		t.Errorf("a read that is not asked about: %q", said)
	}
	c.tell("echo again >> ~/projects/made; echo status $?")
	if out := p.says("allow", p.waits("", file).ID, "--scope", "always"); !strings.Contains(out, "- ~/projects/made\n") {
		t.Errorf("allow: %s", out)
	}
	if said := c.do("cat ~/projects/made"); said != "status 0\nbegin\nend\nagain" {
		t.Errorf("allowed always, and it said %q", said)
	}
}

// The leave to run a program is enough to run it, and not enough to read it.
func TestAnAskOfAProgramAlone(t *testing.T) {
	t.Parallel()
	p, c := askerFor(t, "exec", "")
	binary := filepath.Join(p.home, "projects", "tool")
	program, err := os.ReadFile("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	write(t, binary, string(program))
	if err := os.Chmod(binary, 0o700); err != nil {
		t.Fatal(err)
	}
	c.tell("~/projects/tool it ran")
	p.says("allow", p.waits("execve", binary).ID)
	if said := c.do(":"); said != "it ran" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	if said := c.do("cat ~/projects/tool | wc -c"); !strings.Contains(said, "Permission denied") {
		t.Errorf("it was read: %q", said)
	}
}
