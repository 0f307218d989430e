package gateway

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// What the config says of an agent is shown without a secret that stands in it, and so is
// the difference to an earlier config and to one with another agent. What a cage enforces
// is the policy itself.
func TestAPolicyIsShownWithoutASecretAndEnforcedWithIt(t *testing.T) {
	h := build(t, newFolder(t), freePort(t), "", func(d *Deps) { d.Masker = wordMasker{} }).run()
	const secret = "overloaded" // to wordMasker
	config := "agents:\n  coder:\n    command: [" + secret + "]\n    permissions:\n      denied_paths: [/srv/" + secret + "]\n      network: {allowed_domains: [" + secret + ".example]}\n"
	for _, version := range []string{config, config + "    role: builder\nroles: {builder: {}}\n"} {
		if err := os.WriteFile(h.layout.Config(), []byte(version), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.deps.Config.Reload("test"); err != nil {
			t.Fatal(err)
		}
	}
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	if enforced, err := json.Marshal(run.Policy); err != nil || !strings.Contains(string(enforced), "/srv/"+secret) || !strings.Contains(string(enforced), secret+".example") {
		t.Errorf("%v: a cage would enforce %s", err, enforced)
	}
	person := h.local()
	screen := client.NewBackend(person, nil)
	for method, params := range map[string]any{
		wire.MethodAgents: nil, wire.MethodAgent: wire.AgentParams{Name: "coder"}, wire.MethodConfigStatus: nil,
		wire.MethodConfigBack:  wire.ConfigRollbackParams{Version: 2, Dry: true},
		wire.MethodAgentCreate: wire.AgentCreateParams{Name: "other", Dry: true},
	} {
		var answer json.RawMessage
		if err := person.Call(t.Context(), method, params, &answer); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if strings.Contains(string(answer), secret) {
			t.Errorf("%s shows a secret: %s", method, answer)
		}
		if method == wire.MethodAgent && strings.Count(string(answer), "••••") < 2 {
			t.Errorf("%s does not show the rules: %s", method, answer)
		}
	}
	var coder event.Agent
	coder, err := screen.Agent(t.Context(), "coder")
	if err != nil || !coder.PolicyMasked {
		t.Errorf("%v: who shows it is not told that a secret was taken out: %+v", err, coder)
	}
	if other, err := screen.Agent(t.Context(), "reviewer"); err == nil {
		t.Errorf("there is no such agent now: %+v", other)
	}
}
