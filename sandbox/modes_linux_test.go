package sandbox_test

import (
	"os"
	"testing"

	"openclaw/sandbox/policy"
)

// modes runs a test in a full cage and in the reduced mode.
func modes(t *testing.T, test func(t *testing.T, newWorld func(testing.TB) *world)) {
	t.Helper()
	t.Run("full", func(t *testing.T) { test(t, newWorld) })
	t.Run("reduced", func(t *testing.T) {
		test(t, func(tb testing.TB) *world { tb.Helper(); return newWorld(tb).reduced() })
	})
}

// supervised is the environment of a supervisor whose command is the script, in the
// mode of the world.
func (w *world) supervised(script string) []string {
	environment := append(os.Environ(), supervisorVariable+"="+w.home, scriptVariable+"="+script)
	if w.perms.Enforce == policy.EnforceReduced {
		environment = append(environment, reducedVariable+"=1")
	}
	return environment
}
