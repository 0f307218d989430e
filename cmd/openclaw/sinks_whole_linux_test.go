package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// sinkRun is a way to run a command in the canaries' way.
type sinkRun struct {
	args  []string
	stdin string
}

// sinkRow is how a command is put in the canaries' way, or why it is not run here.
type sinkRow struct {
	runs []sinkRun
	not  string
}

func ran(runs ...[]string) sinkRow {
	row := sinkRow{}
	for _, args := range runs {
		row.runs = append(row.runs, sinkRun{args: args})
	}
	return row
}

func unfit(why string) sinkRow { return sinkRow{not: why} }

// sinkCommands has every command of the table. Commands with --json are run with it, too.
func sinkCommands(home, run, ask string) map[string]sinkRow {
	const s = shapedCanary
	return map[string]sinkRow{
		"agent create":              ran([]string{"new", "--domain", s + "/x"}, []string{"/" + s}),
		"agent delete":              ran([]string{s}),
		"agent learn":               unfit("runs a program: see learned below"),
		"agent attach":              ran([]string{run}, []string{s}),
		"agent list":                ran(nil),
		"agent output":              ran([]string{run}, []string{s}),
		"agent restart":             ran([]string{s}),
		"agent run":                 ran([]string{s, "--", "true"}, []string{"coder", "--", s}, []string{"coder", "--", home + "/projects/" + knownCanary}, []string{"--redact", "coder", "--", knownCanary}, []string{"--detach", "coder", "--", knownCanary}, []string{knownCanary, "--", "true"}),
		"agent show":                ran([]string{"coder"}, []string{s}),
		"agent stop":                ran([]string{s}),
		"agent test":                ran([]string{"coder", "read", "/" + s}, []string{"coder", "connect", "https://user:" + s + "@host.example"}),
		"allow":                     ran([]string{ask}, []string{s}),
		"asks":                      ran(nil, []string{"--all"}),
		"audit search":              ran([]string{"--since", "1h"}, []string{"--since", s}),
		"audit verify":              ran(nil),
		"cert ca":                   ran([]string{"--network", s}),
		"cert check":                ran(nil),
		"cert issue client":         ran([]string{s}),
		"cert issue server":         ran([]string{s}),
		"cert revoke":               ran([]string{s}),
		"client add":                ran([]string{"phone", "--scopes", s}, []string{"phone", "--for", s}),
		"client disconnect":         ran([]string{s}),
		"client list":               ran(nil, []string{"--show-last-auth"}, []string{"--tokens"}),
		"client revoke":             ran([]string{s}),
		"config decrypt":            ran([]string{home + "/" + s}),
		"config edit":               unfit("the person's own editor, on the person's own file"),
		"config encrypt":            ran([]string{home + "/" + s}),
		"config history":            ran(nil),
		"config rollback":           ran([]string{"1", "--dry-run"}, []string{"2", "--dry-run"}, []string{s}),
		"config schema":             ran(nil),
		"config set":                ran([]string{"providers.anthropic.api_key", s}, []string{s, "1"}),
		"config show":               ran(nil),
		"config unset":              ran([]string{s}),
		"config validate":           ran(nil, []string{home + "/" + s}),
		"denials":                   ran(nil),
		"deny":                      ran([]string{s}),
		"doctor":                    ran(nil, []string{"--bundle", home + "/bundle.tar.gz"}),
		"doctor clients":            unfit("runs the clients that are installed, with a stand-in and a token of its own"),
		"doctor secrets":            ran(nil),
		"firewall print":            ran(nil, []string{"--allow", s}),
		"gateway":                   unfit("runs already: what it says is looked at at the end"),
		"gateway ban-ip":            ran([]string{"203.0.113.7", "--reason", s}, []string{s}),
		"gateway bans":              ran(nil),
		"gateway generate-token":    unfit("prints a new token, which is what it is for"),
		"gateway reload":            ran(nil),
		"gateway rotate-token":      ran(nil),
		"gateway status":            ran(nil),
		"gateway stop":              unfit("is the end of this test"),
		"gateway unban-ip":          ran([]string{s}),
		"integrate fail2ban":        ran(nil),
		"integrate launchd":         ran(nil),
		"integrate nginx":           ran([]string{"--server-name", "gateway.example"}, []string{"--listen", s}),
		"integrate systemd":         ran(nil, []string{"--user", s}),
		"logs":                      ran(nil, []string{"--level", s}),
		"logs scrub":                ran([]string{"--dry-run"}),
		"measure cage":              unfit("measures cages of its own"),
		"measure":                   unfit("says what it measures"),
		"measure gateway":           unfit("measures a gateway of its own, without secrets"),
		"measure loop download":     unfit("a part of measure"),
		"measure loop open":         unfit("a part of measure"),
		"measure loop refused":      unfit("a part of measure"),
		"measure loop run":          unfit("a part of measure"),
		"measure loop write":        unfit("a part of measure"),
		"measure screen":            unfit("measures a screen of its own, without secrets"),
		"redact":                    {runs: []sinkRun{{stdin: "the key is " + s + "\n"}}},
		"secrets delete":            ran([]string{s}),
		"secrets import":            {runs: []sinkRun{{args: []string{"--dry-run", "--all"}}, {args: []string{s}}}},
		"secrets list":              ran(nil),
		"secrets set":               {runs: []sinkRun{{args: []string{"second", "-"}, stdin: s}, {args: []string{"third", s}}, {args: []string{"a name of " + s, "-"}, stdin: s}}},
		"secrets test":              ran([]string{"anthropic"}, []string{"vault://" + s}, []string{"exec:" + s}, []string{"file:///" + s}, []string{"${" + s + "}"}),
		"tui":                       {runs: []sinkRun{{args: []string{"--plain"}, stdin: plainWords(run)}, {args: []string{"--lang", s}}}},
		"undo":                      ran(nil, []string{s}),
		"vault accept-rollback":     ran([]string{"--yes", "--identity", home + "/" + s}),
		"vault add-slot age":        ran([]string{s}),
		"vault add-slot credential": ran([]string{"--name", s}),
		"vault add-slot keychain":   ran(nil),
		"vault delete":              ran([]string{s}),
		"vault export":              ran([]string{home + "/" + s + "/x"}),
		"vault get":                 unfit("prints the one secret that was asked for, to who opens the vault"),
		"vault import":              ran([]string{home + "/" + s}),
		"vault init":                ran(nil),
		"vault list":                ran(nil),
		"vault lock":                unfit("is locked at the end of this test"),
		"vault recovery-code":       unfit("prints a new code, which is what it is for"),
		"vault rekey":               ran([]string{s}),
		"vault remove-slot":         ran([]string{s}),
		"vault rotate-key":          {runs: []sinkRun{{args: []string{"anthropic", "-"}, stdin: s}, {args: []string{s, "-"}, stdin: s}}},
		"vault set":                 {runs: []sinkRun{{args: []string{"fourth", s}}, {args: []string{"fifth", "-"}, stdin: s}}},
		"vault slots":               ran(nil),
		"vault unlock":              ran([]string{"--identity", home + "/" + s}),
		"version":                   ran(nil),
	}
}

// plainWords are the words of the plain screen, in the canaries' way. The test of the
// screen itself looks at each of them (tui); this is the way to the person.
func plainWords(run string) string {
	const s = shapedCanary
	return strings.Join([]string{
		"help", "overview", "refresh", "connections", "denials", "show D1", "show " + s, "agents", "agents coder", "agents " + s, "logs 100", "follow on", "secrets",
		"audit", "config", "reload", "rollback 1", "rollback " + s, "store " + s, "test " + s, "test vault://" + s, "delete " + s + " yes", "asks", "allow " + s, "deny " + s,
		"undo " + s, "chat coder", "chat " + s, "say " + s + " hello", "abort " + s, "create new /" + s, "start " + s + " true", "restart " + s + " yes",
		"output " + run, "output " + s, s, "follow off", "quit", "",
	}, "\n")
}

// leaves are the command lines of the table that do something, and whether each takes
// --json.
func leaves() map[string]bool {
	found := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "openclaw"), " ")
		group := c.HasSubCommands() && c.Args != nil && c.Args(c, []string{"x"}) == nil // see group
		if c.RunE != nil && path != "" && !group {
			found[path] = c.Flags().Lookup("json") != nil
		}
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(newRoot(&terminal{getenv: func(string) string { return "" }}))
	return found
}

// Every command is put in the canaries' way, or it is said why it is not.
func TestEveryCommandIsInTheCanarysWay(t *testing.T) {
	t.Parallel()
	rows := sinkCommands("/home", "r-1", "a-1")
	for path := range leaves() {
		row, known := rows[path]
		if !known || len(row.runs) == 0 && row.not == "" {
			t.Errorf("a new command: %s: put it in the canaries' way in sinkCommands, or say why it cannot be", path)
		}
		delete(rows, path)
	}
	for path := range rows {
		t.Errorf("%s is no command any more: take it out of sinkCommands", path)
	}
}

// sighting looks for canaries in what came out.
type sighting struct {
	t *testing.T

	mu   sync.Mutex
	came bool // a replacement was seen
	at   map[string]bool
}

func (s *sighting) look(where, text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	place, _, _ := strings.Cut(where, ": ")
	s.at[place] = true
	s.came = s.came || strings.Contains(text, "[REDACTED]")
	for _, secret := range []string{knownCanary, shapedCanary, keyCanary} {
		if i := strings.Index(text, secret[:len(secret)*2/3]); i >= 0 {
			s.t.Errorf("%s shows a secret: …%s…", where, text[max(0, i-160):min(len(text), i+len(secret)+40)])
		}
	}
}

// A secret that a gateway keeps, and one that its form gives away, are put in the way of
// every command, every event and every screen of a real gateway with real cages: as the
// name of a file that an agent wants, in its command line, its output, its question, what
// it is seen to need, in the config, in refused configs, requests and arguments. It comes
// out of nothing, and lies in no file but those that are the person's own.
func TestNoCommandShowsASecret(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	saw := &sighting{t: t, at: map[string]bool{}}
	const agents = "agents:\n  coder:\n    permissions: {denied_paths: ['/srv/" + knownCanary + "'], network: {allowed_domains: [other.example, " + keyCanary + ".example]}}\n  asker:\n    permissions: {ask: [path.read, net, exec], ask_timeout: 1s}\n  talker: {provider: anthropic, model: claude-x}\n"
	port := p.configure(agents + "providers:\n  anthropic: {base_url: '" + repeating(t) + "', api_key: 'vault://spoken'}\n")
	for _, name := range []string{knownCanary, shapedCanary} {
		write(t, filepath.Join(p.home, "projects", name), "a file of the person\n")
	}
	gateway := p.gateway()
	with := func(stdin string, args ...string) result {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, p.binary, args...)
		var out, errs bytes.Buffer
		cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.environ, p.home, strings.NewReader(stdin), &out, &errs
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatalf("%q: %v", args, err)
		}
		return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	}
	p.says("vault", "init", "--key-file")
	if r := with(knownCanary, "secrets", "set", "anthropic", "-"); r.code != 0 {
		t.Fatal(r)
	}
	if r := with(keyCanary, "secrets", "set", "spoken", "-"); r.code != 0 {
		t.Fatal(r)
	}
	p.says("secrets", "test", "vault://anthropic") // from here on the gateway knows it

	// Every event of a connected client.
	watching, err := client.Dial(t.Context(), client.Options{Socket: filepath.Join(p.home, ".openclaw", "run", "gateway.sock"), Name: knownCanary, Version: shapedCanary})
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Close()
	if err := watching.Call(t.Context(), wire.MethodSubscribe, wire.SubscribeParams{}, nil); err != nil {
		t.Fatal(err)
	}
	var events sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	seen := map[event.Kind]bool{}
	events.Go(func() {
		_ = follow(ctx, watching, func(e event.Event) error {
			text, err := json.Marshal(e)
			saw.look("an event of the kind "+string(e.Kind), string(text)+fmt.Sprint(err))
			seen[e.Kind] = true
			return nil
		})
	})

	p.conversations(saw, "talker")

	// What an agent says, wants, asks and is seen to need.
	script := fmt.Sprintf(`echo "key %[1]s and %[2]s"; cat ~/projects/"%[1]s" ~/projects/%[2]s; curl -sS -m 5 "https://user:%[2]s@%[3]s.example/?token=%[2]s"; true`, knownCanary, shapedCanary, shapedCanary[:50])
	for _, agent := range []string{"coder", "asker"} {
		_ = p.openclaw("agent", "run", agent, "--", "sh", "-c", script, "--token", knownCanary) // its own terminal shows it
	}
	// What a run that learns opened, was given as an argument and has in its environment:
	// the proposal, and the config that it is written into.
	write(t, filepath.Join(p.home, "projects", "learned"), "a file of the person\n")
	before := contents(t, p.configFile())
	for _, how := range [][]string{{}, {"--json"}, {"--write"}} {
		learned := p.openclaw(slices.Concat([]string{"agent", "learn"}, how, []string{"coder", "--", "env", "KEY=" + knownCanary, "sh", "-c",
			`cat ~/projects/"` + knownCanary + `" ~/projects/` + shapedCanary + ` ~/projects/learned >/dev/null; true`, "sh", "--token", knownCanary, shapedCanary})...)
		saw.look("agent learn "+strings.Join(how, ""), learned.out+learned.errors)
		if said := learned.out + learned.errors; !strings.Contains(said, "projects/learned") || !strings.Contains(said, "its name holds a secret") {
			t.Errorf("agent learn %q said nothing of what it saw: %s", how, said)
		}
	}
	own := strings.NewReplacer("/srv/"+knownCanary, "", keyCanary+".example", "") // what the person wrote
	saw.look("the config that a proposal was written into", own.Replace(contents(t, p.configFile())))
	if contents(t, p.configFile()) == before {
		t.Error("no proposal was written")
	}
	write(t, p.configFile(), before)
	p.says("gateway", "reload")
	said := p.says("agent", "run", "--detach", "coder", "--", "sh", "-c", script)
	found := regexp.MustCompile(`run ([0-9a-f]+) of coder goes on`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("said %q", said)
	}
	p.eventually("the end of a run", func() bool { return !p.newestRun("coder").Ended.IsZero() })

	// Strangers, with secrets in all that they say.
	for _, path := range []string{"/v1/" + shapedCanary, "/health?key=" + shapedCanary, "/" + strings.ReplaceAll(knownCanary, " ", "%20"), "/v1/messages"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), strings.NewReader(`{"model":"`+shapedCanary+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Api-Key", shapedCanary)
		request.Header.Set("User-Agent", shapedCanary)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		saw.look("an answer to: "+path[:4], string(body)+fmt.Sprint(err, response.Header))
	}
	for _, params := range []map[string]any{{"id": shapedCanary, "name": shapedCanary, "agent": shapedCanary, "run": shapedCanary}, {"id": knownCanary, "name": knownCanary, "agent": knownCanary, "run": knownCanary, "reference": knownCanary}} {
		for _, method := range watching.Hello().Features.Methods {
			if method == wire.MethodGatewayStop || method == wire.MethodStoreLock || method == wire.MethodSubscribe || method == wire.MethodSecretSet {
				continue // it does what it is asked for
			}
			var answer json.RawMessage
			short, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := watching.Call(short, method, params, &answer)
			cancel()
			saw.look("an answer to: "+method, string(answer)+fmt.Sprintf("%v %+v", err, err))
		}
	}

	// Configs that are refused, and one with a key in it that is not.
	config := p.config()
	for _, refused := range []string{
		"providers: {anthropic: {api_key: [" + shapedCanary + "]}}", "providers: {anthropic: {api_kee: " + shapedCanary + "}}", shapedCanary + ": 1", "agents: {" + shapedCanary + ": {role: x}}",
		"gateway: {port: " + shapedCanary + "}", "gateway: {gateway_token: 'vault:/" + shapedCanary + "'}", "providers: {anthropic: {api_key: '${" + shapedCanary + "'}}",
		"logging: {redact_patterns: ['(" + shapedCanary + "']}", "tui: {keys: {" + shapedCanary + ": x}}", "providers: {anthropic: {base_url: 'ftp://user:" + shapedCanary + "@host'}}",
		"key: '" + shapedCanary, "agents: {coder: {permissions: {network: {allowed_domains: ['" + shapedCanary + "/x']}}}}", "client: {gateway_url: 'wss://user:" + shapedCanary + "@host:1'}",
		"agents: {coder: {env: {A: " + shapedCanary + "}}}", "agents: {coder: {env: ['TOKEN=" + shapedCanary + "']}}",
	} {
		write(t, p.configFile(), fmt.Sprintf("# %s\n%s\n", shapedCanary, refused))
		for _, args := range [][]string{{"config", "validate"}, {"config", "validate", "--json"}, {"gateway", "reload"}, {"gateway", "status", "--json"}, {"config", "show"}, {"doctor", "secrets"}} {
			r := p.openclaw(args...)
			saw.look(strings.Join(args, " ")+" with "+refused[:12]+"…", r.out+r.errors)
		}
	}
	write(t, p.configFile(), config+"  openai: {api_key: "+shapedCanary+"} # "+shapedCanary+"\n")
	saw.look("gateway reload", p.says("gateway", "reload"))
	write(t, p.configFile(), config+"# without it\n")
	p.says("gateway", "reload")

	// Every command.
	ask := ""
	if rows := p.asks("--all"); len(rows) > 0 {
		ask = rows[0].ID
	}
	rows := sinkCommands(p.home, found[1], ask)
	for path, asJSON := range leaves() {
		row := rows[path]
		for _, one := range row.runs {
			args := append(strings.Fields(path), one.args...)
			r := with(one.stdin, args...)
			saw.look("a command: openclaw "+path, r.out+r.errors)
			if asJSON {
				r := with(one.stdin, append(strings.Fields(path), append([]string{"--json"}, one.args...)...)...)
				saw.look("a command: openclaw "+path+" --json", r.out+r.errors)
			}
		}
	}
	saw.look("the support bundle", unpacked(t, filepath.Join(p.home, "bundle.tar.gz")))

	p.integrations(saw)
	p.screens(saw)

	cancel()
	p.says("gateway", "stop")
	<-gateway.ended
	events.Wait()
	saw.look("the gateway's standard error", gateway.errors())
	for _, kind := range []event.Kind{event.KindDenial, event.KindConnection, event.KindAgent, event.KindConfig, event.KindSecret, event.KindLog} {
		if !seen[kind] {
			t.Errorf("no event of the kind %s came by", kind)
		}
	}
	if !saw.came {
		t.Error("no canary came by anywhere")
	}
	p.noCanaryOnTheDisk(saw)
	for place := range strings.SplitSeq(wholePlaces, ", ") {
		if !saw.at[place] {
			t.Errorf("no canary was looked for at %q", place)
		}
	}
}
