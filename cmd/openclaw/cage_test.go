package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

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

// stopLeftover ends the gateway of a state folder.
func stopLeftover(root string) {
	text, err := os.ReadFile(filepath.Join(root, "run", "gateway.lock"))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 0 {
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Kill()
		}
	}
}
