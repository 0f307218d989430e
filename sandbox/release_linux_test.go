package sandbox_test

import (
	"errors"
	"testing"
)

// The command does not begin before it is released, whatever the mode of the cage, and
// never where it is not: then nothing ran.
func TestNothingRunsBeforeItIsReleased(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		w.write("work/here", "")
		w.allow("work")
		asked := 0
		spec := w.spec("sh", "-c", "echo > ~/work/ran")
		spec.Release = func() error {
			if asked++; w.exists("work/ran") {
				t.Error("it runs already")
			}
			return nil
		}
		_, wait := start(t, spec)
		if got := wait(); got.status.Code != 0 || asked != 1 || !w.exists("work/ran") {
			t.Errorf("asked %d times, %+v %s", asked, got.status, got.err)
		}

		unrecorded := errors.New("it is not on record")
		spec = w.spec("sh", "-c", "echo > ~/work/second")
		spec.Release = func() error { return unrecorded }
		if _, _, err := tryStart(t, spec); !errors.Is(err, unrecorded) {
			t.Errorf("start: %v", err)
		}
		if w.exists("work/second") {
			t.Error("what was not released ran")
		}
	})
}
