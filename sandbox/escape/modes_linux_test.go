package escape_test

import (
	"testing"

	"openclaw/sandbox"
)

// mode is one way in which a cage can be built. Every attempt is made in each.
type mode struct {
	name string

	// set changes a world before the attempt's own preparation.
	set func(*world)

	// plain: the mode has no mounts, so it refuses a policy that denies a path
	// inside an allowed one.
	plain bool

	// proof fails the test if a cage was not built in this mode after all.
	proof func(testing.TB, sandbox.Report)
}

// modes are those that this machine can build.
func modes(testing.TB) []mode {
	return []mode{
		{name: "full"},
	}
}
