package main

import (
	"strings"
	"testing"
)

// A path of the config that holds a value which the gateway knows is shown without it, in
// a policy and in an answer of it, as text and as JSON; the answer stays what it is.
func TestAPolicyIsShownWithoutASecret(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder:\n    permissions: {denied_paths: ['/srv/" + knownCanary + "']}\n")
	p.gateway()
	p.says("vault", "init", "--key-file")
	if r := p.given(knownCanary, "secrets", "set", "anthropic", "-"); r.code != 0 {
		t.Fatal(r)
	}
	p.says("secrets", "test", "vault://anthropic") // from here on the gateway knows it
	for _, line := range []struct {
		code int
		args []string
	}{
		{0, []string{"agent", "show", "coder"}}, {0, []string{"agent", "show", "--all", "--json", "coder"}},
		{exitRefused, []string{"agent", "test", "coder", "read", "/srv/" + knownCanary + "/x"}},
		{exitRefused, []string{"agent", "test", "--trace", "coder", "write", "/srv/" + knownCanary}},
		{exitRefused, []string{"agent", "test", "--json", "coder", "read", "/srv/" + knownCanary}},
	} {
		r := p.openclaw(line.args...)
		if r.code != line.code || !strings.Contains(r.out, "/srv/[REDACTED]") || strings.Contains(r.out+r.errors, knownCanary) {
			t.Errorf("%q: %+v", line.args, r)
		}
	}
}
