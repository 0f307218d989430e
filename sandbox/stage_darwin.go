package sandbox

import "openclaw/sandbox/darwin/stage"

// RunStage is the first thing that main and every TestMain of a program that
// starts cages calls. When the program was started as the inside of a cage it
// is that, and returns the status to exit with.
func RunStage(args []string) (handled bool, exit int) {
	if len(args) != 2 || args[1] != stage.Name {
		return false, 0
	}
	return true, stage.Run()
}
