package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// newestRun is the newest run of an agent that the gateway knows.
func (p *person) newestRun(agent string) (r event.Run) {
	p.t.Helper()
	if runs := p.runs(agent); len(runs) > 0 {
		r = runs[len(runs)-1]
	}
	return r
}

// A run without a terminal: it is in its cage, what it says is kept for its owner
// alone and without secrets, and it is started again and ended from elsewhere. One
// on a terminal starts again there, and one that reads a pipe is refused.
func TestARunWithoutATerminal(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	p.gateway()
	write(t, filepath.Join(p.home, "projects", "outside"), "not for agents\n")
	const script = `echo begins; echo ANTHROPIC_API_KEY=sk-ant-api03-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6; cat ~/projects/outside; tty; read x; echo "read $?"; echo "$$" > alive; exec sleep 600`
	said := p.says("agent", "run", "--detach", "coder", "--", "sh", "-c", script)
	found := regexp.MustCompile(`run ([0-9a-f]+) of coder goes on`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("said %q", said)
	}
	first := found[1]
	var out string
	p.eventually("its output", func() bool {
		out = p.openclaw("agent", "output", first).out
		return strings.Contains(out, "read 1")
	})
	if !strings.HasPrefix(out, "begins\n") || !strings.Contains(out, "not a tty") || strings.Contains(out, "Zm9vYmFy") || strings.Contains(out, "not for agents") {
		t.Errorf("kept:\n%s", out)
	}
	info, err := os.Stat(filepath.Join(p.home, ".openclaw", "logs", "runs", first+".log"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if run := p.newestRun("coder"); run.ID != first || run.Terminal != event.Kept || !run.Restartable() {
		t.Errorf("%+v", run)
	}

	p.says("agent", "restart", first)
	var second event.Run
	p.eventually("the new run", func() bool {
		second = p.newestRun("coder")
		return second.ID != first && strings.Contains(p.openclaw("agent", "output", second.ID).out, "read 1")
	})
	if second.Terminal != event.Kept || len(second.Command) != 3 || !strings.HasPrefix(second.Command[2], "echo begins") {
		t.Errorf("another command: %q", second.Command)
	}
	p.says("agent", "stop", second.ID)
	p.eventually("its end", func() bool { return !p.newestRun("coder").Ended.IsZero() })

	// What cannot start says why, and keeps nothing.
	if refused := p.openclaw("agent", "run", "--detach", "nobody", "--", "true"); refused.code == 0 || !strings.Contains(refused.errors, "nobody") {
		t.Errorf("%+v", refused)
	}
	if refused := p.openclaw("agent", "run", "--detach", "coder", "--", "no-such-program"); refused.code != exitNotFound || refused.errors == "" {
		t.Errorf("%+v", refused)
	}
	if none := p.openclaw("agent", "output", "feedbeef"); none.code == 0 || none.out != "" {
		t.Errorf("%+v", none)
	}
	if bad := p.openclaw("agent", "output", "../gateway"); bad.code == 0 || bad.out != "" {
		t.Errorf("%+v", bad)
	}
}

func TestARunIsStartedAgainOnItsTerminal(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	p.gateway()
	window := p.open("agent", 100, 20, "agent", "run", "coder", "--", "sh", "-c", `echo "run of $(tty)"; while read x; do echo "heard $x"; done`)
	window.shows("run of /dev/")
	first := p.newestRun("coder")
	if first.Terminal != event.OnTerminal || !first.Restartable() {
		t.Fatalf("%+v", first)
	}
	p.says("agent", "restart", first.ID)
	p.eventually("the new run", func() bool { r := p.newestRun("coder"); return r.ID != first.ID && r.Ended.IsZero() })
	window.shows("started again")
	p.eventually("the new command reads", func() bool { return strings.Count(window.text(), "run of /dev/") == 2 })
	window.keys("-l", "once more")
	window.keys("Enter")
	window.shows("heard once more")
	p.says("agent", "stop", p.newestRun("coder").ID, "--kill")
	p.eventually("its end", func() bool { return !p.newestRun("coder").Ended.IsZero() })

	p.cage("coder")
	r := p.newestRun("coder")
	if refused := p.openclaw("agent", "restart", r.ID); r.Terminal != event.OnPipe || refused.code == 0 || !strings.Contains(refused.errors, "pipe") {
		t.Errorf("%+v %+v", r, refused)
	}
}
