package keychain

// TraceableVariable names the variable of the environment that leaves a process
// open to debuggers and cores: for who debugs openclaw itself. Any value but
// the empty one does. A gateway that runs so says it in its log at every start.
const TraceableVariable = "OPENCLAW_TRACEABLE"

// MemoryError says what of HideMemory the system refused.
type MemoryError struct {
	Op   string
	Err  error
	Hint string
}

func (e *MemoryError) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *MemoryError) Unwrap() error { return e.Err }
