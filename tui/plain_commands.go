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
		"help": p.help, "overview": p.overview, "refresh": p.overview, "connections": p.connections, "denials": p.denials,
		"show": p.show, "agents": p.agents, "logs": p.logs, "follow": p.followLogs, "secrets": p.secrets, "audit": p.audit,
		"config": p.config, "reload": p.reload, "rollback": p.rollback, "store": p.store, "test": p.test, "delete": p.remove,
		"asks": p.asks, "allow": p.allow, "deny": p.deny, "undo": p.undo,
		"chat": p.chat, "say": p.sayTo, "abort": p.abort,
		"start": p.start, "restart": p.restart, "output": p.output,
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
	p.say(p.T("help"), p.T("agents NAME, one agent with its runs and its policy"))
	p.say(p.T("help"), p.T("start AGENT COMMAND, without a terminal; restart RUN yes; output RUN, what one without a terminal says"))
	p.say(p.T("help"), p.T("logs N, the newest N lines; follow on, follow off"))
	p.say(p.T("help"), p.T("store NAME, test NAME, delete NAME yes"))
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
		o.PID, strings.Join(o.Listeners, " and "), o.Connections, o.DeniedHour, o.Running, o.Agents)
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
	p.sayf(p.T("store"), p.T("%s %s. %s"), orWord(s.Backend, p.T("no place for secrets,")), s.State, s.Detail)
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
		p.sayf(p.T("connection"), p.T("%s, %s from %s, agent %s, %s, %s. %s"), c.ID, c.Kind, c.From, orWord(c.Agent, p.T("none")), c.Route, c.State, c.Detail)
	}
	p.sayf(p.T("connections"), p.T("%d in all"), len(list))
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
		p.sayf(p.T("agent"), p.T("%s, %s, %d runs now, %d denied. %s"), a.Name, a.State, view.Running(&a), a.Denied, a.Problem)
		if name == "" {
			continue
		}
		for _, r := range a.Runs {
			p.sayf(p.T("run"), p.T("%s, %s, %s"), r.ID, strings.Join(r.Command, " "), orWord(r.Exit, p.T("running")))
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

func (p *plain) secrets(ctx context.Context, _ string) error {
	store, list, err := p.backend.Secrets(ctx)
	if err != nil {
		return err
	}
	store = view.Clean(store)
	p.storeLine(&store)
	for _, s := range view.Clean(list) {
		state := p.T("stored in the %s", s.Store)
		if s.Missing {
			state = p.T("missing")
		}
		p.sayf(p.T("secret"), p.T("%s, %s, used by %s"), s.Name, state, orWord(strings.Join(s.UsedBy, " and "), p.T("nothing")))
	}
	return nil
}

func (p *plain) audit(ctx context.Context, _ string) error {
	lines, err := p.backend.Audit(ctx, time.Hour, 50)
	if err != nil {
		return err
	}
	for _, l := range lines {
		p.say(p.T("audit"), string(l))
	}
	p.sayf(p.T("audit"), p.T("%d records in the last hour"), len(lines))
	return nil
}

func (p *plain) config(ctx context.Context, _ string) error {
	c, err := p.backend.Config(ctx)
	if err == nil {
		c = view.Clean(c)
		p.configLine(&c)
		for _, change := range c.Changes {
			p.say(p.T("changed"), change)
		}
		for _, line := range c.Diff {
			p.say(p.T("diff"), line)
		}
	}
	return err
}

func (p *plain) reload(ctx context.Context, _ string) error {
	c, err := p.backend.ReloadConfig(ctx)
	if err == nil {
		c = view.Clean(c)
		p.configLine(&c)
	}
	return err
}

// rollback VERSION [yes]
func (p *plain) rollback(ctx context.Context, rest string) error {
	word, yes, _ := strings.Cut(rest, " ")
	version, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil {
		return p.versions(ctx)
	}
	back, err := p.backend.RollbackConfig(ctx, version, yes != "yes")
	if err != nil {
		return err
	}
	back = view.Clean(back)
	for _, line := range back.Diff {
		p.say(p.T("diff"), line)
	}
	if yes != "yes" {
		p.say(p.T("config"), p.T("rollback %s yes, brings it back", word))
		return nil
	}
	if back.Saved != "" {
		p.say(p.T("config"), p.T("the file that was on disk is now %s", back.Saved))
	}
	p.configLine(&back.Config)
	return nil
}

// versions are the configs that were in force.
func (p *plain) versions(ctx context.Context) error {
	c, err := p.backend.Config(ctx)
	if err != nil {
		return err
	}
	for _, h := range view.Clean(c).History {
		kept := p.T("kept")
		if !h.Kept {
			kept = p.T("not kept")
		}
		p.sayf(p.T("version"), p.T("%d, %s, %s, %s. %s"), h.Version, h.Time.In(p.o.Now().Location()).Format(time.DateTime), h.By, kept, strings.Join(h.Changes, ", "))
	}
	p.say(p.T("config"), p.T("rollback NUMBER, shows what a version would change"))
	return nil
}

func (p *plain) store(_ context.Context, name string) error {
	if name == "" {
		return errors.New(p.T("store NAME; the key of a provider is named like it: anthropic, openai"))
	}
	value, err := p.secret(p.T("value of %s", name))
	if err != nil {
		return err
	}
	return p.send(p.T("stored %s", name), func(ctx context.Context) error {
		defer clear(value)
		return p.backend.StoreSecret(ctx, name, value)
	})
}

// send makes a call that came after a typed secret: its deadline starts now, not
// when the command was typed.
func (p *plain) send(done string, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err := call(ctx)
	if err == nil {
		p.say(p.T("done"), done)
	}
	return err
}

// secret asks for a masked value.
func (p *plain) secret(label string) ([]byte, error) {
	value, err := p.in.secret(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.write(p.T("%s, typed without echo, then enter: ", view.Printable(label, 300)))
		p.hold = true
	})
	p.mu.Lock()
	p.write("\n")
	p.hold = false
	for _, line := range p.held {
		p.write(line)
	}
	p.held = nil
	p.mu.Unlock()
	if err == nil && len(value) == 0 {
		err = errors.New(p.T("nothing was typed"))
	}
	return value, err
}

func (p *plain) test(ctx context.Context, name string) error {
	ok, detail, err := p.backend.TestSecret(ctx, name)
	if err != nil {
		return err
	}
	word := p.T("works")
	if !ok {
		word = p.T("does not work")
	}
	p.say(p.T("test"), name+" "+word+". "+detail)
	return nil
}

func (p *plain) remove(ctx context.Context, rest string) error {
	name, yes, _ := strings.Cut(rest, " ")
	if name == "" || yes != "yes" {
		return errors.New(p.T("delete NAME yes; it cannot be brought back"))
	}
	if err := p.backend.DeleteSecret(ctx, name); err != nil {
		return err
	}
	p.say(p.T("done"), p.T("deleted %s", name))
	return nil
}

func (p *plain) vault(context.Context, string) error {
	one, err := p.secret(p.T("passphrase of the new vault, at least 8 characters"))
	if err != nil {
		return err
	}
	two, err := p.secret(p.T("the passphrase again"))
	same := slices.Equal(one, two)
	clear(two)
	if err != nil || !same || len(one) < 8 {
		clear(one)
		if err == nil {
			err = errors.New(p.T("the two were not the same, or too short; nothing was made"))
		}
		return err
	}
	return p.send(p.T("the vault is there and open"), func(ctx context.Context) error {
		defer clear(one)
		_, err := p.backend.CreateVault(ctx, one)
		return err
	})
}

func (p *plain) keyFile(ctx context.Context, rest string) error {
	if rest != "yes" {
		return errors.New(p.T("keyfile yes; whoever can read your files can then read the vault"))
	}
	_, err := p.backend.CreateVault(ctx, nil)
	if err == nil {
		p.say(p.T("done"), p.T("the vault is there and open"))
	}
	return err
}

func (p *plain) unlock(context.Context, string) error {
	value, err := p.secret(p.T("passphrase of the vault"))
	if err != nil {
		return err
	}
	return p.send(p.T("the vault is open"), func(ctx context.Context) error {
		defer clear(value)
		_, err := p.backend.UnlockVault(ctx, value)
		return err
	})
}
