//go:build race

package sandbox

// stageEnvironment is init's environment in a program under the race detector,
// which otherwise waits a second before it ends.
func stageEnvironment() []string { return []string{"GORACE=atexit_sleep_ms=0"} }
