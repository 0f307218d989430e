package policy

import "testing"

// Of a role and an agent the stricter answer to a narrower policy counts, and a
// change of it is one.
func TestOnNarrow(t *testing.T) {
	for _, test := range []struct {
		role, own OnNarrow
		want      OnNarrow
		from      string
	}{
		{"", "", NarrowFlag, ""},
		{NarrowFlag, "", NarrowFlag, ""},
		{"", NarrowStop, NarrowStop, "agents.coder.permissions.on_narrow"},
		{NarrowStop, "", NarrowStop, "roles.base.permissions.on_narrow"},
		{NarrowStop, NarrowFlag, NarrowStop, "roles.base.permissions.on_narrow"},
		{NarrowFlag, NarrowStop, NarrowStop, "agents.coder.permissions.on_narrow"},
	} {
		p, problems := Compile(Input{
			Agent: "coder", Home: "/home/ada", StateDir: "/home/ada/.openclaw", RoleKey: "roles.base", OwnKey: "agents.coder",
			Role: Permissions{OnNarrow: test.role}, Own: Permissions{OnNarrow: test.own},
		})
		if p == nil || p.OnNarrow != test.want || p.NarrowFrom.Key != test.from {
			t.Errorf("%+v: %+v %v", test, p, problems)
		}
	}
	if p, problems := Compile(Input{Agent: "coder", Home: "/home/ada", StateDir: "/home/ada/.openclaw", Own: Permissions{OnNarrow: "ask"}}); p != nil || len(problems) != 1 {
		t.Errorf("%v", problems)
	}
	flag, stop := compiled(t, "", "{}"), compiled(t, "", "{on_narrow: stop}")
	if c := Compare(flag, stop); !c.Limits || !c.Narrower || c.Wider {
		t.Errorf("%+v", c)
	}
}
