package configs

import (
	"testing"
)

// Limits reach the policy in the units that a cage takes, with their places.
func TestLimitsReachThePolicy(t *testing.T) {
	snapshot, err := Parse("c.yaml", []byte("agents:\n  a:\n    limits:\n      memory: 2GB\n      pids: 64\n      cpu: 1.5\n  b:\n    limits: {memory: 536870912, cpu: 2}\n  c: {}\n"), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][3]int64{"a": {2 << 30, 64, 1500}, "b": {512 << 20, 0, 2000}, "c": {}} {
		p, err := snapshot.Policy(name)
		if err != nil {
			t.Fatal(err)
		}
		if r := p.Resources; [3]int64{r.Memory, r.PIDs, r.CPU} != want {
			t.Errorf("%s: %+v", name, r)
		}
	}
	p, err := snapshot.Policy("a")
	if err != nil || p.Resources.MemoryFrom.String() != "c.yaml:4" || p.Resources.CPUFrom.String() != "c.yaml:6" {
		t.Errorf("%+v %v", p.Resources, err)
	}
	for _, warning := range snapshot.Warnings {
		t.Errorf("warned: %v", warning)
	}
}

func TestCores(t *testing.T) {
	for text, want := range map[string]int64{"1": 1000, "1.5": 1500, "0.01": 10, " 2 ": 2000, "0.0001": 1, "0.3": 300} {
		if got, err := parseCores(text); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "many", "NaN", "Inf", "1e9"} {
		if got, err := parseCores(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
