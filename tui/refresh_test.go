package tui

import (
	"strings"
	"testing"
)

// The screen says that it fetches everything, and that it did: the first is not left
// standing when it is no longer so.
func TestWhatIsFetchedAnewIsSaidWhenItIsThere(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	if frame := strip(d.press("ctrl+r")); strings.Contains(frame, "fetching everything anew") || !strings.Contains(frame, "everything was fetched anew") {
		t.Errorf("it says something else:\n%s", frame)
	}
}
