package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// commands are the words of the plain mode. Which of them exist follows the
// action table, so that a read-only screen has none that changes anything.
func (p *plain) commands() map[string]func(ctx context.Context, rest string) error {
	return map[string]func(context.Context, string) error{
		"help": p.help, "overview": p.overview, "refresh": p.overview, "connections": p.connections, "events": p.events, "denials": p.denials,
		"show": p.show, "agents": p.agents, "logs": p.logs, "follow": p.followLogs, "secrets": p.secrets, "audit": p.audit, "verify": p.verify,
		"config": p.config, "reload": p.reload, "validate": p.validate, "rollback": p.rollback, "store": p.store, "test": p.test, "delete": p.remove, "token": p.token, "import": p.importKeys,
		"asks": p.asks, "allow": p.allow, "deny": p.deny, "undo": p.undo,
		"chat": p.chat, "say": p.sayTo, "abort": p.abort,
		"create": p.create, "start": p.start, "restart": p.restart, "output": p.output,
		"vault": p.vault, "keyfile": p.keyFile, "unlock": p.unlock,
	}
}

func (p *plain) help(context.Context, string) error {
	for _, b := range p.keys.All() {
		if b.Word != "" {
			p.say(p.T("help"), b.Word+", "+p.T(b.Help))
		}
	}
	p.say(p.T("help"), p.T("asks, numbers what waits; allow 1, allow 1 run folder, allow 1 always, deny 1 because of this, undo"))
	p.say(p.T("help"), p.T("chat AGENT, what was said; say AGENT WORDS; abort AGENT"))
	p.say(p.T("help"), p.T("show ID, every field of one denial"))
	p.say(p.T("help"), p.T("events ID, what happened on one connection, and what the audit log holds of it"))
	p.say(p.T("help"), p.T("agents NAME, one agent with its runs and its policy"))
	p.say(p.T("help"), p.T("create NAME FOLDER DOMAINS, shows what adding an agent would write; with yes at the end it is written"))
	p.say(p.T("help"), p.T("start AGENT COMMAND, without a terminal; restart RUN yes; output RUN, what one without a terminal says"))
	p.say(p.T("help"), p.T("logs N, the newest N lines; follow on, follow off"))
	p.say(p.T("help"), p.T("store NAME, test NAME, delete NAME yes; token NAME SCOPES store, token NAME SCOPES file PATH, delete client NAME yes"))
	p.say(p.T("help"), p.T("import alone lists the keys; import 1 3 yes moves those of the list"))
	p.say(p.T("help"), p.T("quit, leaves the gateway running; quit stop, stops it"))
	return nil
}

func (p *plain) overview(ctx context.Context, _ string) error {
	o, err := p.backend.Overview(ctx)
	if err != nil {
		return err
	}
	o = view.Clean(o)
	p.sayf(p.T("gateway"), p.T("running, pid %d, on %s, %d connections, %d denied in the last hour, %d of %d agents running"),
		o.PID, strings.Join(o.Listeners, p.T(" and ")), o.Connections, o.DeniedHour, o.Running, o.Agents)
	if o.Asks > 0 {
		p.sayf(p.T("asks"), p.T("%d wait for an answer; asks lists them"), o.Asks)
	}
	p.storeLine(&o.Store)
	p.configLine(&o.Config)
	proven := 0
	for _, m := range o.Machine {
		if m.Enforced {
			proven++
			continue
		}
		p.mechanism(&m)
	}
	if len(o.Machine) > 0 {
		p.sayf(p.T("machine"), p.T("%d of %d mechanisms proven here; openclaw doctor lists them"), proven, len(o.Machine))
	}
	return nil
}

func (p *plain) storeLine(s *event.SecretStore) {
	p.sayf(p.T("store"), p.T("%s %s. %s"), orWord(s.Backend, p.T("no place for secrets,")), p.T(s.State), s.Detail)
	if !s.Until.IsZero() {
		p.say(p.T("store"), p.T("unlocked until %s", s.Until.In(p.o.Now().Location()).Format(time.DateTime)))
	}
	nowhere := s.Backend == "" && (s.State == "none" || s.State == "unreachable")
	if s.Hint != "" && s.State != "unlocked" && !nowhere {
		p.say(p.T("store"), s.Hint)
	}
	if nowhere {
		p.say(p.T("store"), p.T("vault creates the encrypted vault with a passphrase, keyfile yes with a key file."))
	}
	if s.Backend == "vault" && s.State == "locked" {
		p.say(p.T("store"), p.T("unlock opens it."))
	}
}

func (p *plain) mechanism(m *event.Mechanism) {
	if m.Enforced {
		p.say(p.T("enforced"), m.Name+", "+m.Detail)
		return
	}
	p.say(p.T("not enforced"), m.Name+", "+m.Detail+". "+m.Fix)
}

func (p *plain) connections(ctx context.Context, _ string) error {
	list, err := p.backend.Connections(ctx)
	if err != nil {
		return err
	}
	for _, c := range view.Clean(list) {
		p.sayf(p.T("connection"), p.T("%s, %s from %s, agent %s, %s, %s. %s"), c.ID, c.Kind, c.From, orWord(c.Agent, p.T("none")), c.Route, p.T(c.State), c.Detail)
	}
	p.sayf(p.T("connections"), p.T("%d in all; events ID tells what happened on one"), len(list))
	return nil
}

// events tells what happened on one connection.
func (p *plain) events(ctx context.Context, id string) error {
	if id == "" {
		return errors.New(p.T("events takes the id of a connection; connections lists them"))
	}
	trail, err := p.backend.Connection(ctx, id, true)
	if err != nil {
		return err
	}
	d := view.NewData()
	d.Words, d.Now = p.words, p.o.Now()
	d.LoadTrail(&trail, true)
	for i := range d.Trail.Lines {
		p.say(p.T("event"), d.TrailText(&d.Trail.Lines[i]))
	}
	if d.Trail.More > 0 {
		p.say(p.T("event"), p.T("and %s that there was no room for", p.words.N(d.Trail.More, "step")))
	}
	if d.Trail.Problem != "" {
		p.say(p.T("warning"), d.Trail.Problem)
	}
	if !d.Trail.Listed {
		p.say(p.T("event"), p.T("the gateway remembers no more of it than its audit log"))
	}
	p.sayf(p.T("events"), p.T("%d in all"), len(d.Trail.Lines))
	return nil
}

func (p *plain) denials(ctx context.Context, _ string) error {
	list, err := p.backend.Denials(ctx)
	if err != nil {
		return err
	}
	const most = 50
	for _, d := range view.Clean(list[max(len(list)-most, 0):]) {
		p.say(p.T("denied"), p.denialLine(&d))
	}
	p.sayf(p.T("denials"), p.T("%d in all, the newest last; show ID tells all of one"), len(list))
	return nil
}

func (p *plain) show(ctx context.Context, id string) error {
	list, err := p.backend.Denials(ctx)
	if err != nil {
		return err
	}
	for _, d := range view.Clean(list) {
		if d.ID == id {
			p.say(p.T("denied"), p.denialLine(&d))
			p.say(p.T("run"), d.Run)
			p.say(p.T("agent says"), d.CommandLine)
			p.say(p.T("mechanism"), d.Mechanism)
			for _, line := range view.Advice(p.words, &d, p.roleOf(ctx, d.Agent)) {
				p.say(p.T("allow"), line)
			}
			p.say(p.T("allow"), p.T("allow %s always, shows the rule that would allow it", event.PastID(d.ID)))
			p.say(p.T("first"), d.First.Format(time.RFC3339))
			p.say(p.T("last"), d.Last.Format(time.RFC3339))
			return nil
		}
	}
	return errors.New(p.T("no denial %s", id))
}

// roleOf is the role of an agent, or nothing when it is not known.
func (p *plain) roleOf(ctx context.Context, name string) string {
	agents, err := p.backend.Agents(ctx)
	if err != nil {
		return ""
	}
	for _, a := range agents {
		if a.Name == name {
			return view.Clean(a).Role
		}
	}
	return ""
}

func (p *plain) agents(ctx context.Context, name string) error {
	list, err := p.backend.Agents(ctx)
	if err != nil {
		return err
	}
	if name != "" {
		a, err := p.backend.Agent(ctx, name)
		if err != nil {
			return err
		}
		list = []event.Agent{a}
	}
	for _, a := range view.Clean(list) {
		p.sayf(p.T("agent"), p.T("%s, %s, %d runs now, %d denied. %s"), a.Name, p.T(a.State), view.Running(&a), a.Denied, a.Problem)
		if name == "" {
			continue
		}
		for _, r := range a.Runs {
			p.sayf(p.T("run"), p.T("%s, %s, %s"), r.ID, view.CommandText(p.words, &r), orWord(r.Exit, p.T("running")))
			for _, m := range r.Mechanisms {
				p.mechanism(&m)
			}
			for _, w := range slices.Concat(r.Warnings, r.NeedsRun) {
				p.say(p.T("warning"), w)
			}
		}
		if a.Policy != nil {
			for _, line := range view.PolicyLines(p.words, a.Policy) {
				p.say(p.T("policy"), line)
			}
		}
	}
	return nil
}

func (p *plain) logs(ctx context.Context, rest string) error {
	n := 20
	if rest != "" {
		if _, err := fmt.Sscan(rest, &n); err != nil || n < 1 {
			return errors.New(p.T("logs takes a number of lines"))
		}
	}
	lines, err := p.backend.Logs(ctx, n)
	if err != nil {
		return err
	}
	for _, l := range view.Clean(lines[max(len(lines)-n, 0):]) {
		p.say(p.T("log"), p.logText(&l))
	}
	return nil
}

func (p *plain) followLogs(_ context.Context, rest string) error {
	if rest != "on" && rest != "off" {
		return errors.New(p.T("follow on, or follow off"))
	}
	p.mu.Lock()
	p.follow = rest == "on"
	p.mu.Unlock()
	p.say(p.T("follow"), rest)
	return nil
}

func (p *plain) audit(ctx context.Context, _ string) error {
	const newest = 50
	lines, err := p.backend.Audit(ctx, time.Hour, newest)
	if err != nil {
		return err
	}
	d := view.NewData()
	d.Words, d.Now = p.words, p.o.Now()
	d.LoadAudit(lines)
	for i := range slices.Backward(d.Audit) {
		p.say(p.T("audit"), d.Audit[i].Sentence())
	}
	if len(lines) == newest {
		p.say(p.T("audit"), p.T("the newest %s records of the last hour; openclaw audit search shows more", strconv.Itoa(newest)))
		return nil
	}
	p.sayf(p.T("audit"), p.T("%d records in the last hour"), len(lines))
	return nil
}

func (p *plain) verify(ctx context.Context, _ string) error {
	k, err := p.backend.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	k = view.Clean(k)
	switch k.Status {
	case event.ChainWhole:
		p.say(p.T("audit"), p.T("the chain is whole up to line %s", strconv.FormatUint(k.Records, 10)))
	case event.ChainEmpty:
		p.say(p.T("audit"), p.T("no record yet"))
	default:
		p.say(p.T("audit"), p.T("the chain is broken at line %s: %s", strconv.Itoa(k.Line), k.Detail))
	}
	return nil
}
