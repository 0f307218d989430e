package wire

// Ending a run from outside, and reading what it said.
const (
	MethodRunStop   = "openclaw.runs.stop"   // RunStopParams → {}; it is ended by its own supervisor
	MethodRunOutput = "openclaw.runs.output" // RunOutputParams → RunOutput; of runs whose output is kept

	EventRunStop = "openclaw.run.stop" // payload: RunStopParams; only to the run's supervisor
)

// RunStopParams names a run. It is asked to end and killed after five seconds;
// with Kill it is killed at once, with all that it started. With Restart its
// supervisor starts the same command again, in the same place, as a new run.
type RunStopParams struct {
	Run     string `json:"run"`
	Kill    bool   `json:"kill,omitempty"`
	Restart bool   `json:"restart,omitempty"`
}

// RunOutputParams asks for what follows Cursor, which is the one of the answer
// before; 0 is the newest lines. Lines is at most how many, 500 for 0.
type RunOutputParams struct {
	Run    string `json:"run"`
	Cursor int64  `json:"cursor,omitempty"`
	Lines  int    `json:"lines,omitempty"`
}

// RunOutput is whole lines of a run's output, redacted when they were written.
// Open is what follows the last of them, up to what may still become a secret; it
// is not part of what Cursor counts.
type RunOutput struct {
	Cursor    int64    `json:"cursor"`
	Lines     []string `json:"lines"`
	Open      string   `json:"open,omitempty"`
	Truncated bool     `json:"truncated,omitempty"` // older ones were left out
	Reset     bool     `json:"reset,omitempty"`     // they do not follow the ones before
}
