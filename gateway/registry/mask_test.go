package registry

import (
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// A secret that an agent puts into a name or an argv reaches no screen, no
// protocol client and no record: neither as a row nor as an event.
func TestSecretsOfAnAgentsWordsAreNowhere(t *testing.T) {
	const secret = "oca_canary"
	w := newWorld()
	w.options.Mask = func(text string) string {
		return strings.NewReplacer(secret, "[REDACTED]", "--token mine", "--token [REDACTED]").Replace(text)
	}
	_ = w.Deny(t.Context(), event.Denial{Agent: "coder", Operation: "open", Target: "/x/" + secret, CommandLine: "curl -H " + secret, Program: "/bin/" + secret, Rule: "denied_paths: /x/" + secret})
	w.Connection(event.Connection{ID: "1", Agent: "coder", Run: "1", Route: "GET /v1/" + secret, Detail: secret, Client: secret, Program: secret})
	w.StartRun(event.Run{ID: "1", Agent: "coder", Command: []string{"tool", secret, "--token", "mine"}})
	if command := w.Runs("")[0].Command; strings.Join(command, " ") != "tool [REDACTED] --token [REDACTED]" {
		t.Errorf("the run's command is %q", command)
	}
	w.StartRun(event.Run{ID: "2", Agent: "coder", Folder: "/x/" + secret})
	w.UpdateRun("2", func(run *event.Run) {
		run.Warnings, run.NeedsRun, run.StillOpen = []string{secret}, []string{"/x/" + secret}, []string{secret}
	})
	run, _ := w.GetRun("2")
	d, c, a := w.Denials("", 0)[0], w.Connections()[0], w.audits[0]
	for name, text := range map[string]string{
		"denial": d.Target + d.CommandLine + d.Program, "record": a.Target + a.CommandLine + a.Program, "the denial's rule": d.Rule, "the record's rule": a.Rule,
		"folder": run.Folder, "warnings": run.Warnings[0], "what waits": run.NeedsRun[0], "what is open": run.StillOpen[0],
		"connection": c.Route + c.Detail + c.Client + c.Program,
	} {
		if strings.Contains(text, secret) || !strings.Contains(text, "[REDACTED]") {
			t.Errorf("%s: %s", name, text)
		}
	}
	for _, e := range w.events {
		if e.Denial != nil && strings.Contains(e.Denial.CommandLine, secret) || e.Connection != nil && strings.Contains(e.Connection.Route, secret) || e.Denial != nil && strings.Contains(e.Denial.Rule, secret) {
			t.Error("an event holds it")
		}
	}
}
