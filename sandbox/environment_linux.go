//go:build !race

package sandbox

// stageEnvironment is init's environment: nothing.
func stageEnvironment() []string { return []string{} }
