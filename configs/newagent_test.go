package configs

import (
	"slices"
	"strings"
	"testing"
)

// An agent that is added is the one that was asked for, whatever its name, and the
// rest of the file stays; what cannot be one writes nothing.
func TestAddAgent(t *testing.T) {
	const text = "# mine\nagents:\n  # the first\n  coder: {}\n\nlogging:\n  level: info\n"
	for _, test := range []struct {
		name  string
		agent NewAgent
		fails string
	}{
		{"folder and domain", NewAgent{Name: "reviewer", Paths: []string{"/srv/a b", "~/x: y"}, Domains: []string{"api.example.com", "*.example.org:8443"}}, ""},
		{"a dot in the name", NewAgent{Name: "team.coder", Paths: []string{"/srv/p"}}, ""},
		{"nothing yet", NewAgent{Name: "empty"}, ""},
		{"there already", NewAgent{Name: "coder", Paths: []string{"/srv/p"}}, "agent coder exists already"},
		{"no name", NewAgent{Name: "../x"}, "not an agent's name"},
		{"relative", NewAgent{Name: "reviewer", Paths: []string{"projects"}}, "not an absolute path"},
		{"no such role", NewAgent{Name: "reviewer", Role: "nobody"}, "nobody"},
		{"no domain", NewAgent{Name: "reviewer", Domains: []string{"https://x/"}}, "https://x/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(t)
			path := writeConfig(t, options, text)
			snapshot, err := Edit(path, options, func(d *Document) error { return d.AddAgent(test.agent, options.Layout) })
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("%v, want %q", err, test.fails)
				}
				if after, err := Load(path, options); err != nil || string(after.Text) != text {
					t.Errorf("the file was changed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, added := snapshot.Config.Agents[test.agent.Name]
			if !added || len(snapshot.Config.Agents) != 2 {
				t.Fatalf("agents: %v", snapshot.Agents())
			}
			var paths []string
			for _, entry := range got.Permissions.AllowedPaths {
				paths = append(paths, entry.Path)
			}
			var domains []string
			if network := got.Permissions.Network; network != nil {
				domains = network.AllowedDomains
			}
			if !slices.Equal(paths, test.agent.Paths) || !slices.Equal(domains, test.agent.Domains) {
				t.Errorf("%q %q", paths, domains)
			}
			if len(test.agent.Paths) > 0 && !strings.Contains(string(snapshot.Text), "\n    permissions:\n      allowed_paths:\n        - ") {
				t.Errorf("not a line for each thing:\n%s", snapshot.Text)
			}
			for line := range strings.SplitSeq(text, "\n") {
				if !strings.Contains("\n"+string(snapshot.Text)+"\n", "\n"+line+"\n") {
					t.Errorf("the line %q is gone:\n%s", line, snapshot.Text)
				}
			}
		})
	}
}
