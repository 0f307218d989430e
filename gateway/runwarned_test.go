package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"openclaw/gateway/wire"
)

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// A denied file that has a second name is refused to nobody, and a run that no screen
// watches has no other place to say so than the log: each warning stands there once.
func TestWhatARunIsWarnedOfIsLogged(t *testing.T) {
	log := &logged{}
	h := build(t, newFolder(t), freePort(t), "", func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(log, nil)) }).run()
	c := h.local()
	run := startRun(t, c, "coder")
	const first, second = "/p/a is readable and another name of /p/key", "/p/b is readable and another name of /p/key"
	for _, warnings := range [][]string{{first}, {first}, nil, {first, second}} {
		if err := c.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Policy: "p", Warnings: warnings}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := log.count(first), log.count(second); a != 1 || b != 1 {
		t.Errorf("%d and %d times in the log", a, b)
	}
}
