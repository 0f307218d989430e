package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"openclaw/gateway/event"
)

// childMode makes the test binary be the program under test: it runs the screen
// on its own terminal and prints how it ended.
const childMode = "OPENCLAW_TEST_SCREEN"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "":
		os.Exit(m.Run())
	case "query":
		os.Exit(0) // package initialisation was all
	default:
		os.Exit(child(os.Getenv(childMode)))
	}
}

func child(mode string) int {
	demo := NewDemo()
	if mode == "first" {
		demo = NewDemoFirstRun()
	}
	o := Options{Backend: demo, Now: demo.Now, Version: "test"}
	if mode == "panic" {
		o.Backend = panicBackend{demo}
	}
	outcome, err := Run(context.Background(), o)
	if failed, ok := errors.AsType[*Panic](err); ok {
		fmt.Println("ended: panic:", failed.Value)
		return 1
	}
	fmt.Println("ended: stop =", outcome.StopGateway, "error =", err)
	return 0
}

// panicBackend fails while the screen runs.
type panicBackend struct{ *Demo }

func (panicBackend) Overview(context.Context) (event.Overview, error) { panic("on purpose") }

// lockedBuffer is a buffer that one goroutine writes and another reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
