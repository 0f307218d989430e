package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
)

// OpenAI's SDK, unchanged, talks with an agent by the model's name, in both of
// its APIs, whole and streamed; a refusal is the SDK's own error.
func TestTheSDKTalksWithAnAgent(t *testing.T) {
	t.Parallel()
	node, sdk := nodeAndSDKs(t)
	p := newPerson(t)
	models := standin.New()
	far := httptest.NewServer(models)
	t.Cleanup(far.Close)
	if err := os.MkdirAll(filepath.Join(p.home, ".openclaw"), 0o700); err != nil {
		t.Fatal(err)
	}
	const key, token = "sk-real-0123456789abcdefghijklmnopqrstuvwxyz", "ocg_of-this-test-alone-0123456789"
	port := freePort(t)
	write(t, filepath.Join(p.home, ".openclaw", "config.yaml"), fmt.Sprintf(`gateway: {port: %d, gateway_token: '${TEST_TOKEN}'}
providers:
  anthropic: {base_url: %[2]q, api_key: '${TEST_KEY}'}
  openai: {base_url: %[2]q, api_key: '${TEST_KEY}'}
agents:
  talker: {provider: anthropic, model: claude-x}
`, port, far.URL))
	p.environ = append(p.environ, "TEST_KEY="+key, "TEST_TOKEN="+token)
	p.gateway()
	p.environ = append(p.environ, fmt.Sprintf("OPENAI_BASE_URL=http://127.0.0.1:%d/v1", port), "OPENAI_API_KEY="+token)
	script, err := filepath.Abs("testdata/clients/sdk.cjs")
	if err != nil {
		t.Fatal(err)
	}
	said := p.command(node, script, sdk, "agent")
	if said.code != 0 {
		t.Fatalf("%d %s %s", said.code, said.out, said.errors)
	}
	quoted := fmt.Sprintf("%q", standin.Text)
	want := map[string]string{
		"agent models": "true", "agent chat": quoted, "agent chat stream": quoted,
		"agent response": `["completed",` + quoted + `,5]`, "agent response stream": `["completed",` + quoted + `,` + quoted + `,5,true]`,
		"agent response goes on": quoted,
		"agent no tools":         `[400,"an agent's chat has no tools yet: leave tools out"]`,
		"agent nobody":           `[404,"there is no agent nobody: add agents.nobody to the config, with its provider and model"]`,
	}
	for line := range strings.Lines(said.out) {
		var answer struct {
			Name  string
			Value json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if string(answer.Value) != want[answer.Name] {
			t.Errorf("%s: %s, want %s", answer.Name, answer.Value, want[answer.Name])
		}
		delete(want, answer.Name)
	}
	if len(want) != 0 {
		t.Errorf("no answer to %v", want)
	}
	calls := 0
	for _, r := range models.Requests() {
		if problem := carried(r.Header, key); problem != "" {
			t.Errorf("%s %s: %s", r.Method, r.Path, problem)
		}
		if r.Path == "/v1/messages" {
			calls++
		}
	}
	if calls != 5 {
		t.Errorf("%d calls of the agent's own provider, want 5", calls)
	}
}
