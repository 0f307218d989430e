package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// counted sums what the gateway and the audit log say that an agent was refused
// to open, and names the targets.
func (p *person) counted(agent string) (shown, audited int, targets map[string]int) {
	p.t.Helper()
	var list []event.Denial
	said := p.openclaw("denials", "--json", "--agent", agent, "--limit", "10000")
	if err := json.Unmarshal([]byte(said.out), &list); err != nil {
		p.t.Fatalf("denials: %v: %s", err, said.errors)
	}
	targets = map[string]int{}
	for _, d := range list {
		if d.Operation == "open" {
			shown += d.Count
			targets[d.Target] += d.Count
		}
	}
	records := p.says("audit", "search", "--since", "1h", "--event", "file_access", "--agent", agent, "--limit", "100000")
	for decoder := json.NewDecoder(strings.NewReader(records)); decoder.More(); {
		var row struct {
			Action, Result string
			Details        struct{ Count int }
		}
		if err := decoder.Decode(&row); err != nil {
			p.t.Fatalf("audit search: %v: %s", err, records)
		}
		if row.Action == "open" && row.Result == "denied" {
			audited += row.Details.Count
		}
	}
	return shown, audited, targets
}

// A flood of refusals in one cage loses no count, neither at the gateway nor in
// the audit log, and takes nothing from another agent: what that one is refused
// keeps its name, and what it may do is done.
func TestAFloodOfDenialsLosesNoCount(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  flood: {}\n  quiet: {}\n")
	const distinct, same, quiet = 1500, 1500, 25
	many := filepath.Join(p.home, "projects", "many")
	if err := os.MkdirAll(many, 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range distinct {
		write(t, filepath.Join(many, fmt.Sprint(n)), "x\n")
	}
	p.gateway()
	// Each redirection is one open; true is a builtin, so no program is run.
	flood := fmt.Sprintf(`n=0; while [ $n -lt %d ]; do true < ~/projects/many/$n; true < ~/.ssh/id_ed25519; n=$((n+1)); done 2>/dev/null; echo done`, distinct)
	work := fmt.Sprintf(`n=0; while [ $n -lt %d ]; do true < ~/projects/demo/$n; true < ~/.ssh/id_ed25519; echo $n > work.$n; n=$((n+1)); done 2>/dev/null; ls work.* | wc -l`, quiet)
	for n := range quiet {
		write(t, filepath.Join(p.home, "projects", "demo", fmt.Sprint(n)), "x\n")
	}
	loud := p.spawn(nil, nil, "agent", "run", "flood", "--", "sh", "-c", flood)
	p.eventually("the flood", func() bool { shown, _, _ := p.counted("flood"); return shown > 0 })
	said := p.openclaw("agent", "run", "quiet", "--", "sh", "-c", work)
	if said.code != 0 || strings.TrimSpace(said.out) != fmt.Sprint(quiet) {
		t.Errorf("the other agent's work: %+v", said)
	}
	select {
	case <-loud.ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("the flood does not end")
	}
	if code := loud.wait(); code != 0 {
		t.Fatalf("the flood ended with %d: %s", code, loud.errors())
	}
	p.eventually("the end of both runs", func() bool { return len(p.runs("flood")) == 1 && !p.runs("flood")[0].Ended.IsZero() })

	shown, audited, targets := p.counted("flood")
	if shown != distinct+same || audited != distinct+same {
		t.Errorf("of %d refusals the gateway counts %d and the audit log %d", distinct+same, shown, audited)
	}
	key := filepath.Join(p.home, ".ssh", "id_ed25519")
	if targets[key] != same {
		t.Errorf("of %d refusals of the key %d are counted by its name", same, targets[key])
	}
	shown, audited, targets = p.counted("quiet")
	if shown != 2*quiet || audited != 2*quiet || targets[key] != quiet || len(targets) != quiet+1 {
		t.Errorf("the other agent: %d at the gateway, %d in the audit log, %d targets, %d of the key", shown, audited, len(targets), targets[key])
	}
}
