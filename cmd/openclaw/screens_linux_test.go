package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// TestTenScreensAndAStoppedOne: screens beside each other all show what is true, and
// one that is stopped holds up neither the gateway nor the others. When it goes
// on, it shows what is true by then, and its keys work.
func TestTenScreensAndAStoppedOne(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents: {one: {}}\n")
	screens := make([]*screen, 10)
	screens[0] = p.open("screen0", 120, 36, "tui")
	screens[0].shows("agents 0/1") // it starts the gateway
	// tmux wakes a stopped child of its own, and no grandchild.
	below := *p
	below.binary = "sh"
	screens[1] = below.open("screen1", 120, 36, "-c", p.binary+" tui; exit")
	for i := 2; i < len(screens); i++ {
		screens[i] = p.open(fmt.Sprint("screen", i), 120, 36, "tui")
	}
	for _, s := range screens {
		s.shows("agents 0/1")
	}
	stopped, pid := screens[1], 0
	all, parent := processes(t)
	for id, one := range all {
		if parent[id] == stopped.pane() && strings.HasPrefix(one.line, p.binary+" tui") {
			pid = id
		}
	}
	if pid == 0 {
		t.Fatal("no screen below the shell")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	p.eventually("the screen stands still", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && strings.Contains(string(stat), ") T ")
	})

	// More events than wait for one watcher: what the connections of a cage carry.
	c, err := client.Dial(t.Context(), client.Options{Socket: filepath.Join(p.home, ".openclaw", "run", "gateway.sock"), Name: "cli", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var run wire.RunStarted
	call := func(what, method string, params, result any) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Call(ctx, method, params, result); err != nil {
			t.Fatalf("%s: the gateway does not answer beside a stopped screen: %v", what, err)
		}
	}
	call("run.start", wire.MethodRunStart, wire.RunStartParams{Agent: "one", Command: []string{"true"}, Dir: p.home}, &run)
	rows := make([]event.Connection, 500)
	before, sent, lost := memory(t, p.gatewayPID()), 0, uint64(0)
	for ; lost == 0; sent += len(rows) {
		if sent == 200_000 {
			t.Fatal("nothing was lost: a stopped screen is not one")
		}
		for i := range rows {
			rows[i] = event.Connection{ID: fmt.Sprint(i), Route: "api.example.test:443", State: "open", BytesIn: int64(sent + i), Opened: time.Now()}
		}
		call("run.report", wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Connections: rows}, nil)
		var o event.Overview
		call("overview", wire.MethodOverview, nil, &o)
		lost = o.Dropped
	}
	grown := memory(t, p.gatewayPID()) - before
	t.Logf("%d events beside a stopped screen: %d lost for it, the gateway grew by %d kB", sent, lost, grown)
	const most = 64 << 10 // kB; 4,096 events wait for each screen, and Go's collector doubles it
	if grown > most {
		t.Errorf("the gateway grew by %d kB", grown)
	}
	p.configure("agents: {one: {}, two: {}}\n")
	for _, s := range screens {
		if s != stopped {
			s.shows("agents 1/2")
		}
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// What it missed is counted, and what is true by now is shown.
	stopped.shows("agents 1/2", "events missed")
	stopped.keys("8")
	stopped.shows("[8 Config]")
}
