package supervise

import (
	"path/filepath"
	"slices"
	"testing"

	"openclaw/gateway/event"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A folder that a run was warned of as missing, and that is there when it ends, is said
// no more; one that still is not there, and what is no matter of time, are.
func TestWhatARunHasMadeIsNotMissingAtItsEnd(t *testing.T) {
	made, missing := t.TempDir(), filepath.Join(t.TempDir(), "missing")
	unmet := func(path string, kind policy.UnmetKind) policy.Unmet {
		return policy.Unmet{Path: path, Kind: kind, Reason: path + " does not exist", Cure: "make it"}
	}
	list := []policy.Unmet{unmet(made, policy.UnmetMissing), unmet(missing, policy.UnmetMissing), unmet(filepath.Dir(made), policy.UnmetOwn)}
	report := sandbox.Report{Unmet: list, Warnings: []string{list[0].String(), "another name of a key", list[1].String(), list[2].String()}}
	if got := stillSo(report); !slices.Equal(got, []string{"another name of a key", list[1].String(), list[2].String()}) {
		t.Errorf("%q", got)
	}
	if len(report.Warnings) != 4 || report.Warnings[0] != list[0].String() {
		t.Errorf("the report itself is changed: %q", report.Warnings)
	}
}

// Who started a run at a terminal is told of a denied file that could be read by another
// name, also when no screen was open; who reads the output by a program is not.
func TestWhatARunWasWarnedOfIsSaidAtItsEnd(t *testing.T) {
	for _, c := range []struct {
		terminal string
		warnings []string
		want     string
	}{
		{event.OnTerminal, nil, ""},
		{event.OnTerminal, []string{"/p/a is another name of /p/key"}, "/p/a is another name of /p/key"},
		{event.OnTerminal, []string{"/p/a is another name of /p/key", "x", "y"}, "/p/a is another name of /p/key; and 2 more of this kind: 'openclaw logs' says which"},
		{event.OnPipe, []string{"/p/a is another name of /p/key"}, ""},
		{event.Kept, []string{"/p/a is another name of /p/key"}, ""},
	} {
		o := &Options{Agent: "coder", Terminal: c.terminal}
		if got := o.warnedInAll(c.warnings); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.terminal, c.warnings, got, c.want)
		}
	}
}
