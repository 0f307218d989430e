package gateway

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// A client adds an agent to the config and sees before what that writes; what cannot
// be put on record, or is refused, changes nothing.
func TestAnAgentIsCreated(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.remote("operator.read", "operator.admin"), nil)
	text := func() string {
		raw, err := os.ReadFile(h.layout.Config())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	first := text()
	gone := filepath.Join(t.TempDir(), "not there")
	repository := t.TempDir()
	if err := os.Mkdir(filepath.Join(repository, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths, domains := []string{repository, gone}, []string{"api.example.com"}

	added, err := screen.CreateAgent(t.Context(), "team.reviewer", paths, domains, true)
	if err != nil || text() != first || added.File != "config.yaml" || added.Line == 0 {
		t.Fatalf("%+v %v", added, err)
	}
	if diff := strings.Join(added.Diff, "\n"); !strings.Contains(diff, "+  team.reviewer:") || !strings.Contains(diff, gone) {
		t.Errorf("the diff does not show it:\n%s", diff)
	}
	if !slices.Equal(added.Missing, []string{gone}) {
		t.Errorf("missing %q", added.Missing)
	}
	if want := []string{repository + "/.git/config", repository + "/.git/hooks"}; !slices.Equal(added.Guarded, want) {
		t.Errorf("guarded %q", added.Guarded)
	}
	if entries := h.audited("config_change"); len(entries) != 0 {
		t.Errorf("a look is on record as a change: %+v", entries)
	}

	h.breakAudit(errors.New("the disk is full"))
	if _, err := screen.CreateAgent(t.Context(), "team.reviewer", paths, domains, false); err == nil || text() != first {
		t.Errorf("%v: it was changed without a record", err)
	}
	h.breakAudit(nil)
	added, err = screen.CreateAgent(t.Context(), "team.reviewer", paths, domains, false)
	if err != nil || added.Config.Version != 2 || added.Config.Rejected || !strings.HasPrefix(text(), first[:20]) {
		t.Fatalf("%+v %v", added, err)
	}
	entries := h.audited("config_change")
	if last := entries[len(entries)-2:]; last[0].Action != "create agent" || last[0].Target != "team.reviewer" || last[1].Action != "apply" {
		t.Errorf("%+v", last)
	}
	second := text()
	agent, err := screen.Agent(t.Context(), "team.reviewer")
	if err != nil || agent.Policy == nil || len(agent.Policy.Network.Domains) != 1 || agent.Policy.Network.Domains[0].Pattern != domains[0] {
		t.Errorf("%+v %v", agent, err)
	}

	for _, refused := range []struct {
		name           string
		paths, domains []string
		says           string
	}{
		{"team.reviewer", paths, nil, "exists already"},
		{"../x", paths, nil, "not an agent's name"},
		{"", paths, nil, "not an agent's name"},
		{"other", []string{"relative"}, nil, "not an absolute path"},
		{"other", nil, []string{"https://x/"}, "https://x/"},
	} {
		for _, dry := range []bool{true, false} {
			if _, err := screen.CreateAgent(t.Context(), refused.name, refused.paths, refused.domains, dry); err == nil || !strings.Contains(err.Error(), refused.says) || text() != second {
				t.Errorf("%q %q %q: %v, want %q", refused.name, refused.paths, refused.domains, err, refused.says)
			}
		}
	}
	reader := h.remote("operator.read")
	if refusal := refusalOf(t, reader.Call(t.Context(), wire.MethodAgentCreate, wire.AgentCreateParams{Name: "x", Dry: true}, &event.AgentAdded{})); refusal.Code != wire.CodeForbidden {
		t.Errorf("%+v", refusal)
	}
}
