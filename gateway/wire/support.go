package wire

// MethodSupport gives what a gateway knows of itself to a support bundle:
// SupportParams → SupportResult. It needs the gateway's own machine.
const MethodSupport = "openclaw.support"

// SupportParams bounds the lines of the log and of the audit log.
type SupportParams struct {
	Lines int `json:"lines"`
}

// SupportResult holds files of text. Every secret that the gateway can read is taken out
// of them.
type SupportResult struct {
	Files []SupportFile `json:"files"`

	// Unread are the secrets whose values could not be read, and so not looked for.
	Unread []string `json:"unread,omitempty"`
}

// SupportFile is a file of a support bundle.
type SupportFile struct {
	Name    string `json:"name"`
	About   string `json:"about"` // what is in it, for a person
	Content string `json:"content"`
}
