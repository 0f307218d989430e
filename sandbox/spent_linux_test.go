package sandbox_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"openclaw/sandbox"
)

// Where a limit of namespaces refuses them, the cure that is named is that limit, and
// no setting that would change nothing.
func TestProbeNamesTheLimitOfNamespaces(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"user", "net"} {
		// The program is the one that finds out what the machine can do, by its name.
		script := `echo 0 > /proc/sys/user/max_` + kind + `_namespaces && exec -a openclaw-probe "$0"`
		out, err := exec.CommandContext(t.Context(), "unshare", "-r", "bash", "-c", script, program).Output()
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		var found sandbox.Capabilities
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("%s: %v in %q", kind, err, out)
		}
		first := found.Mechanisms[0]
		if first.Name != "user namespace" || first.Enforced || !strings.Contains(first.Fix, "user.max_"+kind+"_namespaces") || strings.Contains(first.Fix, "AppArmor") {
			t.Errorf("%s: %+v", kind, first)
		}
	}
}

// Where descriptors are what a start lacks, the cure that is named is more of them: who
// is told to allow namespaces there opens the machine for nothing.
func TestProbeNamesTheLimitOfOpenFiles(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for limit := 8; limit <= 24; limit++ { // where namespaces are what fails depends on what the runtime has open
		script := `ulimit -n ` + strconv.Itoa(limit) + ` && exec -a openclaw-probe "$0"`
		out, err := exec.CommandContext(t.Context(), "bash", "-c", script, program).Output()
		var found sandbox.Capabilities
		if err != nil || json.Unmarshal(out, &found) != nil || len(found.Mechanisms) == 0 {
			continue // too few for the program itself
		}
		first := found.Mechanisms[0]
		if first.Name != "user namespace" || first.Enforced || !strings.Contains(first.Detail, "too many open files") {
			continue
		}
		seen++
		if !strings.Contains(first.Fix, "ulimit -n") || strings.Contains(first.Fix, "AppArmor") {
			t.Errorf("%d: %+v", limit, first)
		}
	}
	if seen == 0 {
		t.Error("no limit of open files was met where namespaces are made")
	}
}
