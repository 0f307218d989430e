package wire

// Ending a run from outside.
const (
	MethodRunStop = "openclaw.runs.stop" // RunStopParams → {}; it is ended by its own supervisor

	EventRunStop = "openclaw.run.stop" // payload: RunStopParams; only to the run's supervisor
)

// RunStopParams names a run. It is asked to end and killed after five seconds;
// with Kill it is killed at once, with all that it started.
type RunStopParams struct {
	Run  string `json:"run"`
	Kill bool   `json:"kill,omitempty"`
}
