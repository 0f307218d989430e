package tui

import (
	"context"
	"errors"
	"os/exec"
	"slices"
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

// r looks at all of it anew and says how that went; i says which command will judge.
func TestAuditIsCheckedAnew(t *testing.T) {
	b := &chainBackend{Demo: NewDemo(), found: event.AuditChain{Status: event.ChainWhole, Records: 7, At: demoTime(20)}}
	d := newDriver(t, b, false, 120, 36)
	d.press("7")
	b.world.overview.Machine = append(b.world.overview.Machine, event.Mechanism{Name: "late", Detail: "gone since"})
	b.found.Records, b.looks = 9, 0
	frame := strip(d.press("r"))
	for _, want := range []string{"whole up to line 9", "1 of 8 mechanisms cannot be enforced here", "looked at anew: the chain, 3 records of the last hour, what this gateway found of 8 mechanisms"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	if b.looks != 1 {
		t.Errorf("%d looks", b.looks)
	}
	// A look at the chain that is still under way, as where the view was just opened, takes
	// no key away.
	d.s.verifying = true
	if frame = strip(d.press("i", "r")); !strings.Contains(frame, "looked at anew") {
		t.Errorf("the key is lost:\n%s", frame)
	}
	d.s.verifying = false
	b.failed = errors.New("the disk does not answer")
	if frame = strip(d.press("r")); !strings.Contains(frame, "not looked at: the disk does not answer") || !strings.Contains(frame, "not verified") {
		t.Errorf("\n%s", frame)
	}
	if frame = strip(d.press("i")); !strings.Contains(frame, "openclaw security audit, which is not built yet") {
		t.Errorf("\n%s", frame)
	}
}

// e opens the config at the agent that the record is about.
func TestARecordOpensTheConfigAtItsAgent(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	opened := []int{}
	d.s.edit = func(line int) (*exec.Cmd, error) { return nil, nil }
	look := func() {
		d.press("e")
		if !d.s.editing {
			t.Fatalf("no editor:\n%s", strip(d.frame()))
		}
		opened, d.s.editing = append(opened, d.s.editAt), false
	}
	d.press("4", "7", "g")
	look()
	d.press("G")
	look()
	if line := d.s.data.Details["coder"].Policy.Default.Line; line == 0 || !slices.Equal(opened, []int{line, 0}) {
		t.Errorf("opened at %v, coder stands at %d", opened, line)
	}
}
