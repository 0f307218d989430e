package event

import (
	"strings"
	"time"

	"openclaw/sandbox/policy"
)

// KindAsk is about Ask: one was made, joined, answered, taken back, or ended by
// itself.
const KindAsk Kind = "ask"

// KindClock is about Clock.
const KindClock Kind = "clock"

// Clock says when an ask that waits is denied now: a person is at it on a screen, and
// its clock stands still until PausedUntil. Nothing else of the ask has changed.
type Clock struct {
	ID          string    `json:"id"`
	Deadline    time.Time `json:"deadline"`
	PausedUntil time.Time `json:"paused_until"`
}

// States of an Ask.
const (
	AskWaiting = "waiting" // held: nobody has answered yet
	AskAllowed = "allowed"
	AskDenied  = "denied" // by a person, by a policy that changed, or because the answer could not be recorded
	AskMissed  = "missed" // nobody answered in time: denied
	AskGone    = "gone"   // the program, its run or its supervisor ended first
	AskUndone  = "undone" // allowed, and the grant or the rule was taken back
	AskLimited = "limited"
	AskPast    = "past" // refused by a rule, and nobody was asked; it can be made a rule that allows
)

// PastID is the id that the denial with an id has among the asks.
func PastID(denial string) string { return pastPrefix + denial }

// DenialOf is the id of the denial that an ask's id stands for.
func DenialOf(ask string) (denial string, past bool) { return strings.CutPrefix(ask, pastPrefix) }

const pastPrefix = "denial-"

// Ask is a request of a caged program that is held until somebody answers.
// Alike asks (same agent, class, operation and target) are one row. An event
// about it carries the whole row.
type Ask struct {
	ID    string `json:"id"`
	State string `json:"state"`

	First    time.Time `json:"first"`             // when it was made
	Last     time.Time `json:"last"`              // when the newest alike one joined
	Count    int       `json:"count"`             // alike asks so far; of a limited row those that were denied unasked
	Waiting  int       `json:"waiting"`           // alike asks that are held now
	Deadline time.Time `json:"deadline,omitzero"` // of a waiting row: then it is denied

	PausedUntil time.Time `json:"paused_until,omitzero"` // of a waiting row: its clock stands still until then

	Agent       string        `json:"agent"`
	Run         string        `json:"run"` // this and the next three: of the newest that waits
	PID         int           `json:"pid"`
	Program     string        `json:"program"`
	CommandLine string        `json:"command_line"` // the agent's own words
	Class       policy.Class  `json:"class"`
	Operation   string        `json:"operation"`
	Target      string        `json:"target"`
	Rule        string        `json:"rule"` // why it is not allowed without asking
	Origin      policy.Origin `json:"origin"`
	Mechanism   string        `json:"mechanism"`

	Matches  []string `json:"matches,omitempty"`   // how far an answer for the run or for always may go: "exact", "host", "folder", "*.example.com"
	NoAlways string   `json:"no_always,omitempty"` // why "always" is not offered; empty: it is

	Decided   time.Time `json:"decided,omitzero"`
	Scope     string    `json:"scope,omitempty"` // "once", "run", "always"
	Match     string    `json:"match,omitempty"`
	By        string    `json:"by,omitempty"` // the client that answered
	Note      string    `json:"note,omitempty"`
	Reason    string    `json:"reason,omitempty"`  // the rule that a denial of it carries
	Wrote     string    `json:"wrote,omitempty"`   // the line of the config that "always" wrote
	Where     string    `json:"where,omitempty"`   // "config.yaml:12", of Wrote
	List      string    `json:"list,omitempty"`    // key of the list that Wrote stands in
	Lines     []string  `json:"lines,omitempty"`   // all that "always" changes in the file, each line with + or - before it
	Problem   string    `json:"problem,omitempty"` // why the rule could not be written; the answer then held once
	UndoUntil time.Time `json:"undo_until,omitzero"`
}

// Paused reports whether the clock of an ask that waits stands still.
func (a *Ask) Paused(now time.Time) bool { return a.State == AskWaiting && a.PausedUntil.After(now) }

// Left is how long an ask still waits for its answer, by a clock that stands still
// while it is paused.
func (a *Ask) Left(now time.Time) time.Duration {
	if a.Paused(now) {
		now = a.PausedUntil
	}
	return max(a.Deadline.Sub(now), 0)
}
