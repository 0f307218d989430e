package wire

// MethodLogsScrub puts the log that is on the disk through the rules and values
// of now: LogsScrubParams → LogsScrubbed. It needs the gateway's own machine.
const MethodLogsScrub = "openclaw.logs.scrub"

// LogsScrubParams says whether anything is changed.
type LogsScrubParams struct {
	DryRun bool `json:"dry_run,omitempty"`
}

// LogsScrubbed is what was found, a file of the log each.
type LogsScrubbed struct {
	Files []ScrubbedFile `json:"files"`

	// Unread are the secrets whose values could not be read, and so not looked for.
	Unread []string `json:"unread,omitempty"`
}

// ScrubbedFile is one file of the log.
type ScrubbedFile struct {
	Path    string `json:"path"`
	Lines   int    `json:"lines"`
	Changed int    `json:"changed"` // lines in which something is taken out
}
