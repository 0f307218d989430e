package darwin

import (
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

func TestUnholdable(t *testing.T) {
	exists := func(name string) bool { return strings.HasPrefix(name, "/there/") }
	tests := []struct {
		name   string
		rule   policy.PathRule
		strict bool
	}{
		{"plain", policy.PathRule{Path: "/a/b", Effect: policy.Deny}, false},
		{"wide, allowed", policy.PathRule{Path: "/a/é", Effect: policy.Allow}, false},
		{"wide, there", policy.PathRule{Path: "/there/é", Effect: policy.Deny}, false},
		{"wide, not there", policy.PathRule{Path: "/a/é", Effect: policy.Deny}, true},
		{"wide pattern", policy.PathRule{Path: "/there/é*", Glob: true, Effect: policy.Deny}, true},
		{"not UTF-8", policy.PathRule{Path: "/a/\xff", Effect: policy.Deny}, true},
	}
	for _, test := range tests {
		strict := false
		for _, u := range Unholdable(&policy.Policy{Paths: []policy.PathRule{test.rule}}, exists) {
			strict = strict || u.Strict
			if u.Why == "" || u.Cure == "" {
				t.Errorf("%s: %+v", test.name, u)
			}
		}
		if strict != test.strict {
			t.Errorf("%s: strict %t", test.name, strict)
		}
	}
	p := &policy.Policy{Asks: []policy.Class{policy.ClassPathRead, policy.ClassNet}, Network: policy.NetworkRules{Outbound: true}}
	if got := Unholdable(p, exists); len(got) != 2 { // asks about the network are held
		t.Errorf("%+v", got)
	}
	p = &policy.Policy{Nested: true}
	if got := Unholdable(p, exists); len(got) != 1 || got[0].Rule != "nested: true" {
		t.Errorf("%+v", got)
	}
}
