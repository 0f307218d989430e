package gateway

import (
	"errors"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// A run that learns is marked, asks about what is unsaid, and is told that
// nothing may pass that is not on record. No other run learns.
func TestLearningIsOnRecord(t *testing.T) {
	h := start(t, "")
	local := h.local()
	access := []wire.Access{{Class: policy.ClassPathRead, Operation: "open", Target: "/home/u/notes", Rule: "not in allowed_paths"}}
	plain := startRun(t, local, "coder")
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunLearned, wire.LearnedParams{Run: plain.Run, Accesses: access}, nil)); refusal.Code != wire.CodeForbidden {
		t.Errorf("a run that does not learn: %+v", refusal)
	}
	var run wire.RunStarted
	params := wire.RunStartParams{Agent: "coder", Command: []string{"true"}, PID: os.Getpid(), Learn: &wire.Learn{Network: true}}
	if err := local.Call(t.Context(), wire.MethodRunStart, params, &run); err != nil {
		t.Fatal(err)
	}
	notes := policy.Request{Class: policy.ClassPathRead, Path: run.Policy.Home + "/notes"}
	if run.Policy.Decide(notes).Effect != policy.Ask || plain.Policy.Decide(notes).Effect != policy.Deny {
		t.Errorf("%+v, and another run %+v", run.Policy.Decide(notes), plain.Policy.Decide(notes))
	}
	if err := local.Call(t.Context(), wire.MethodRunLearned, wire.LearnedParams{Run: run.Run, Accesses: access}, nil); err != nil {
		t.Fatal(err)
	}
	if got := h.audited("learn"); len(got) != 1 || got[0].Path != "/home/u/notes" || got[0].User != "coder" || got[0].Result != "allowed" || got[0].Details["run"] != run.Run {
		t.Errorf("%+v", got)
	}
	if got := h.audited("run_start"); len(got) != 2 || got[0].Details["learn"] != false || got[1].Details["learn"] != true {
		t.Errorf("%+v", got)
	}
	// A supervisor that comes back does not change what its run is.
	var resumed wire.RunStarted
	resume := wire.RunResumeParams{Run: plain.Run, Agent: "coder", Token: plain.Token, PID: os.Getpid(), Learn: &wire.Learn{}}
	if err := local.Call(t.Context(), wire.MethodRunResume, resume, &resumed); err != nil || resumed.Policy.Version != plain.Policy.Version {
		t.Errorf("%v %+v", err, resumed)
	}
	if refusal := refusalOf(t, h.local().Call(t.Context(), wire.MethodRunLearned, wire.LearnedParams{Run: run.Run, Accesses: access}, nil)); refusal.Code != wire.CodeNotFound {
		t.Errorf("another connection: %+v", refusal)
	}
	many := make([]wire.Access, wire.MaxLearned+1)
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunLearned, wire.LearnedParams{Run: run.Run, Accesses: many}, nil)); !strings.Contains(refusal.Message, "too many") {
		t.Errorf("%+v", refusal)
	}
	h.breakAudit(errors.New("disk full"))
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunLearned, wire.LearnedParams{Run: run.Run, Accesses: access}, nil)); refusal.Code != wire.CodeUnavailable {
		t.Errorf("without a record: %+v", refusal)
	}
}
