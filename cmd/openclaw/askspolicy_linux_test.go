package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A policy that changes while a request is held answers it where it does not ask any more:
// the program goes on, or is refused by the new rule, and nobody is left to be asked.
func TestAPolicyThatChangesDuringAnAsk(t *testing.T) {
	t.Parallel()
	const agent, other = "agents:\n  coder:\n    permissions:\n      ask: [path.read, net]\n", "      network: {allowed_domains: [other.example]}\n"
	for name, row := range map[string]struct {
		config, said, rule string // of what is read
		asked              bool   // the connection is asked about still
	}{
		"it allows":           {agent + "      allowed_paths: [~/projects/one]\n" + other, "this is one", "", true},
		"it denies":           {agent + "      denied_paths: [~/projects/one]\n" + other, "Permission denied", "denied_paths: ~/projects/one", true},
		"it asks no more":     {strings.Replace(agent, "path.read, net", "exec", 1) + other, "Permission denied", "ask: the policy changed: not in allowed_paths", false},
		"no such agent":       {"agents:\n  other: {}\n", "Permission denied", "", false},
		"it has another name": {strings.Replace(agent, "coder", "coder2", 1) + other, "Permission denied", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := askerFor(t, "path.read, net", "")
			one := filepath.Join(p.home, "projects", "one")
			c.tell("curl -sS -m 50 http://asked.invalid >/dev/null 2>curl & cat ~/projects/one")
			p.waits("open", one)
			host := p.waits("connect", "asked.invalid:80")
			_, port, _ := strings.Cut(p.overview().Listeners[0], ":")
			write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %s\n%s", port, row.config))
			waiting := 0
			if row.asked {
				waiting = 1
			}
			soon(t, "the end of the wait", func() bool { return len(p.asks()) == waiting })
			if row.asked {
				p.says("deny", host.ID)
			}
			if said := c.do("wait"); !strings.Contains(said, row.said) {
				t.Errorf("it read %q", said)
			}
			if row.rule != "" {
				p.denied(one, row.rule)
			}
		})
	}
}
