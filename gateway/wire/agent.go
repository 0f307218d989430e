package wire

// AgentCreateParams is an agent to be added to the config. With Dry nothing is
// written: the answer says what would be.
type AgentCreateParams struct {
	Name    string   `json:"name"`
	Role    string   `json:"role,omitempty"`
	Paths   []string `json:"paths,omitempty"` // that it may read and write: absolute, or from "~" on
	Domains []string `json:"domains,omitempty"`
	Dry     bool     `json:"dry,omitempty"`
}
