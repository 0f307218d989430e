package learn

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

func asked(target string) sandbox.Denial {
	return sandbox.Denial{Class: policy.ClassPathRead, Operation: "open", Target: target, Rule: "not in allowed_paths", Count: 1}
}

// Nothing is let through before it is on record, and alike accesses are one.
func TestNothingIsLetThroughUnrecorded(t *testing.T) {
	hold := make(chan struct{})
	var mu sync.Mutex
	var recorded []wire.Access
	r := &Recorder{}
	r.Commit(func(_ context.Context, list []wire.Access) error {
		<-hold
		mu.Lock()
		defer mu.Unlock()
		recorded = append(recorded, list...)
		return nil
	})
	var group sync.WaitGroup
	let := make(chan string, 100)
	for n := range 50 {
		group.Go(func() {
			target := fmt.Sprint("/", n%5)
			if allow, err := r.Ask(t.Context(), asked(target)); allow && err == nil {
				let <- target
			}
		})
	}
	select {
	case target := <-let:
		t.Fatalf("%s was let through and is not on record", target)
	case <-time.After(50 * time.Millisecond):
	}
	if n := len(r.Accesses()); n != 0 {
		t.Errorf("%d accesses are said to be on record", n)
	}
	close(hold)
	group.Wait()
	r.Close()
	if len(let) != 50 || len(recorded) != 5 {
		t.Errorf("%d were let through, %d recorded", len(let), len(recorded))
	}
	total := 0
	for _, a := range r.Accesses() {
		total += a.Count
	}
	if total != 50 {
		t.Errorf("%d counted", total)
	}
}

// What cannot be recorded is refused, is no access, and is tried again.
func TestAFailedRecordRefuses(t *testing.T) {
	broken := errors.New("the disk is full")
	r := &Recorder{}
	r.Commit(func(context.Context, []wire.Access) error { return broken })
	if allow, err := r.Ask(t.Context(), asked("/a")); allow || !errors.Is(err, broken) {
		t.Errorf("%v %v", allow, err)
	}
	if len(r.Accesses()) != 0 {
		t.Error("it is an access")
	}
	broken = nil
	if allow, err := r.Ask(t.Context(), asked("/a")); !allow || err != nil {
		t.Errorf("%v %v", allow, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	hold := make(chan struct{})
	r.Commit(func(context.Context, []wire.Access) error { <-hold; return nil })
	if allow, err := r.Ask(gone, asked("/b")); allow || err == nil {
		t.Errorf("%v %v", allow, err)
	}
	close(hold)
	r.Close()
}

// Memory is bounded, and so is one record; past the bound it is refused.
func TestARecorderIsBounded(t *testing.T) {
	r := &Recorder{}
	var mu sync.Mutex
	largest := 0
	r.Commit(func(_ context.Context, list []wire.Access) error {
		mu.Lock()
		defer mu.Unlock()
		largest = max(largest, len(list))
		return nil
	})
	var group sync.WaitGroup
	for part := range 100 {
		group.Go(func() {
			for n := range maxAccesses / 100 {
				if allow, _ := r.Ask(t.Context(), asked(fmt.Sprint("/", part, "/", n))); !allow {
					t.Error("refused")
				}
			}
		})
	}
	group.Wait()
	if allow, err := r.Ask(t.Context(), asked("/more")); allow || !errors.Is(err, ErrTooMany) {
		t.Errorf("%v %v", allow, err)
	}
	if allow, err := r.Ask(t.Context(), asked("/0/0")); !allow || err != nil {
		t.Errorf("a known one: %v %v", allow, err)
	}
	for n := range 3 * maxRefusals {
		d := asked(fmt.Sprint("/", n))
		d.Rule = "built-in: SSH keys"
		r.Denied(d)
	}
	total := 0
	for _, one := range r.Refusals() {
		total += one.Count
	}
	if n := len(r.Refusals()); n > maxRefusals+1 || total != 3*maxRefusals {
		t.Errorf("%d refusals, %d counted", n, total)
	}
	if largest > wire.MaxLearned {
		t.Errorf("%d in one record", largest)
	}
}
