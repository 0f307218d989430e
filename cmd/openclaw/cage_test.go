package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"openclaw/gateway"
	"openclaw/sandbox"
)

// cageWorks says why this machine cannot build a cage, or nothing.
var cageWorks = sync.OnceValue(func() string { //nolint:gochecknoglobals // one probe serves every test
	for _, m := range sandbox.Probe(context.Background()).Mechanisms {
		if !m.Enforced {
			return m.Name + ": " + m.Detail
		}
	}
	return ""
})

func requireCage(t *testing.T) {
	t.Helper()
	reason := cageWorks()
	required(t, reason == "", "no cage here: "+reason)
}

// required skips a test that this machine cannot run, or fails it where every
// test is required.
func required(t *testing.T, possible bool, reason string) {
	t.Helper()
	if possible {
		return
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("required and not possible here: " + reason)
	}
	t.Skip(reason)
}

// endGateway ends the gateway of a state folder, if one runs there. The number in the
// lock of one that was killed may be another process's by now, of another test or of
// anybody's: who holds the lock is asked, and not the file.
func endGateway(root string) {
	name := filepath.Join(root, "run", "gateway.lock")
	if _, err := os.Lstat(name); err != nil {
		return
	}
	lock, err := gateway.TakeLock(name)
	if err == nil {
		lock.Release()
		return
	}
	held, is := errors.AsType[*gateway.Error](err)
	if !is || held.Kind != gateway.KindRunning || held.PID == 0 {
		return
	}
	if process, err := os.FindProcess(held.PID); err == nil {
		_ = process.Kill() // it may have ended
	}
}
