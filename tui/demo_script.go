package tui

import (
	"encoding/json"
	"net/netip"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// demoWorld is what the demo's gateway holds before the script begins.
type demoWorld struct {
	overview    event.Overview
	denials     []event.Denial
	asks        []event.Ask
	connections []event.Connection
	agents      []event.Agent
	logs        []event.LogLine
	audit       []json.RawMessage
	config      event.ConfigStatus
	secrets     []event.Secret
	tokens      []event.ClientToken
}

// demoTime is a moment of the demo's clock, in seconds from its start.
func demoTime(seconds int) time.Time {
	return time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
}

const demoConfig = "/home/ada/.openclaw/config.yaml"

func fromConfig(line int, key string) policy.Origin {
	return policy.Origin{File: demoConfig, Line: line, Key: key}
}

func builtIn(why string) policy.Origin { return policy.Origin{BuiltIn: why} }

func demoMachine(landlock bool) []event.Mechanism {
	list := []event.Mechanism{
		{Name: "user namespace", Enforced: true, Detail: "made one, mapped 1000"},
		{Name: "mount namespace", Enforced: true, Detail: "bound, pivoted, old root gone"},
		{Name: "gate", Enforced: true, Detail: "a refused read answered EACCES"},
		{Name: "seccomp", Enforced: true, Detail: "a refused call answered EPERM"},
		{Name: "notify", Enforced: true, Detail: "a held call was answered"},
		{Name: "redirect", Enforced: true, Detail: "a connection reached the gate"},
		{Name: "landlock scopes", Enforced: landlock, Detail: "signal outside answered EPERM"},
	}
	if !landlock {
		list[6].Detail, list[6].Fix = "the kernel was started without it", "landlock in the kernel's lsm= list"
	}
	return list
}

func demoPolicy(agent string) *policy.Policy {
	key := "agents." + agent + ".permissions."
	return &policy.Policy{
		Agent: agent, Version: "8d21", Home: "/home/ada", StateDir: "/home/ada/.openclaw",
		Workspace: "/home/ada/.openclaw/agents/" + agent,
		Paths: []policy.PathRule{
			{Path: "/home/ada/project", Effect: policy.Allow, Access: policy.AccessWrite, Origin: fromConfig(14, key+"allowed_paths[0]")},
			{Path: "/home/ada/.gitconfig", Effect: policy.Allow, Access: policy.AccessRead, Origin: fromConfig(15, key+"allowed_paths[1]")},
			{Path: "/home/ada/project/**/.env", Glob: true, Effect: policy.Deny, Origin: fromConfig(18, key+"denied_paths[0]")},
			{Path: "/home/ada/.openclaw/agents/" + agent, Effect: policy.Allow, Access: policy.AccessWrite, Origin: builtIn("the agent's own workspace")},
			{Path: "/home/ada/.openclaw", Effect: policy.Deny, Origin: builtIn("openclaw's own state")},
			{Path: "/home/ada/.ssh", Effect: policy.Deny, Origin: builtIn("SSH keys")},
			{Path: "/home/ada/.aws", Effect: policy.Deny, Origin: builtIn("cloud credentials")},
			{Path: "/usr", Effect: policy.Allow, Access: policy.AccessRead, System: true, Origin: builtIn("programs")},
			{Path: "/etc/ssl", Effect: policy.Allow, Access: policy.AccessRead, System: true, Origin: builtIn("certificates")},
		},
		Exec: policy.Exec{Commands: true, CommandsFrom: fromConfig(20, key+"execute_commands"), SystemFrom: builtIn("default")},
		Network: policy.NetworkRules{
			Outbound: true, OutboundFrom: fromConfig(22, key+"network.allow_outbound"),
			Domains: []policy.DomainRule{
				{Pattern: "api.example.test", Port: 443, Origin: fromConfig(24, key+"network.allowed_domains[0]")},
				{Pattern: "*.docs.example.test", Origin: fromConfig(25, key+"network.allowed_domains[1]")},
			},
			DomainsFrom: fromConfig(23, key+"network.allowed_domains"),
			Blocked: []policy.AddressRule{
				{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Origin: fromConfig(27, key+"network.blocked_ips[0]")},
				{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Origin: builtIn("loopback")},
				{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Origin: builtIn("private")},
			},
		},
		MaxFileSize: 100_000_000, Enforce: policy.EnforceStrict,
		Default: fromConfig(12, "agents."+agent),
	}
}

func demoAtWork() (demoWorld, []event.Event) {
	coder := event.Agent{
		Name: "coder", Role: "developer", Workspace: "/home/ada/.openclaw/agents/coder", State: "running", Denied: 64, Conns: 2,
		Policy: demoPolicy("coder"),
		Runs: []event.Run{{
			ID: "r7", Agent: "coder", PID: 41230, Command: []string{"sh", "-c", "npm install && npm test"}, Started: demoTime(-4310), Terminal: event.OnTerminal,
			Policy: "8d21", Mechanisms: demoMachine(true),
			Warnings: []string{"~/project/data.db has a second name outside the allowed paths (a hard link made before the start)"},
			NeedsRun: []string{"allowed_paths: /home/ada/notes was added"},
		}},
	}
	reviewer := event.Agent{
		Name: "reviewer", Role: "reader", Workspace: "/home/ada/.openclaw/agents/reviewer", State: "stopped", Denied: 3,
		Policy: demoPolicy("reviewer"),
		Runs: []event.Run{{
			ID: "r6", Agent: "reviewer", PID: 40110, Command: []string{"review", "--all"}, Started: demoTime(-9000),
			Ended: demoTime(-7200), Exit: "exit 0", Policy: "8d21", Terminal: event.Kept,
		}},
	}
	legacy := event.Agent{Name: "legacy", State: "invalid", Problem: "role \"oldtimer\" does not exist", Workspace: "/home/ada/.openclaw/agents/legacy"}
	applied := event.ConfigStatus{
		Path: demoConfig, Version: 12, Active: demoTime(-600), Rejected: true,
		Problems: []event.Problem{
			{File: demoConfig, Line: 44, Column: 7, Key: "agents.coder.permissions.alow_paths", Message: `unknown key "alow_paths"; did you mean "allowed_paths"?`},
			{File: demoConfig, Line: 51, Column: 14, Key: "agents.legacy.limits.memory", Message: `"4gig" is not a size; write 4GB`},
		},
		Diff: []string{
			"@@ -42,3 +42,3 @@", "     permissions:", "       read_only: false", "-      allowed_paths: [~/project, ~/.gitconfig]",
			"+      alow_paths: [~/project, ~/.gitconfig, ~/notes]",
		},
		History: []event.Applied{
			{Version: 12, Time: demoTime(-600), By: "file watch", Changes: []string{"agents.coder.permissions.network.allowed_domains +1", "logging.level info"}, Kept: true},
			{Version: 11, Time: demoTime(-5200), By: "reload", Changes: []string{"agents.reviewer.permissions.read_only true"}, Kept: true},
			{Version: 10, Time: demoTime(-91000), By: "start", Lost: "it holds a secret in the clear"},
		},
	}
	w := demoWorld{
		overview: event.Overview{
			Version: "demo", PID: 4711, Home: "/home/ada", Listeners: []string{"127.0.0.1:18789"}, Started: demoTime(-9100), Connections: 3, DeniedHour: 27,
			Agents: 3, Running: 1, Store: event.SecretStore{Backend: "keychain", State: "unlocked", Detail: "Secret Service (gnome-keyring)"},
			Machine: demoMachine(true), TokenSet: true,
		},
		agents: []event.Agent{coder, legacy, reviewer}, config: applied,
		denials: []event.Denial{
			demoDenial("d1", -900, 3, "reviewer", policy.ClassPathRead, "open", "/home/ada/.aws/credentials", "cat", builtIn("cloud credentials"), "built-in: cloud credentials", "gate"),
			demoDenial("d2", -300, 61, "coder", policy.ClassNet, "resolve", "telemetry.example.test:443", "node", fromConfig(23, "agents.coder.permissions.network.allowed_domains"), "not in allowed_domains", "dns"),
		},
		asks: demoAsks(),
		connections: []event.Connection{
			{ID: "c-19", Kind: "unix", From: "unix", Client: "openclaw tui demo", Route: "/ws", State: "open", Auth: "peer credentials", Opened: demoTime(-70), BytesIn: 4100, BytesOut: 98000},
			{ID: "c-20", Kind: "net", From: "cage coder", Agent: "coder", Run: "r7", PID: 41240, Program: "/usr/bin/node", Route: "api.example.test:443", State: "open", Auth: "allowed_domains: api.example.test:443", Origin: fromConfig(24, "agents.coder.permissions.network.allowed_domains[0]"), Opened: demoTime(-12), BytesIn: 18000, BytesOut: 3100},
			{ID: "c-21", Kind: "ws", From: "127.0.0.1:51588", Client: "browser", Route: "/ws", State: "refused", Status: 403, Detail: "origin https://evil.example is not allowed", Opened: demoTime(-30), Closed: demoTime(-30)},
		},
		logs: []event.LogLine{
			demoLog(-20, "INFO", "gateway", "listening", "address=127.0.0.1:18789"),
			demoLog(-18, "INFO", "config", "applied", "version=12 by=\"file watch\""),
			demoLog(-9, "WARN", "auth", "bad token", "peer=127.0.0.1:51544 token=•••• attempt=3"),
			demoLog(-4, "INFO", "provider", "request", "agent=coder route=/v1/messages provider=anthropic stream=true"),
			demoLog(-3, "ERROR", "provider", "upstream refused", "status=429 retry_after=2s"),
		},
		secrets: []event.Secret{
			{Name: "anthropic", Store: "keychain", Created: demoTime(-90 * 86400), Changed: demoTime(-12 * 86400), LastUsed: demoTime(-4), UsedBy: []string{"provider anthropic"}},
			{Name: "openai", UsedBy: []string{"provider openai"}, Missing: true},
			{Name: "token/gateway", Store: "keychain", Created: demoTime(-12 * 86400), Changed: demoTime(-12 * 86400), LastUsed: demoTime(-70), UsedBy: []string{"gateway"}},
		},
		tokens: []event.ClientToken{
			{Name: "phone", Scopes: []string{"operator.read", "operator.approvals"}, Created: demoTime(-12 * 86400), Expires: demoTime(78 * 86400), State: event.TokenGood, Connected: 1},
			{Name: "old", Scopes: []string{"operator.read"}, Created: demoTime(-201 * 86400), Expires: demoTime(-111 * 86400), State: event.TokenExpired},
		},
		audit: []json.RawMessage{
			json.RawMessage(`{"timestamp":"2026-11-22T11:20:00Z","event_type":"config_change","user":"ada","action":"apply","result":"applied","details":{"version":12}}`),
			json.RawMessage(`{"timestamp":"2026-11-22T11:29:51Z","event_type":"authentication","user":"-","ip":"127.0.0.1","result":"failed","reason":"bad token"}`),
			json.RawMessage(`{"timestamp":"2026-11-22T11:29:57Z","event_type":"file_access","user":"coder","action":"read","path":"/home/ada/.ssh/id_ed25519","result":"denied","reason":"built-in: SSH keys"}`),
		},
	}
	return w, demoEvents()
}

func demoDenial(id string, at, count int, agent string, class policy.Class, op, target, program string, from policy.Origin, rule, by string) event.Denial {
	return event.Denial{
		ID: id, First: demoTime(at - 2*(count-1)), Last: demoTime(at), Count: count, Agent: agent, Run: "r7", PID: 41233,
		Program: "/usr/bin/" + program, CommandLine: program + " " + target, Class: class, Operation: op, Target: target,
		Rule: rule, Origin: from, Mechanism: by,
	}
}

// demoAsks is what waits, and what is over.
func demoAsks() []event.Ask {
	ask := func(id, state, agent string, class policy.Class, op, target, program string, count, at, left int) event.Ask {
		a := event.Ask{
			ID: id, State: state, First: demoTime(at), Last: demoTime(at + count - 1), Count: count, Agent: agent, Run: "r7", PID: 41233,
			Program: "/usr/bin/" + program, CommandLine: program + " install", Class: class, Operation: op, Target: target,
			Rule: "not in allowed_paths", Origin: fromConfig(12, "agents."+agent), Mechanism: "notify", Matches: []string{"exact", "folder"},
		}
		if class == policy.ClassNet {
			a.Rule, a.Matches, a.Mechanism = "not in allowed_domains", []string{"exact", "host", "*.example.test"}, "egress"
		}
		if state == event.AskWaiting {
			a.Waiting, a.Deadline = count, demoTime(28+left)
		}
		return a
	}
	once := ask("7c1d02", event.AskAllowed, "coder", policy.ClassNet, "connect", "api.example.test:443", "node", 1, -60, 0)
	once.Scope, once.Match, once.By, once.Decided = "once", "exact", "openclaw tui", demoTime(-50)
	missed := ask("1b90e4", event.AskMissed, "reviewer", policy.ClassPathRead, "open", "/home/ada/notes/plan.md", "cat", 2, -400, 0)
	missed.Reason = "ask: no answer in 60s"
	ssh := ask("9e33a0", event.AskWaiting, "coder", policy.ClassPathWrite, "create", "/home/ada/notes/todo.md", "vim", 1, 15, 72)
	ssh.NoAlways = "never_always of agent coder lists path.write"
	return []event.Ask{
		missed, once, ask("4f2a91", event.AskWaiting, "coder", policy.ClassNet, "connect", "registry.example.test:443", "node", 14, 6, 48), ssh,
		ask("c0ffee", event.AskWaiting, "coder", policy.ClassNet, "connect", "mirror.example.test:8443", "node", 1, 20, 115),
	}
}

func demoLog(at int, level, source, message, text string) event.LogLine {
	t := demoTime(at)
	return event.LogLine{
		Time: t, Level: level, Source: source, Message: message, Text: text,
		Raw: `time=` + t.Format(time.RFC3339) + ` level=` + level + ` source=` + source + ` msg="` + message + `" ` + text,
	}
}

// demoEvents is the script. Its times are the demo's clock.
func demoEvents() []event.Event {
	denied := func(at int, d event.Denial) event.Event {
		return event.Event{Time: demoTime(at), Kind: event.KindDenial, Denial: &d}
	}
	logged := func(at int, level, source, message, text string) event.Event {
		l := demoLog(at, level, source, message, text)
		return event.Event{Time: demoTime(at), Kind: event.KindLog, Log: &l}
	}
	call := event.Connection{
		ID: "c-22", Kind: "http", From: "127.0.0.1:51620", Agent: "coder", Run: "r7", Route: "POST /v1/messages → anthropic", State: "stream",
		Status: 200, Auth: "agent token", Opened: demoTime(3), BytesIn: 2048, BytesOut: 88200, FirstMS: 212,
	}
	ssh := demoDenial("d3", 8, 1, "coder", policy.ClassPathRead, "open", "/home/ada/.ssh/id_ed25519", "cat", builtIn("SSH keys"), "built-in: SSH keys", "gate")
	ssh.CommandLine = "cat /home/ada/.ssh/id_ed25519"
	notes := demoDenial("d4", 11, 1, "coder", policy.ClassPathWrite, "create", "/home/ada/notes.txt", "sh", fromConfig(12, "agents.coder"), "not in allowed_paths", "notify")
	sudo := demoDenial("d5", 17, 2, "coder", policy.ClassExec, "execve", "/usr/bin/sudo", "sh", builtIn("default"), "system_commands: false", "notify")
	sudo.Origin = fromConfig(20, "agents.coder.permissions.system_commands")
	registry := demoDenial("d6", 20, 14, "coder", policy.ClassNet, "connect", "registry.example.test:443", "node", fromConfig(23, "agents.coder.permissions.network.allowed_domains"), "not in allowed_domains", "egress")
	return []event.Event{
		logged(2, "INFO", "provider", "request", "agent=coder route=/v1/messages provider=anthropic stream=true"),
		{Time: demoTime(3), Kind: event.KindConnection, Connection: &call},
		denied(8, ssh),
		logged(8, "WARN", "sandbox", "denied", "agent=coder operation=open target=/home/ada/.ssh/id_ed25519 count=1"),
		denied(11, notes),
		logged(11, "WARN", "sandbox", "denied", "agent=coder operation=create target=/home/ada/notes.txt count=1"),
		denied(17, sudo),
		denied(20, registry),
		logged(21, "INFO", "provider", "first byte", "agent=coder provider=anthropic milliseconds=212 status=200"),
		{Time: demoTime(24), Kind: event.KindSecret, Secret: &event.Secret{
			Name: "anthropic", Store: "keychain", Created: demoTime(-90 * 86400), Changed: demoTime(-12 * 86400), LastUsed: demoTime(24),
			UsedBy: []string{"provider anthropic"},
		}},
		logged(28, "INFO", "gateway", "idle", "connections=3"),
	}
}

func demoFirstRun() (demoWorld, []event.Event) {
	return demoWorld{
		overview: event.Overview{
			Version: "demo", PID: 4711, Home: "/home/ada", Listeners: []string{"127.0.0.1:18789"}, Started: demoTime(-3), Connections: 1,
			Store:   event.SecretStore{State: "none", Detail: "no Secret Service answers", Hint: "Create the encrypted vault here (v), or start a desktop keyring."},
			Machine: demoMachine(false),
		},
		config: event.ConfigStatus{
			Path: demoConfig, Version: 1, Active: demoTime(-3),
			History: []event.Applied{{Version: 1, Time: demoTime(-3), By: "start"}},
		},
	}, nil
}
