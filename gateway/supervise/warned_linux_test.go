package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// watching is a gateway that a test hears the reports of. It stands for the real one,
// which shows them on the screen.
type watching struct {
	answering
	reports chan wire.RunReportParams
}

func (w *watching) Call(ctx context.Context, method string, params, result any) error {
	if method == wire.MethodRunRecorded { // it is one of before there was this question
		return wire.UnknownMethod(method)
	}
	if report, ok := params.(wire.RunReportParams); ok {
		w.reports <- report
	}
	return w.answering.Call(ctx, method, params, result)
}

// What comes to be the matter with a run while its command runs is told then: a file that
// somebody outside makes, and that the policy denies, may have been readable for a moment.
// At the end the person at its terminal is told it as well.
func TestWhatARunIsWarnedOfIsToldWhileItRuns(t *testing.T) {
	t.Parallel()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compiled, work := inWork(t)
	here, stop := filepath.Join(work, "here"), filepath.Join(work, "stop")
	sub := filepath.Join(work, "sub") // bound natively, since nothing in it is denied so far
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	started, err := json.Marshal(wire.RunStarted{
		Run: "r1", Policy: compiled, Gateway: "127.0.0.1:1", Command: []string{"sh", "-c", "echo > " + here + "; until [ -e " + stop + " ]; do sleep 0.05; done"},
	})
	if err != nil {
		t.Fatal(err)
	}
	gateway := &watching{answering: answering{answer: string(started)}, reports: make(chan wire.RunReportParams, 100)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a run that hears of nothing is ended
	defer cancel()
	over := make(chan error, 1)
	var said []string // read when it is over
	options := caged(cage, gateway, work)
	options.Terminal, options.Warn = event.OnTerminal, func(text string) { said = append(said, text) }
	go func() {
		_, err := Run(ctx, options)
		over <- err
	}()
	made := false
	for told := false; !told; {
		select {
		case err := <-over:
			if lacks, ok := errors.AsType[*sandbox.Error](err); ok && lacks.Kind == sandbox.KindMissing {
				require(t, "there is no cage here: "+err.Error())
			}
			t.Fatal("it ended before it was told:", err)
		case report := <-gateway.reports:
			told = strings.Contains(strings.Join(report.Warnings, "\n"), ".env came to match a denied pattern")
		case <-time.After(20 * time.Millisecond):
			if _, err := os.Lstat(here); err == nil && !made {
				made = true
				if err := os.WriteFile(filepath.Join(sub, ".env"), []byte("PASSWORD"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
	if !strings.Contains(strings.Join(said, "\n"), ".env came to match a denied pattern") {
		t.Errorf("at its end: %q", said)
	}
}
