package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

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
	if mode == "generate" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		events, _ := floodBackend{demo}.Events(ctx)
		for range events {
		}
		return 0
	}
	if mode == "first" {
		demo = NewDemoFirstRun()
	}
	o := Options{Backend: demo, Now: demo.Now, Version: "test"}
	if mode == "panic" {
		o.Backend = panicBackend{demo}
	}
	if mode == "flood" {
		o.Backend, o.Now = floodBackend{demo}, nil
	}
	if mode == "slow" {
		o.Backend = floodBackend{demo}
	}
	outcome, err := Run(context.Background(), o)
	if failed, ok := errors.AsType[*Panic](err); ok {
		fmt.Println("ended: panic:", failed.Value)
		return 1
	}
	fmt.Println("ended: stop =", outcome.StopGateway, "error =", err)
	return 0
}

// floodBackend sends 10,000 events a second, a tenth of them denials. It is for
// measuring by hand:
//
//	OPENCLAW_TEST_SCREEN=flood ./tui.test
//
// OPENCLAW_TEST_SCREEN=generate does nothing but send them: what of that is not the
// screen's. OPENCLAW_TEST_SCREEN=demo stands still.
type floodBackend struct{ *Demo }

func (floodBackend) Events(ctx context.Context) (<-chan []event.Event, error) {
	out := make(chan []event.Event, 64)
	go func() {
		defer close(out)
		for n := 0; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			batch := make([]event.Event, 0, 100)
			for range 100 {
				n++
				e := event.Event{Seq: uint64(n), Time: time.Now()}
				if n%10 == 0 {
					d := demoDenial(fmt.Sprint("d", n%5000), 0, n, "coder", "net", "connect", "registry.example.test:443", "node", builtIn("x"), "no rule", "egress")
					d.Last = e.Time
					e.Denial = &d
				} else {
					l := demoLog(0, "INFO", "gateway", "request", "agent=coder route=/v1/messages")
					e.Log = &l
				}
				batch = append(batch, e)
			}
			if !pass(ctx, out, batch...) {
				return
			}
		}
	}()
	return out, nil
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
