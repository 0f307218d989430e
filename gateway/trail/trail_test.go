package trail

import (
	"fmt"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// Alike steps are one with a count, in the order in which they began, and a repeat costs
// no memory: a busy client asks thousands of times.
func TestAlikeStepsAreOne(t *testing.T) {
	now := time.Date(2026, 2, 25, 10, 0, 0, 0, time.UTC)
	trails := New(func() time.Time { now = now.Add(time.Second); return now })
	trails.Add("a", event.StepRequest, "health")
	trails.Add("b", event.StepRequest, "health")
	trails.Add("a", event.StepRefused, "health")
	trails.Add("a", event.StepRequest, "health")
	steps, more := trails.Of("a")
	if len(steps) != 2 || more != 0 || steps[0].Count != 2 || !steps[0].Last.Equal(now) || steps[0].Last.Sub(steps[0].First) != 3*time.Second || steps[1].Kind != event.StepRefused {
		t.Errorf("%+v, %d more", steps, more)
	}
	if n := testing.AllocsPerRun(100, func() { trails.Add("a", event.StepRequest, "health") }); n != 0 {
		t.Errorf("a repeat makes %v allocations", n)
	}
	steps[0].Count = 0
	if again, _ := trails.Of("a"); again[0].Count < 100 {
		t.Error("who reads the steps changes them")
	}
}

// However many connections there are, and whatever happens on them, memory is bounded:
// steps past the bound are counted, and the connection goes that had none for longest.
func TestTrailsAreBounded(t *testing.T) {
	trails := New(nil)
	for i := range maxSteps + 7 {
		trails.Add("busy", event.StepRefused, fmt.Sprint(i))
	}
	if steps, more := trails.Of("busy"); len(steps) != maxSteps || more != 7 {
		t.Errorf("%d steps, %d more", len(steps), more)
	}
	trails.Add("old", event.StepRequest, "health")
	for i := range maxConnections - 1 {
		trails.Add("busy", event.StepRequest, "health")
		trails.Add(fmt.Sprint(i), event.StepRequest, "health")
	}
	if steps, _ := trails.Of("old"); steps != nil {
		t.Errorf("the oldest is still there: %+v", steps)
	}
	if steps, _ := trails.Of("busy"); len(steps) != maxSteps {
		t.Error("one that has steps now went for it")
	}
	if len(trails.byID) != maxConnections || trails.order.Len() != maxConnections {
		t.Errorf("%d connections, %d in order", len(trails.byID), trails.order.Len())
	}
}
