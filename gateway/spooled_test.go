package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/audit"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/spool"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// keep writes rows as a supervisor does while no gateway runs.
func keep(t *testing.T, layout configs.Layout, run, agent string, pid int, exit string, first uint64, targets ...string) *spool.Writer {
	t.Helper()
	w := spool.NewWriter(layout.Spool(), spool.Header{Run: run, Agent: agent, PID: pid}, nil)
	t.Cleanup(w.Seal)
	var denials []event.Denial
	for _, target := range targets {
		denials = append(denials, event.Denial{Class: policy.ClassPathRead, Operation: "open", Target: target, Rule: "r", Count: 2, Agent: "forged", Run: "forged"})
	}
	if err := w.Append(first, denials); err != nil {
		t.Fatal(err)
	}
	if exit != "" {
		if err := w.End(exit); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (h *house) recorded() map[string]int {
	out := map[string]int{}
	for _, e := range h.audited("file_access") {
		out[e.User+" "+e.Path] += e.Details["count"].(int)
	}
	return out
}

func (h *house) spoolFiles() int {
	entries, err := os.ReadDir(h.layout.Spool())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	return len(entries)
}

// deadPID is of a process that has ended and was waited for.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// A gateway puts on record what a run refused that ended, or was killed, while
// there was none: once, under the names of the file's header, with the end of
// the run. What it cannot record it keeps and says so.
func TestRefusalsOfATimeWithoutAGateway(t *testing.T) {
	layout := configs.Layout{Root: shortDir(t)}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	dead := deadPID(t)
	keep(t, layout, "run1", "coder", dead, "exit 3", 1, "/a", "/b").Seal()
	keep(t, layout, "run2", "coder", dead, "", 1, "/c").Seal()
	writing := keep(t, layout, "run3", "coder", os.Getpid(), "", 1, "/d")
	h := build(t, layout, freePort(t), "", func(d *Deps) {
		// A gateway before this one died when it had recorded the first row of run1.
		d.AuditRun = func(_ context.Context, run string) (RunRecord, error) {
			return RunRecord{Rows: map[uint64]bool{1: run == "run1"}}, nil
		}
	}).run()
	until(t, "both dead runs on record", func() bool { return len(h.audited("run_end")) == 2 && h.spoolFiles() == 1 })
	if got := h.recorded(); len(got) != 2 || got["coder /b"] != 2 || got["coder /c"] != 2 {
		t.Errorf("on record: %v", got)
	}
	ends := map[any]string{}
	for _, e := range h.audited("run_end") {
		ends[e.Details["run"]] = e.Reason
	}
	if ends["run1"] != "exit 3" || ends["run2"] != "lost" {
		t.Errorf("ends: %v", ends)
	}
	if shown := h.registry.Denials("coder", 0); len(shown) != 2 || shown[0].Run == "forged" {
		t.Errorf("shown: %+v", shown)
	}

	// The living supervisor's file is left to it until it comes back.
	writing.Seal()
	supervisor := h.local()
	token := auth.NewAgentTokens().Mint("coder", "run3") // by the gateway that is gone
	h.breakAudit(errors.New("disk full"))
	resume := wire.RunResumeParams{Run: "run3", Agent: "coder", Command: []string{"x"}, Token: token, PID: os.Getpid()}
	if refusal := refusalOf(t, supervisor.Call(t.Context(), wire.MethodRunResume, resume, nil)); refusal.Code != wire.CodeUnavailable {
		t.Errorf("a run came back whose refusals are on no record: %+v", refusal)
	}
	if h.spoolFiles() != 1 {
		t.Fatal("what was not recorded is gone")
	}
	h.breakAudit(nil)
	if err := supervisor.Call(t.Context(), wire.MethodRunResume, resume, nil); err != nil {
		t.Fatal(err)
	}
	if got := h.recorded(); got["coder /d"] != 2 || h.spoolFiles() != 0 {
		t.Errorf("on record: %v, %d files", got, h.spoolFiles())
	}
	for _, e := range h.audited("run_end") {
		if e.Details["run"] == "run3" {
			t.Error("a living run is said to have ended")
		}
	}
}

// A gateway that cannot write says so once, and records when it can again.
func TestASpoolThatCannotBeRecordedYet(t *testing.T) {
	t.Parallel() // it waits
	layout := configs.Layout{Root: shortDir(t)}
	h := build(t, layout, freePort(t), "", nil).run()
	subscription := h.bus.Subscribe(256, event.KindNotice)
	defer subscription.Close()
	h.breakAudit(errors.New("disk full"))
	keep(t, layout, "run1", "coder", deadPID(t), "exit 0", 1, "/a").Seal()
	for {
		e := <-subscription.C()
		if e.Notice.Level == "error" && e.Notice.Text == "refusals of a time without a gateway are not on record: record what was refused without a gateway: disk full" {
			break
		}
	}
	if h.spoolFiles() != 1 {
		t.Fatal("the file is gone")
	}
	h.breakAudit(nil)
	until(t, "the record", func() bool { return h.spoolFiles() == 0 })
	if recorded, shown := h.recorded(), h.registry.Denials("coder", 0); recorded["coder /a"] != 2 || len(shown) != 1 || shown[0].Count != 2 {
		t.Errorf("on record %v, shown %+v", recorded, shown)
	}
}

// A header is a program's word: no name in it reaches the record unread.
func TestASpoolWithForgedNames(t *testing.T) {
	layout := configs.Layout{Root: shortDir(t)}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	dead := deadPID(t)
	good := keep(t, layout, "run9", "coder", dead, "exit 0", 1, "/ok")
	good.Seal()
	if err := os.WriteFile(filepath.Join(layout.Spool(), "evil.1.jsonl"), fmt.Appendf(nil,
		`{"version":1,"run":"evil","agent":"../../x\u001b[2J","pid":%d}`+"\n"+`{"row":1,"denial":{"target":"/evil"}}`+"\n", dead), 0o600); err != nil {
		t.Fatal(err)
	}
	h := build(t, layout, freePort(t), "", nil).run()
	until(t, "the good file on record", func() bool { return h.recorded()["coder /ok"] == 2 })
	for who := range h.recorded() {
		if who != "coder /ok" {
			t.Errorf("on record: %q", who)
		}
	}
}

// A gateway dies when it has recorded a flood, of which the larger part is counted by one
// record, and before its supervisor hears of that: the next one, which is told the same
// again, puts none of it on record twice.
func TestAFloodThatIsToldAgainIsCountedOnce(t *testing.T) {
	const flood = 3000
	layout, port := configs.Layout{Root: shortDir(t)}, freePort(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	var log *audit.Recorder
	open := func() *house {
		var err error
		if log, err = audit.Open(audit.Options{Path: path}); err != nil {
			t.Fatal(err)
		}
		return build(t, layout, port, "", func(d *Deps) {
			d.Audit = func(ctx context.Context, e AuditEntry) error { return log.Record(ctx, audit.Entry(e)) }
			d.AuditRun = func(ctx context.Context, run string) (RunRecord, error) {
				found, err := audit.FindRun(ctx, path, run)
				return RunRecord{Rows: found.Rows, Ended: found.Ended}, err
			}
		}).run()
	}
	h := open()
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	report := wire.RunReportParams{Run: run.Run, First: 1}
	targets := make([]string, flood)
	for i := range targets {
		targets[i] = fmt.Sprint("/t/", i)
		report.Denials = append(report.Denials, event.Denial{Class: policy.ClassPathRead, Operation: "open", Target: targets[i], Rule: "r", Count: 2})
	}
	if err := supervisor.Call(t.Context(), wire.MethodRunReport, report, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(h.stop(), log.Close()); err != nil {
		t.Fatal(err)
	}
	keep(t, layout, run.Run, "coder", deadPID(t), "exit 0", 1, append(targets, "/t/new")...).Seal()
	h = open()
	until(t, "the record", func() bool { return h.spoolFiles() == 0 })
	if err := errors.Join(h.stop(), log.Close()); err != nil {
		t.Fatal(err)
	}
	lines, _, err := audit.Search(t.Context(), path, audit.Query{Event: audit.FileAccess, Limit: 3 * flood})
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, line := range lines {
		if d, is := recorded(line); is {
			counted += d.Count
		}
	}
	if want := 2 * (flood + 1); counted != want || len(lines) > flood/2 {
		t.Errorf("of %d refusals %d are on record, in %d lines", want, counted, len(lines))
	}
}

// A run that kept refusals over several gateways has several files. The last one tells how
// it ended, and no earlier one that nobody knows.
func TestTheEndOfARunWithSeveralFiles(t *testing.T) {
	layout := newLayout(t)
	w := keep(t, layout, "run1", "coder", deadPID(t), "", 1, "/a")
	w.Seal()
	if err := errors.Join(w.Append(2, []event.Denial{{Class: policy.ClassPathRead, Operation: "open", Target: "/b", Rule: "r", Count: 1}}), w.End("exit 3")); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	h := build(t, layout, freePort(t), "", nil).run()
	until(t, "the record", func() bool { return h.spoolFiles() == 0 })
	if ends := h.audited("run_end"); len(ends) != 1 || ends[0].Reason != "exit 3" {
		t.Errorf("it ended as %+v", ends)
	}
	if got := h.recorded(); got["coder /a"] != 2 || got["coder /b"] != 1 {
		t.Errorf("on record: %v", got)
	}
}

// A file that is damaged in its middle costs what stood there: the rest goes on record, a
// person is told, and the file is kept.
func TestASpoolThatIsDamaged(t *testing.T) {
	layout := newLayout(t)
	keep(t, layout, "run1", "coder", deadPID(t), "exit 3", 1, "/a", "/b", "/c").Seal()
	name := filepath.Join(layout.Spool(), "run1.1.jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := bytes.Index(text, []byte(`"/b"`)); text[i] != '\n'; i++ {
		text[i] = 0 // as a file system does with a block that it lost
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	h := build(t, layout, freePort(t), "", nil)
	notices := h.bus.Subscribe(256, event.KindNotice)
	defer notices.Close()
	h.run()
	for said := ""; said != "refusals of agent coder are lost: 1 lines of "+name+".damaged are damaged"; {
		said = (<-notices.C()).Notice.Text
	}
	if got := h.recorded(); len(got) != 2 || got["coder /a"] != 2 || got["coder /c"] != 2 {
		t.Errorf("on record: %v", got)
	}
	if ends := h.audited("run_end"); len(ends) != 1 || ends[0].Reason != "exit 3" {
		t.Errorf("it ended as %+v", ends)
	}
	if kept, err := os.ReadFile(name + ".damaged"); err != nil || !bytes.Equal(kept, text) {
		t.Errorf("the file: %v", err)
	}
}

// What was refused while the disk was full goes on record when there is room, each as often
// as it happened.
func TestRefusalsOfAFullDiskAreRecordedLater(t *testing.T) {
	t.Parallel() // it waits
	h := start(t, "")
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	row := event.Denial{Class: policy.ClassPathRead, Operation: "open", Target: "/a", Rule: "r", Count: 3}
	other := row
	other.Target = "/b"
	h.breakAudit(errors.New("disk full"))
	for range 2 {
		if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Denials: []event.Denial{row, other}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.recorded()) != 0 {
		t.Fatalf("on record: %v", h.recorded())
	}
	h.breakAudit(nil)
	until(t, "the record", func() bool { return len(h.recorded()) == 2 && h.registry.Owed() == 0 })
	if got := h.recorded(); got["coder /a"] != 6 || got["coder /b"] != 6 || h.registry.DeniedHour() != 12 {
		t.Errorf("on record: %v; shown: %d", got, h.registry.DeniedHour())
	}
}

// A run whose supervisor died with its gateway is lost, also when another program has
// the supervisor's number by now, as after a start of the machine: its end is on record.
func TestTheEndOfARunWhoseSupervisorsNumberIsGivenAgain(t *testing.T) {
	layout := configs.Layout{Root: shortDir(t)}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	keep(t, layout, "run1", "coder", os.Getpid(), "", 1, "/a").Seal()
	name := filepath.Join(layout.Spool(), "run1.1.jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	earlier := regexp.MustCompile(`("process":"[^"]* )[0-9]+"`).ReplaceAll(text, []byte("${1}1\""))
	if bytes.Equal(earlier, text) {
		t.Skip("which process it was cannot be told on this system")
	}
	if err := os.WriteFile(name, earlier, 0o600); err != nil {
		t.Fatal(err)
	}
	h := build(t, layout, freePort(t), "", nil).run()
	until(t, "the run on record", func() bool { return h.spoolFiles() == 0 })
	if ends := h.audited("run_end"); len(ends) != 1 || ends[0].Reason != "lost" || ends[0].Details["run"] != "run1" {
		t.Errorf("ends: %+v", ends)
	}
}

// A supervisor that found its gateway too busy, wrote the end of its run down and has
// gone is no lost one: the end on record is the one that it wrote, once.
func TestTheEndThatASupervisorWroteDown(t *testing.T) {
	h := start(t, "")
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	keep(t, h.layout, run.Run, "coder", deadPID(t), "exit 3", 1, "/a").Seal()
	h.runs.mu.Lock()
	h.runs.live[run.Run].pid = 1 << 30
	h.runs.mu.Unlock()
	_ = supervisor.Close()
	until(t, "the file on record", func() bool { return h.spoolFiles() == 0 })
	if ends := h.audited("run_end"); len(ends) != 1 || ends[0].Reason != "exit 3" {
		t.Errorf("it ended as %+v", ends)
	}
	if rows := h.registry.Runs("coder"); len(rows) != 1 || rows[0].Exit != "exit 3" {
		t.Errorf("it is shown as %+v", rows)
	}
}

// A file that says no end is recorded while its supervisor writes another one: that says
// how the run ended, also when the supervisor has gone by then.
func TestTheEndInAFileThatIsBeingWritten(t *testing.T) {
	layout := newLayout(t)
	w := keep(t, layout, "run1", "coder", deadPID(t), "", 1, "/a")
	w.Seal()
	if err := w.Append(2, []event.Denial{{Class: policy.ClassPathRead, Operation: "open", Target: "/b", Rule: "r", Count: 1}}); err != nil {
		t.Fatal(err)
	}
	h := build(t, layout, freePort(t), "", nil).run()
	until(t, "the first file on record", func() bool { return h.spoolFiles() == 1 })
	if err := w.End("exit 3"); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	until(t, "the second file on record", func() bool { return h.spoolFiles() == 0 })
	if ends := h.audited("run_end"); len(ends) != 1 || ends[0].Reason != "exit 3" {
		t.Errorf("it ended as %+v", ends)
	}
}
