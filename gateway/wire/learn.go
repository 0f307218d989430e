package wire

import "openclaw/sandbox/policy"

// MethodRunLearned puts on record what a run that learns is about to be let
// through to: LearnedParams → {}; only the run's own unix socket. What is not
// acknowledged is not let through.
const MethodRunLearned = "openclaw.runs.learned"

// MaxLearned bounds the accesses of one call.
const MaxLearned = 1000

// Learn asks for a run that learns: what no rule speaks of is let through and
// recorded.
type Learn struct {
	Network bool `json:"network"` // names and addresses too; never what is blocked
}

// LearnedParams are accesses of one run, each at its first time.
type LearnedParams struct {
	Run      string   `json:"run"`
	Accesses []Access `json:"accesses"`
}

// Access is one thing that a program is let through to, and the rule that would
// have refused it.
type Access struct {
	PID         int           `json:"pid"`
	Program     string        `json:"program"`
	CommandLine string        `json:"command_line"` // the agent's own words
	Class       policy.Class  `json:"class"`
	Operation   string        `json:"operation"`
	Target      string        `json:"target"`
	Rule        string        `json:"rule"`
	Origin      policy.Origin `json:"origin"`
	Mechanism   string        `json:"mechanism"`
}
