package wire

// ConfigRollbackParams names a version of the config's history. With Dry nothing is
// changed: the answer says what would be.
type ConfigRollbackParams struct {
	Version int  `json:"version"`
	Dry     bool `json:"dry,omitempty"`
}
