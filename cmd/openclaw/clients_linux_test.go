package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/provider/standin"
)

// clientsDir is where .ci/model-clients installs the clients of npm, one folder each.
func clientsDir() string {
	if dir := os.Getenv("OPENCLAW_TEST_MODEL_CLIENTS"); dir != "" {
		return dir
	}
	return "/var/tmp/openclaw-ci/model-clients"
}

// clientBinaries are the folders of those that are installed.
func clientBinaries() string {
	found, _ := filepath.Glob(filepath.Join(clientsDir(), "*", "node_modules", ".bin")) // the pattern is good
	return strings.Join(found, ":")
}

// patient is openclaw for what starts several large programs, one after the other.
func (p *person) patient(args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env, cmd.Dir = p.environ, p.home
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its code says it
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// The known clients, as npm has them, reach a model from a cage with nothing set
// up: the doctor proves it for each that is installed.
func TestKnownClients(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	for _, program := range []string{"claude", "codex"} {
		_, err := os.Stat(filepath.Join(clientsDir(), program, "node_modules", ".bin", program))
		required(t, err == nil, program+" is not in "+clientsDir()+": .ci/model-clients installs it")
	}
	p.environ = append(p.environ, "PATH="+clientBinaries()+":"+os.Getenv("PATH"))
	said := p.patient("doctor", "clients", "--json")
	var results []clientResult
	if err := json.Unmarshal([]byte(said.out), &results); err != nil || said.code != exitOK || len(results) < 2 {
		t.Fatalf("%d %s %s %v", said.code, said.out, said.errors, err)
	}
	for _, r := range results {
		if !r.OK || !strings.Contains(r.Detail, "reached the stand-in with the provider's key") {
			t.Errorf("%+v", r)
		}
	}
	if strings.Contains(said.out+said.errors, "sk-standin-") || strings.Contains(said.out+said.errors, "oca_") {
		t.Errorf("a secret is printed: %s %s", said.out, said.errors)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "openclaw-doctor-*")); len(left) != 0 { // the pattern is good
		t.Logf("other doctors run now, or this one left something: %q", left)
	}
}

// A client that does not reach a model is told so, with its own last words.
func TestDoctorSaysWhatAClientLacks(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	bin := filepath.Join(p.home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"claude": "echo 'I know nothing of a gateway'", "codex": "echo 'no such thing' >&2; exit 3"} {
		write(t, filepath.Join(bin, name), "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.environ = append(p.environ, "PATH="+bin+":/usr/bin:/bin")
	said := p.openclaw("doctor", "clients")
	for _, want := range []string{"✗ claude    it ended well and asked nothing of a provider: I know nothing of a gateway", "✗ codex     exit status 3: no such thing"} {
		if !strings.Contains(said.out, want) {
			t.Errorf("%q does not say %q", said.out, want)
		}
	}
	if said.code != exitFailed || strings.Contains(said.out, "✓") {
		t.Errorf("%d %s", said.code, said.out)
	}
}

// nodeAndSDKs are the program and the folder that .ci/model-clients installs.
func nodeAndSDKs(t *testing.T) (node, sdk string) {
	t.Helper()
	sdk = filepath.Join(clientsDir(), "sdk")
	_, err := os.Stat(filepath.Join(sdk, "node_modules", "openai"))
	required(t, err == nil, "the SDKs are not in "+sdk+": .ci/model-clients installs them")
	node, err = exec.LookPath("node")
	required(t, err == nil, "node is not installed")
	return node, sdk
}

// The SDKs of npm, unchanged, in a cage: every call that their users make, with
// the gateway between them and a stand-in; and past a budget their own error.
func TestSDKs(t *testing.T) {
	t.Parallel()
	requireCage(t)
	node, sdk := nodeAndSDKs(t)
	p := newPerson(t)
	models := standin.New()
	far := httptest.NewServer(models)
	t.Cleanup(far.Close)
	const key = "sk-real-0123456789abcdefghijklmnopqrstuvwxyz"
	script, err := filepath.Abs("testdata/clients/sdk.cjs")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(p.home, "sdk.cjs")
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	write(t, own, string(text))
	if err := os.MkdirAll(filepath.Join(p.home, ".openclaw"), 0o700); err != nil {
		t.Fatal(err)
	}
	readable, err := json.Marshal(append((&terminal{getenv: os.Getenv}).programFolders(node), sdk, own))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, ".openclaw", "config.yaml"), fmt.Sprintf(`gateway: {port: %d, gateway_token: '${TEST_TOKEN}'}
providers:
  anthropic: {base_url: %[2]q, api_key: '${TEST_KEY}'}
  openai: {base_url: %[2]q, api_key: '${TEST_KEY}'}
  gemini: {base_url: %[2]q, api_key: '${TEST_KEY}'}
agents:
  free:
    permissions: {network_access: false, allowed_paths: %[3]s}
  bound:
    permissions: {network_access: false, allowed_paths: %[3]s}
    budget: {allowed_models: [claude-*]}
`, freePort(t), far.URL, readable))
	p.environ = append(p.environ, "TEST_KEY="+key, "TEST_TOKEN=ocg_of-this-test-alone-0123456789")
	answers := func(agent string, asks ...string) map[string]string {
		said := p.openclaw(append([]string{"agent", "run", agent, "--", node, own, sdk}, asks...)...)
		if said.code != 0 {
			t.Fatalf("%d %s %s", said.code, said.out, said.errors)
		}
		out := map[string]string{}
		for line := range strings.Lines(said.out) {
			var answer struct {
				Name  string
				Value json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &answer); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			out[answer.Name] = string(answer.Value)
		}
		return out
	}
	quoted := fmt.Sprintf("%q", standin.Text)
	same := func(got, want map[string]string) {
		t.Helper()
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s, want %s", name, got[name], value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d answers, want %d: %v", len(got), len(want), got)
		}
	}
	same(answers("free", "anthropic", "openai", "gemini"), map[string]string{
		"anthropic create": quoted, "anthropic stream": "[" + quoted + ",5]", "anthropic count": "7", "anthropic models": `"claude-stand-in"`,
		"anthropic error": `[500,"internal error of the stand-in"]`,
		"openai chat":     quoted, "openai chat stream": quoted, "openai responses": quoted, "openai responses stream": "[" + quoted + ",5]",
		"openai embeddings": "[0.25,-0.5]", "openai models": `"claude-stand-in"`, "openai error": `[500,"internal error of the stand-in"]`,
		"gemini generate": quoted, "gemini stream": quoted, "gemini count": "7", "gemini error": `[500,"internal error of the stand-in"]`,
	})
	seen := models.Requests()
	for _, r := range seen {
		if problem := carried(r.Header, key); problem != "" {
			t.Errorf("%s %s: %s", r.Method, r.Path, problem)
		}
	}
	const refusal = `[403,"the model forbidden is not allowed (agents.bound.budget.allowed_models in the config)"]`
	same(answers("bound", "budget"), map[string]string{"anthropic budget": refusal, "openai budget": refusal, "gemini budget": refusal})
	if more := len(models.Requests()) - len(seen); more != 0 || len(seen) != 16 {
		t.Errorf("%d requests, and %d past the budget", len(seen), more)
	}
	if status := p.openclaw("denials", "--agent", "bound"); !strings.Contains(status.out, "agents.bound.budget.allowed_models") || strings.Count(status.out, "model call") != 3 {
		t.Errorf("%s %s", status.out, status.errors)
	}
	// What was used so far counts against a budget that the config gets now.
	config := filepath.Join(p.home, ".openclaw", "config.yaml")
	text, err = os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "  free:\n", "  free:\n    budget: {max_tokens_per_day: 10}\n", 1))
	if said := p.openclaw("gateway", "reload"); said.code != exitOK {
		t.Fatalf("%s %s", said.out, said.errors)
	}
	const used = `[429,"all 10 tokens of today are used (agents.free.budget.max_tokens_per_day in the config)"]`
	same(answers("free", "budget"), map[string]string{"anthropic budget": used, "openai budget": used, "gemini budget": used})
	status := p.openclaw("denials", "--agent", "free")
	if more := len(models.Requests()) - len(seen); more != 0 || strings.Count(status.out, "model call") != 3 || strings.Contains(status.out, "  2\n") {
		t.Errorf("%d requests past the budget, or one was asked again: %s", more, status.out)
	}
	p.eventually("what was used is shown", func() bool {
		shown := p.openclaw("agent", "show", "free").out
		return strings.Contains(shown, "budget     10 tokens a day, ") && !strings.Contains(shown, ", 0 used today")
	})
	log, err := os.ReadFile(filepath.Join(p.home, ".openclaw", "logs", "audit.log"))
	if err != nil || !strings.Contains(string(log), `"tokens_out":5`) || !strings.Contains(string(log), `"model":"claude-x"`) || strings.Contains(string(log), key) {
		t.Errorf("the audit log lacks what a call cost, or has its key: %v", err)
	}
}
