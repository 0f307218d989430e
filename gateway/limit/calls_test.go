package limit

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// Bodies of one caller take their share of the memory and not more, and the
// others keep theirs.
func TestBodiesAreBoundedForOneAndForAll(t *testing.T) {
	calls := NewCalls()
	const piece = 1 << 20
	fill := func(caller string) (taken int, open []*Call) {
		for {
			call, ok := calls.Enter(caller, -1)
			if !ok {
				return taken, open
			}
			open = append(open, call)
			for range 64 {
				if !call.take(piece) {
					return taken, open
				}
				taken += piece
			}
		}
	}
	first, a := fill("coder")
	second, b := fill("reviewer")
	if first != BodiesOfOne || second != BodiesOfAll-BodiesOfOne {
		t.Errorf("%d and %d bytes", first, second)
	}
	if _, ok := calls.Enter("third", 1<<20); ok {
		t.Error("a body for which there is no room is let in")
	}
	if _, ok := calls.Enter("third", 0); !ok {
		t.Error("a call without a body is refused")
	}
	for _, call := range append(a, b...) {
		call.Leave()
	}
	if calls.bytes != 0 || len(calls.callers) != 1 {
		t.Errorf("%d bytes of %d callers are left", calls.bytes, len(calls.callers))
	}
}

func TestCallsOfOneCallerAreBounded(t *testing.T) {
	calls := NewCalls()
	for i := range CallsOfOne {
		if _, ok := calls.Enter("coder", 0); !ok {
			t.Fatalf("call %d is refused", i)
		}
	}
	if _, ok := calls.Enter("coder", 0); ok {
		t.Error("one too many is let in")
	}
	if _, ok := calls.Enter("reviewer", 0); !ok {
		t.Error("another caller pays for it")
	}
}

// A body whose length nobody told ends with an error that says "later", and what
// it took comes back.
func TestABodyPastTheRoomEndsAsASlowOne(t *testing.T) {
	calls := NewCalls()
	other, _ := calls.Enter("coder", -1)
	other.take(BodiesOfOne - 10)
	call, ok := calls.Enter("coder", -1)
	if !ok {
		t.Fatal("refused before it took anything")
	}
	text, err := io.ReadAll(call.Body(io.NopCloser(strings.NewReader(strings.Repeat("x", 11)))))
	if !errors.Is(err, os.ErrDeadlineExceeded) || len(text) != 0 {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	other.Leave()
	text, err = io.ReadAll(call.Body(io.NopCloser(strings.NewReader("hello"))))
	if err != nil || string(text) != "hello" {
		t.Fatal(string(text), err)
	}
}

func TestCallsAreSafeTogether(t *testing.T) {
	calls := NewCalls()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range 200 {
				if call, ok := calls.Enter(string(rune('a'+i%4)), -1); ok {
					_, _ = io.Copy(io.Discard, call.Body(io.NopCloser(strings.NewReader("0123456789"))))
					call.Leave()
				}
			}
		})
	}
	group.Wait()
	if calls.bytes != 0 || len(calls.callers) != 0 {
		t.Error("something is left")
	}
}
