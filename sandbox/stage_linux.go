package sandbox

import (
	"openclaw/sandbox/linux/keeper"
	"openclaw/sandbox/linux/resident"
	"openclaw/sandbox/linux/stage"
)

// RunStage is the first thing that main and every TestMain of a program that
// starts cages calls. When the program was started as the inside of a cage it
// is that, and returns the status to exit with.
func RunStage(args []string) (handled bool, exit int) {
	switch {
	case len(args) == 0:
		return false, 0
	case args[0] == stage.Name:
		return true, stage.Run()
	case args[0] == proberName:
		return true, prober()
	case keeper.Handles(args[0]):
		return true, keeper.Run(args[0])
	}
	return false, 0
}

// LeaveProgram gives back what this process has in memory of its program's file and
// has not changed; see package resident. A supervisor that has started its cage needs
// little of it; the kernel brings that back as it is used.
func LeaveProgram() { resident.LeaveProgram() }
