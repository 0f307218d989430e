package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"openclaw/gateway/hub"
	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
)

// nodeModule is the folder of an npm package of the existing clients; .ci/run
// installs them.
func nodeModule(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(os.Getenv("OPENCLAW_TEST_NODE_MODULES"), name)
	if _, err := os.Stat(filepath.Join(folder, "package.json")); err == nil && filepath.IsAbs(folder) {
		return folder
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatalf("required here: the npm package %s in $OPENCLAW_TEST_NODE_MODULES", name)
	}
	t.Skipf("the npm package %s is not in $OPENCLAW_TEST_NODE_MODULES: .ci/run says which version", name)
	return ""
}

// published is the protocol's own schema, from its npm package.
type published struct {
	t        *testing.T
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
	known    map[string]any // definitions
	methods  map[string]struct{ Scope string }
}

const schemaURL = "https://openclaw.ai/protocol.schema.json/" // a name; nothing is fetched

func openSchema(t *testing.T) *published {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(nodeModule(t, "@openclaw/gateway-protocol"), "protocol.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := &published{t: t, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p.known, _ = document.(map[string]any)["definitions"].(map[string]any)
	var table struct {
		Methods map[string]struct{ Scope string }
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	if p.methods = table.Methods; len(p.known) < 500 || len(p.methods) < 300 {
		t.Fatalf("the schema has %d definitions and %d methods", len(p.known), len(p.methods))
	}
	return p
}

// check validates JSON against a definition.
func (p *published) check(definition string, text []byte) {
	p.t.Helper()
	schema := p.compiled[definition]
	if schema == nil {
		var err error
		// Each definition is whole. Of the others, some have patterns that Go's
		// regular expressions do not know.
		if p.known[definition] == nil {
			p.t.Fatalf("the schema has no %s", definition)
		}
		if err = p.compiler.AddResource(schemaURL+definition, p.known[definition]); err == nil {
			schema, err = p.compiler.Compile(schemaURL + definition)
		}
		if err != nil {
			p.t.Fatalf("%s: %v", definition, err)
		}
		p.compiled[definition] = schema
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		p.t.Errorf("no %s: %v: %.600s", definition, err, text)
	}
}

// payloads are the definitions of what an answer or an event carries, where the
// schema has one.
var payloads = map[string]string{ //nolint:gochecknoglobals // a table of the test
	"connect": "HelloOk", "agents.list": "AgentsListResult", "logs.tail": "LogsTailResult", "question.list": "QuestionListResult", "commands.list": "CommandsListResult",
	"exec.approvals.get": "ExecApprovalsSnapshot", "models.list": "ModelsListResult", "sessions.resolve": "SessionsResolveResult", "sessions.create": "SessionsCreateResult",
	"sessions.delete": "SessionsDeleteResult",
	"event chat":      "ChatEvent", "event agent": "AgentEvent", "event tick": "TickEvent", "event shutdown": "ShutdownEvent",
}

// rows are lists and fields of answers whose parts the schema has.
func (p *published) checkRows(of string, payload []byte) {
	p.t.Helper()
	var held struct {
		Session, Entry, SessionInfo json.RawMessage
		Sessions                    []json.RawMessage
	}
	var list []json.RawMessage
	if of == "system-presence" {
		if err := json.Unmarshal(payload, &list); err != nil || len(list) == 0 {
			p.t.Errorf("%s: %v", payload, err)
		}
		for _, entry := range list {
			p.check("PresenceEntry", entry)
		}
		return
	}
	if json.Unmarshal(payload, &held) != nil {
		return // a list
	}
	for _, row := range append(held.Sessions, held.Session, held.Entry, held.SessionInfo) {
		if len(row) > 0 && string(row) != "null" {
			p.check("SessionRow", row)
		}
	}
}

// Every frame that the gateway sends is one of the published schema, for each of
// its methods and in each state of a run, also of refusals.
func TestEveryFrameIsOneOfThePublishedSchema(t *testing.T) {
	schema := openSchema(t)
	h := talkingWith(t, newFolder(t), func(o *provider.Options) { o.IdleTimeout = 2 * time.Second }, func(d *Deps) {
		d.Limits = hub.Limits{Step: 20 * time.Millisecond}
	})
	s := h.socket("operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.questions", "operator.pairing")
	probe := h.socket()
	s.ok("sessions.subscribe", object{})
	s.ok("sessions.messages.subscribe", object{"key": "agent:main:main"})
	talk := func(run string, mode standin.Mode, key string) {
		h.standin.SetMode(mode)
		s.ok("chat.send", object{"sessionKey": key, "message": "words", "idempotencyKey": run})
	}
	talk("good", standin.Normal, "agent:main:main")
	s.chats("good")
	for _, mode := range []standin.Mode{standin.Fail, standin.Overload, standin.EchoKey, standin.Cut, standin.Stall} {
		talk("bad "+string(mode), mode, "agent:coder:main")
		s.chats("bad " + string(mode))
	}
	talk("long", standin.Endless, "agent:main:main")
	s.find("a delta of it", func(f frame) bool {
		return strings.Contains(string(f.Payload), `"runId":"long"`) && strings.Contains(string(f.Payload), `"state":"delta"`)
	})
	s.ok("chat.abort", object{"sessionKey": "agent:main:main"})
	s.chats("long")
	h.standin.SetMode(standin.Normal)
	made := s.ok("sessions.create", object{"agentId": "main", "label": "plans", "message": "first words"})
	s.chats(made["runId"].(string))
	agent := s.send("agent", object{"message": "words", "idempotencyKey": "agent"})
	s.chats("agent")
	s.find("both answers", func(f frame) bool { return f.ID == agent && strings.Contains(string(f.Payload), `"summary"`) })
	key := made["key"]
	asked := map[string]object{
		"logs.tail": {"limit": 10}, "sessions.describe": {"key": key, "includeLastMessage": true}, "sessions.get": {"key": key}, "sessions.resolve": {"key": key},
		"sessions.preview": {"keys": []any{key}}, "sessions.patch": {"key": key, "label": "x"}, "sessions.list": {"includeLastMessage": true},
		"sessions.send": {"key": key, "message": "more"}, "sessions.abort": {"key": key}, "sessions.messages.unsubscribe": {"key": "agent:main:main"},
		"sessions.messages.subscribe": {"key": key}, "chat.history": {"sessionKey": key}, "chat.abort": {"sessionKey": key}, "agent.wait": {"runId": "agent"},
		"chat.send": {"sessionKey": key, "message": "words", "idempotencyKey": "again"}, "agent": {"message": "words", "idempotencyKey": "agent"}, "sessions.create": {},
	}
	var hello wire.Hello
	if err := json.Unmarshal(s.find("the hello", func(f frame) bool { return strings.Contains(string(f.raw), "hello-ok") }).Payload, &hello); err != nil {
		t.Fatal(err)
	}
	later := []string{"sessions.reset", "sessions.delete"} // they take away what the others look at
	for _, method := range append(hello.Features.Methods, later...) {
		own := strings.HasPrefix(method, "openclaw.")
		if !own {
			if entry, published := schema.methods[method]; !published {
				t.Errorf("%s is advertised and is no method of the protocol", method)
			} else if refused := probe.call(method, object{}); method != "health" && entry.Scope != "dynamic" && refused.Error.Details["missingScope"] != entry.Scope {
				t.Errorf("%s needs %s by the published table: %s", method, entry.Scope, refused.raw)
			}
		}
		if method == wire.MethodGatewayStop || method == wire.MethodTokenRotate || strings.HasPrefix(method, "sessions.re") && method != "sessions.resolve" || method == "sessions.delete" {
			continue
		}
		params := asked[method]
		if params == nil {
			params = object{}
		}
		params["aFieldOfANewerClient"] = true
		if answer := s.call(method, params); !answer.OK && !own {
			t.Errorf("%s: %s", method, answer.raw)
		}
	}
	for _, method := range later {
		s.ok(method, object{"key": key})
	}
	s.call("no.such.method", object{})
	s.call("chat.send", object{"sessionKey": 7})
	s.find("a tick", func(f frame) bool { return f.Event == wire.EventTick })
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	s.find("the shutdown", func(f frame) bool { return f.Event == wire.EventShutdown })

	frames, seen := append(s.all(), probe.all()...), map[string]int{}
	for _, f := range frames {
		schema.check("GatewayFrame", f.raw)
		of := "event " + f.Event
		if f.Type == "res" {
			if _, of, _ = strings.Cut(f.ID, ":"); !f.OK {
				seen["refusal"]++
				continue
			}
		}
		seen[of]++
		if definition := payloads[of]; definition != "" {
			schema.check(definition, f.Payload)
		}
		if !strings.HasPrefix(of, "openclaw.") {
			schema.checkRows(of, f.Payload)
		}
		var e wire.ChatEvent
		if f.Event == wire.EventChat && json.Unmarshal(f.Payload, &e) == nil {
			seen["state "+e.State]++
		}
	}
	for of := range payloads {
		if seen[of] == 0 {
			t.Errorf("no frame of %s was looked at", of)
		}
	}
	for _, of := range []string{"refusal", "state status", "state delta", "state final", "state aborted", "state error", "event " + wire.EventSessionsChanged, "event " + wire.EventSessionMessage} {
		if seen[of] == 0 {
			t.Errorf("no frame of %s was looked at", of)
		}
	}
	t.Log(fmt.Sprint(len(frames), " frames: ", seen))
}
