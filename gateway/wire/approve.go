package wire

import (
	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Methods of asks: requests of caged programs that are held for an answer.
const (
	MethodAskAsk    = "openclaw.asks.ask"    // AskParams → AskHeld; only the run's own unix socket
	MethodAskAlike  = "openclaw.asks.alike"  // AskAlikeParams → {}; as above
	MethodAskCancel = "openclaw.asks.cancel" // AskCancelParams → {}; as above
	MethodAsks      = "openclaw.asks.list"   // AsksParams → AsksResult
	MethodAskDecide = "openclaw.asks.decide" // AskDecideParams → AskDecided
	MethodAskUndo   = "openclaw.asks.undo"   // AskUndoParams → event.Ask
	MethodAskPause  = "openclaw.asks.pause"  // AskPauseParams → AskPaused

	EventAskVerdict   = "openclaw.ask.verdict"   // payload: AskVerdict; only to the supervisor that asked
	EventAskTakenBack = "openclaw.ask.takenback" // payload: AskTakenBack; only to the run's supervisor
)

// AskParams holds one request of a caged program. Number is the supervisor's
// own, unique on its connection; the verdict carries it. The verdict may
// overtake the answer to this call.
type AskParams struct {
	Run         string        `json:"run"`
	Number      uint64        `json:"number"`
	PID         int           `json:"pid"`
	Program     string        `json:"program"`
	CommandLine string        `json:"command_line"`
	Class       policy.Class  `json:"class"`
	Operation   string        `json:"operation"`
	Target      string        `json:"target"`
	Rule        string        `json:"rule"`
	Origin      policy.Origin `json:"origin"`
	Mechanism   string        `json:"mechanism"`
	Connection  string        `json:"connection,omitempty"` // as the supervisor knows it, where it is one that is held
}

// AskHeld names the row that the ask is part of. What a grant or a limit answers
// at once has its verdict here, and none is pushed.
type AskHeld struct {
	ID      string      `json:"id,omitempty"`
	Verdict *AskVerdict `json:"verdict,omitempty"`
}

// AskVerdict answers an AskParams.
type AskVerdict struct {
	Number uint64 `json:"number"`
	ID     string `json:"id,omitempty"`
	Allow  bool   `json:"allow"`
	Reason string `json:"reason,omitempty"` // of a denial: "ask: denied by you"
	Seen   int    `json:"seen,omitempty"`   // of a yes for once: the first requests that it is to, as AskAlikeParams counts them; 0: to all
}

// AskTakenBack says that an answer of the run's agent was undone: what a cage still lets
// pass by an earlier yes ends with it.
type AskTakenBack struct {
	Run string `json:"run"`
}

// AskAlikeParams says how many alike requests of one cage an ask stands for.
type AskAlikeParams struct {
	Run     string `json:"run"`
	Number  uint64 `json:"number"`
	Seen    int    `json:"seen"`    // in all
	Waiting int    `json:"waiting"` // those that nobody has given up
}

// AskCancelParams takes an ask back: nobody waits for its verdict any more.
type AskCancelParams struct {
	Run    string `json:"run"`
	Number uint64 `json:"number"`
	Missed bool   `json:"missed,omitempty"` // its time was over; otherwise the program is gone
}

// AsksParams filters asks. An empty agent is every agent.
type AsksParams struct {
	Agent string `json:"agent,omitempty"`
}

// AsksResult is the waiting rows and then the newest ended ones, each oldest
// first.
type AsksResult struct {
	Asks []event.Ask `json:"asks"`
}

// AskDecideParams answers an ask. Scope is "once" (default), "run" or "always";
// Match is "exact" (default), "host", "folder" or a domain, "*.example.com". An ID
// of event.PastID is a denial's, which only "always" answers.
type AskDecideParams struct {
	ID    string `json:"id"`
	Allow bool   `json:"allow"`
	Scope string `json:"scope,omitempty"`
	Match string `json:"match,omitempty"`
	Note  string `json:"note,omitempty"`
	// Preview decides nothing: it only says what "always" would write.
	Preview bool `json:"preview,omitempty"`
}

// AskDecided is the row after the answer. Resolved is false when somebody else
// had answered before, or when nothing was decided because of Preview.
type AskDecided struct {
	Resolved bool      `json:"resolved"`
	Ask      event.Ask `json:"ask"`
}

// AskPauseParams says that a person is at an ask on a screen: the one selected there, a
// moment after a key was pressed. Its clock then stands still for five seconds; a screen
// says it again every two, as long as it is so. All pauses together are no longer than the
// agent's ask_timeout.
type AskPauseParams struct {
	ID string `json:"id"`
}

// AskPaused says whether the clock stands still. It does not when the ask is over, and
// when it has stood still for as long as it may.
type AskPaused struct {
	Paused bool `json:"paused"`
}

// AskUndoParams takes back what an answer granted. An empty ID is the newest
// answer that can still be taken back.
type AskUndoParams struct {
	ID string `json:"id,omitempty"`
}
