package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// chainBackend finds what a test says of the audit log's chain.
type chainBackend struct {
	*Demo
	found  event.AuditChain
	failed error
	looks  int
}

func (b *chainBackend) VerifyAudit(context.Context) (event.AuditChain, error) {
	b.looks++
	return b.found, b.failed
}

// Audit says whether the chain is whole, and where it is not and what to do; v looks
// again.
func TestAuditShowsItsChain(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		b := &chainBackend{Demo: NewDemo(), found: event.AuditChain{Path: "/home/ada/.openclaw/logs/audit.log", Status: event.ChainWhole, Records: 48112, At: demoTime(20)}}
		d := newDriver(t, b, false, size[0], size[1])
		frame := strip(d.press("7"))
		if !strings.Contains(frame, "whole up to line 48112, looked at 11:30:20") || b.looks != 1 {
			t.Errorf("%v: %d looks:\n%s", size, b.looks, frame)
		}
		b.found.Status, b.found.Line, b.found.Detail = event.ChainGap, 12, "record 14 follows record \x1b[31m11"
		frame = strip(d.press("v"))
		for _, want := range []string{"broken at ", "audit.log:12", "record 14 follows record", "copy the file before anything else"} {
			if !strings.Contains(frame, want) {
				t.Errorf("%v: no %q:\n%s", size, want, frame)
			}
		}
		sound(t, frame, size[0], size[1])
		b.failed = errors.New("no such method")
		if frame = strip(d.press("v")); !strings.Contains(frame, "not verified: no such method") || strings.Contains(frame, "broken") {
			t.Errorf("%v: a look that failed:\n%s", size, frame)
		}
	}
}
