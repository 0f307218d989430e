package policy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func yes() *bool { v := true; return &v }

func no() *bool { v := false; return &v }

func nestedInput(role, own *bool) Input {
	return Input{
		Agent: "coder", Home: "/home/me", StateDir: "/home/me/.openclaw", RoleKey: "roles.r", Role: Permissions{Nested: role}, Own: Permissions{Nested: own},
		Where: func(key string) (string, int) { return "config.yaml", len(key) },
	}
}

// Sandboxes inside the cage are opened only where everybody with a word on the
// agent says so, and a refusal names who does not.
func TestNestedNeedsBoth(t *testing.T) {
	for _, c := range []struct {
		role, own *bool
		want      bool
		from      string
	}{
		{yes(), yes(), true, "agents.coder.permissions.nested"},
		{no(), yes(), false, "roles.r.permissions.nested"},
		{yes(), no(), false, "agents.coder.permissions.nested"},
		{nil, yes(), false, "roles.r.permissions"},
		{yes(), nil, false, "agents.coder.permissions"},
		{nil, nil, false, ""},
	} {
		p, problems := Compile(nestedInput(c.role, c.own))
		if p == nil || p.Nested != c.want || p.NestedFrom.Key != c.from {
			t.Errorf("role %v, own %v: %+v %v", c.role, c.own, p, problems)
		}
	}
	alone := nestedInput(nil, yes())
	alone.RoleKey = ""
	if p, _ := Compile(alone); !p.Nested {
		t.Error("an agent without a role has nobody else to ask")
	}
	still := nestedInput(yes(), yes())
	still.Role.ExecuteCommands = no() // code in a file system of its own would run
	if p, problems := Compile(still); p.Nested || p.NestedFrom.Key != "roles.r.permissions.execute_commands" || len(problems) != 1 || !strings.Contains(problems[0].Message, "no effect") {
		t.Errorf("without programs: %+v %v", p.NestedFrom, problems)
	}
}

func TestResources(t *testing.T) {
	in := nestedInput(nil, nil)
	in.Limits = Resources{Memory: 2 << 30, PIDs: 200, CPU: 1500}
	p, problems := Compile(in)
	if p == nil || p.Resources.Memory != 2<<30 || p.Resources.MemoryFrom.Key != "agents.coder.limits.memory" || p.Resources.CPUFrom.Line == 0 {
		t.Fatalf("%+v %v", p, problems)
	}
	if got := p.Resources.Lines(); !slices.Equal(got, []string{"limits: memory 2GiB", "limits: pids 200", "limits: cpu 1.5"}) {
		t.Errorf("%q", got)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := json.Unmarshal(text, &back); err != nil || back.Resources != p.Resources || back.NestedFrom != p.NestedFrom {
		t.Errorf("%v: it does not travel: %s", err, text)
	}
	for _, bad := range []Resources{{Memory: 1 << 20}, {Memory: -1}, {PIDs: -1}, {PIDs: 1 << 30}, {CPU: 1}, {CPU: 1 << 40}} {
		in.Limits = bad
		p, problems := Compile(in)
		if p != nil || len(problems) != 1 || !strings.Contains(problems[0].Key, ".limits.") {
			t.Errorf("%+v was taken: %v", bad, problems)
		}
	}
}

// A limit that is lowered or added narrows; one that is raised or taken away
// widens; the same for nesting.
func TestResourcesNarrow(t *testing.T) {
	with := func(r Resources, nested *bool) *Policy {
		in := nestedInput(nested, nested)
		in.Limits = r
		p, problems := Compile(in)
		if p == nil {
			t.Fatal(problems)
		}
		return p
	}
	none, some, less := with(Resources{}, nil), with(Resources{Memory: 1 << 30, PIDs: 100, CPU: 2000}, nil), with(Resources{Memory: 1 << 29, PIDs: 100, CPU: 2000}, nil)
	for _, c := range []struct {
		name            string
		old, new        *Policy
		narrower, wider bool
	}{
		{"added", none, some, true, false}, {"lowered", some, less, true, false}, {"raised", less, some, false, true}, {"lifted", some, none, false, true},
		{"opened", none, with(Resources{}, yes()), false, true}, {"closed", with(Resources{}, yes()), none, true, false},
	} {
		changes := Compare(c.old, c.new)
		if slices.Contains(changes.Added, "nested: true") != (c.name == "opened") || slices.Contains(changes.Removed, "nested: true") != (c.name == "closed") {
			t.Errorf("%s: added %q, removed %q", c.name, changes.Added, changes.Removed)
		}
		if !changes.Limits || changes.Narrower != c.narrower || changes.Wider != c.wider || Narrower(c.old, c.new) == c.wider {
			t.Errorf("%s: %+v", c.name, changes)
		}
		if c.old.Version == c.new.Version {
			t.Errorf("%s: the version stays", c.name)
		}
	}
	moved := with(Resources{PIDs: 100}, nil)
	moved.Resources.PIDsFrom.Line = 99
	if c := Compare(with(Resources{PIDs: 100}, nil), moved); !c.None() {
		t.Errorf("another line is no change: %+v", c)
	}
}
