package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

const (
	resumeTime  = 10 * time.Second // for a supervisor whose connection broke
	maxReported = 10_000           // rows of one report
)

// runs are the caged commands that have a token now.
type runs struct {
	g *Gateway

	spooling     sync.Mutex // one reader of the spool at a time
	spoolProblem string     // that was told last; of watch alone

	parted chan struct{} // holds one word that a run has lost its supervisor

	mu   sync.Mutex // guards live, the runs in it, told and owed
	live map[string]*run
	owed []owedEnd
	told map[string]bool // runs whose end is being recorded, and may stand in a file of the spool as well
}

type run struct {
	id, agent string
	pid       int       // of the supervisor
	conn      *hub.Conn // nil: the connection broke
	until     time.Time // without a connection: when the run is given up
	version   string    // of the policy that was sent last
	policy    *policy.Policy
	learn     *wire.Learn // nil: it does not learn
	start     *startRecord
}

func newRuns(g *Gateway) *runs {
	return &runs{g: g, parted: make(chan struct{}, 1), live: map[string]*run{}, told: map[string]bool{}}
}

// start begins a run: policy, audit, token, environment.
func (r *runs) start(ctx context.Context, call *hub.Call) (any, error) {
	g := r.g
	var params wire.RunStartParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if err := g.knownAgent(params.Agent); err != nil {
		return nil, err
	}
	snapshot := g.deps.Config.Current()
	compiled, err := policyFor(snapshot, params.Agent, params.Learn)
	if err != nil {
		return nil, wire.Invalid("agent " + params.Agent + ": " + err.Error())
	}
	command := params.Command
	if len(command) == 0 {
		command = snapshot.Config.Agents[params.Agent].Command
	}
	if len(command) == 0 || command[0] == "" {
		refusal := wire.Invalid("there is no command to run")
		refusal.Details = map[string]any{"hint": "give one after --, or write agents." + params.Agent + ".command"}
		return nil, refusal
	}
	id, err := newID()
	if err != nil {
		return nil, err
	}
	pid := supervisorPID(call.Conn, params.PID)
	token := g.agents.Mint(params.Agent, id)
	g.deps.Masker.Add(maskName(id), []byte(token))
	start := r.recordStart(ctx, call, id, AuditEntry{Event: "run_start", Action: "run", Target: params.Agent, Details: map[string]any{
		"run": id, "program": command[0], "arguments": len(command) - 1, "dir": params.Dir, "pid": pid, "policy": compiled.Version, "learn": params.Learn != nil,
	}})
	if !params.Early && start.wait(ctx) != nil {
		g.agents.Revoke(id)
		g.deps.Masker.Remove(maskName(id))
		return nil, errNotStarted()
	}
	compiled, err = r.enter(&run{id: id, agent: params.Agent, pid: pid, conn: call.Conn, policy: compiled, learn: params.Learn, start: start}, nil, snapshot)
	if err != nil {
		g.agents.Revoke(id)
		g.deps.Masker.Remove(maskName(id))
		return nil, err
	}
	g.registry.StartRun(event.Run{ID: id, Agent: params.Agent, PID: pid, Command: command, Terminal: terminalOf(params.Terminal), Learning: params.Learn != nil, Started: g.deps.Now(), Policy: compiled.Version})
	g.sayLearns(params.Agent, params.Learn)
	g.log.Info("a run starts", slog.String("agent", params.Agent), slog.String("run", id), slog.Int("pid", pid))
	if call.Conn.Context().Err() != nil {
		r.left(call.Conn) // the connection ended before the run was known
	}
	started := wire.RunStarted{
		Run: id, Command: command, Token: token, Gateway: g.AgentsAddress().String(),
		Env: agentEnvironment(g.AgentsAddress(), params.Agent, token), Unsupported: append(unsupported(snapshot, params.Agent), g.notInForce()...), Pending: params.Early,
	}
	return started.With(compiled, params.Shape), nil
}

// terminalOf is what a supervisor says of its terminal, where that is a known word.
func terminalOf(said string) string {
	switch said {
	case event.OnTerminal, event.OnPipe, event.Kept, event.InPane:
		return said
	}
	return ""
}

func maskName(run string) string { return "agent token " + run }

// supervisorPID prefers the kernel's word to the client's.
func supervisorPID(conn *hub.Conn, said int) int {
	if conn.Peer.PID > 0 {
		return conn.Peer.PID
	}
	return said
}

// agentEnvironment is what the known clients need to find the gateway.
func agentEnvironment(address netip.AddrPort, agent, token string) []string {
	base := "http://" + address.String()
	return []string{
		"ANTHROPIC_BASE_URL=" + base, "ANTHROPIC_AUTH_TOKEN=" + token, "ANTHROPIC_API_KEY=" + token,
		"OPENAI_BASE_URL=" + base + "/v1", "OPENAI_API_KEY=" + token,
		"GOOGLE_GEMINI_BASE_URL=" + base, "GEMINI_API_KEY=" + token,
		"OPENCODE_CONFIG_CONTENT=" + opencodeConfig(base),
		"OPENCLAW_AGENT=" + agent, "OPENCLAW_AGENT_TOKEN=" + token,
	}
}

// opencodeConfig has opencode find the gateway, which it does by no other variable.
// The token stays in its own.
func opencodeConfig(base string) string {
	provider := func(url string) map[string]any {
		return map[string]any{"options": map[string]string{"baseURL": url, "apiKey": "{env:OPENCLAW_AGENT_TOKEN}"}} //nolint:gosec // the name of a variable
	}
	text, _ := json.Marshal(map[string]any{"provider": map[string]any{ // strings always encode
		"anthropic": provider(base + "/v1"), "openai": provider(base + "/v1"), "google": provider(base + "/v1beta"),
	}})
	return string(text)
}

// unsupported says what the config asks for this agent and nothing does yet.
func unsupported(snapshot *configs.Snapshot, agent string) []string {
	var out []string
	own := []string{configs.NamedKey("agents", agent) + ".", configs.NamedKey("roles", snapshot.Config.Agents[agent].Role) + "."}
	for _, w := range snapshot.Warnings {
		if strings.Contains(w.Message, "not built yet") && slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(w.Key, prefix) }) {
			out = append(out, w.String())
		}
	}
	return out
}

// enter makes a run live, in the place of before, and returns its policy. That is
// of the config in force now: a change that was applied while the run was being
// prepared, under snapshot, has not seen it.
func (r *runs) enter(one, before *run, snapshot *configs.Snapshot) (*policy.Policy, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live[one.id] != before {
		return nil, wire.Unavailable("this run was given up or taken back by another connection just now", "try again")
	}
	if now := r.g.deps.Config.Current(); now != snapshot {
		compiled, err := policyFor(now, one.agent, one.learn)
		if err != nil {
			return nil, wire.Invalid("agent " + one.agent + ": " + err.Error())
		}
		one.policy = compiled
	}
	one.version = one.policy.Version
	r.live[one.id] = one
	return one.policy, nil
}

// owned returns the run's agent if this connection is its supervisor's.
func (r *runs) owned(id string, conn *hub.Conn) (agent string, err error) {
	one, err := r.ownedRun(id, conn)
	if err != nil {
		return "", err
	}
	return one.agent, nil
}

func (r *runs) ownedRun(id string, conn *hub.Conn) (*run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.live[id]
	if one == nil || one.conn != conn {
		return nil, wire.NotFound("there is no such run of this connection", "take it back with "+wire.MethodRunResume)
	}
	return one, nil
}

// connectionOf names a connection out of a cage, which its supervisor knows by id.
func connectionOf(run, id string) string { return run + "/" + id }

// report takes what happened in a cage. Agent and run are the gateway's own
// knowledge, whatever the rows say.
func (r *runs) report(ctx context.Context, call *hub.Call) (any, error) {
	g := r.g
	var params wire.RunReportParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	agent, err := r.owned(params.Run, call.Conn)
	if err != nil {
		return nil, err
	}
	if len(params.Denials) > maxReported || len(params.Connections) > maxReported {
		return nil, wire.Invalid("too many rows in one report")
	}
	for i := range params.Denials {
		d := &params.Denials[i]
		d.Agent, d.Run, d.ID, d.Row, d.Rows = agent, params.Run, "", 0, ""
		if params.First > 0 {
			d.Row = params.First + uint64(i)
		}
		if d.Connection != "" {
			d.Connection = connectionOf(params.Run, d.Connection)
		}
	}
	// What was refused is recorded even when the supervisor goes meanwhile. Where
	// that fails, the notice has been given, and the registry tries again.
	_ = g.registry.Deny(context.WithoutCancel(ctx), params.Denials...)
	for _, c := range params.Connections {
		c.ID, c.Kind, c.Agent, c.Run, c.From = connectionOf(params.Run, c.ID), event.ConnectionNet, agent, params.Run, "cage "+agent
		_, before := g.registry.OpenConnection(c.ID)
		g.registry.Connection(c)
		g.auditCarried(&c, before)
	}
	if !r.lives(params.Run) { // it ended while its refusals were being recorded
		g.endConnections(params.Run, "")
	}
	if len(params.StillOpen) > 0 {
		g.notice("warn", "a run of agent "+agent+" can still do what its policy forbids: "+short(strings.Join(params.StillOpen, "; ")))
	}
	var warnings []string
	if params.Mechanisms != nil || params.Warnings != nil || params.Policy != "" || params.NeedsRun != nil {
		g.registry.UpdateRun(params.Run, func(row *event.Run) {
			if params.Mechanisms != nil {
				row.Mechanisms = params.Mechanisms
			}
			if params.Folder != "" {
				row.Folder = params.Folder
			}
			if params.Warnings != nil {
				warnings = params.Warnings[min(len(row.Warnings), len(params.Warnings)):] // a run only gains some
				row.Warnings = params.Warnings
			}
			if params.Policy != "" {
				row.Policy, row.NeedsRun, row.StillOpen = params.Policy, params.NeedsRun, params.StillOpen
			} else if params.NeedsRun != nil {
				row.NeedsRun, row.StillOpen = params.NeedsRun, params.StillOpen
			}
		})
	}
	g.warned(agent, params.Run, warnings)
	return nil, nil
}

// policyChanged sends new policies to the supervisors. An agent that is gone
// from the config loses its token, and its cage every right.
func (r *runs) policyChanged(after *configs.Snapshot) {
	type message struct {
		conn   *hub.Conn
		policy wire.RunPolicy
	}
	var messages []message
	var orphans []string
	r.mu.Lock()
	for _, one := range r.live {
		next, err := policyFor(after, one.agent, one.learn)
		if err != nil {
			next = policy.Withdrawn(one.policy)
			orphans = append(orphans, one.id)
		}
		if next.Version == one.version {
			continue
		}
		one.version, one.policy = next.Version, next
		if one.conn != nil {
			messages = append(messages, message{one.conn, wire.RunPolicy{Run: one.id, Policy: next}})
		}
	}
	r.mu.Unlock()
	for _, id := range orphans {
		r.g.agents.Revoke(id)
		r.g.streams.cut(func(caller auth.Caller) bool { return caller.Run == id })
		r.g.notice("warn", "a run's agent is no longer in the config: its token is dead and its cage loses every right")
	}
	for _, m := range messages {
		if err := m.conn.Push(wire.EventPolicy, m.policy); err != nil {
			// The supervisor gets the policy when it takes its run back.
			r.g.log.Warn("a policy could not be sent to a run", slog.String("run", m.policy.Run), slog.Any("error", err))
		}
	}
	r.g.asks.inbox.Rejudge() // after the policies: a cage hears of both in this order
}
