package approve

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// storeOf is a real config store.
func storeOf(t *testing.T, text string) *configs.Store {
	t.Helper()
	layout := configs.Layout{Root: t.TempDir()}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := configs.OpenStore(layout, configs.Options{Home: "/home/u"})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func textOf(t *testing.T, store *configs.Store) string {
	t.Helper()
	text, err := os.ReadFile(store.Current().Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patched is what a text becomes by the lines that are said to change: where one
// is taken out the new ones take its place, otherwise they come at the end.
func patched(t *testing.T, text string, lines []string) string {
	t.Helper()
	at := len(text)
	var in string
	for _, line := range lines {
		if line[0] == '+' {
			in += line[1:] + "\n"
			continue
		}
		i := strings.Index(text, line[1:]+"\n")
		if i < 0 {
			t.Fatalf("%q does not stand in the config", line)
		}
		at, text = i, text[:i]+text[i+len(line):]
	}
	return text[:at] + in + text[at:]
}

// "Always" writes what it showed before, line by line, keeps comments, and is in
// force at once; undo takes exactly that away.
func TestAlwaysWritesARule(t *testing.T) {
	write := request("/srv/out/x")
	write.Class, write.Operation = policy.ClassPathWrite, "create"
	const plain = "agents:\n  coder: # mine\n    permissions:\n      ask: [path.read, path.write, net]\n      network: {allowed_domains: [a.example]} # few\n"
	for name, test := range map[string]struct {
		config string
		asked  Request
		match  Match
		after  string
		where  string
		text   string
	}{
		"read": {
			plain, request("/home/u/a b/$x"), Exact,
			plain + "      allowed_paths:\n        - {path: ~/a b/$$x, access: read}\n", "config.yaml:7", "- {path: ~/a b/$$x, access: read}",
		},
		"folder": {
			plain, request("/srv/data/x"), Folder,
			plain + "      allowed_paths:\n        - {path: /srv/data, access: read}\n", "config.yaml:7", "- {path: /srv/data, access: read}",
		},
		"write": {
			plain, write, Exact, plain + "      allowed_paths:\n        - /srv/out/x\n", "config.yaml:7", "- /srv/out/x",
		},
		"a list that is there": {
			"agents:\n  coder:\n    permissions:\n      ask: [path.read]\n      allowed_paths:\n        - /srv/one # first\n", request("/srv/two"), Exact,
			"agents:\n  coder:\n    permissions:\n      ask: [path.read]\n      allowed_paths:\n        - /srv/one # first\n        - {path: /srv/two, access: read}\n",
			"config.yaml:7", "- {path: /srv/two, access: read}",
		},
		"host and port": {
			plain, netRequest("b.example:443"), Exact, strings.Replace(plain, "[a.example]", "[a.example, 'b.example:443']", 1), "config.yaml:5",
			"network: {allowed_domains: [a.example, 'b.example:443']} # few",
		},
		"host": {
			plain, netRequest("b.example:443"), Host, strings.Replace(plain, "[a.example]", "[a.example, b.example]", 1), "config.yaml:5",
			"network: {allowed_domains: [a.example, b.example]} # few",
		},
		"address": {
			"agents:\n  coder:\n    permissions:\n      ask: [net]\n      network_access: true\n", netRequest("8.8.8.8:22"), Exact,
			"agents:\n  coder:\n    permissions:\n      ask: [net]\n      network_access: true\n      network:\n        allowed_ips:\n          - 8.8.8.8:22\n",
			"config.yaml:8", "- 8.8.8.8:22",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, test.config)
			before, err := store.Current().Policy("coder")
			if err != nil {
				t.Fatal(err)
			}
			rule := ruleOf(&test.asked, test.match)
			if d := decide(before, rule); d.Effect != policy.Ask {
				t.Fatalf("it is not asked: %+v", d)
			}
			d := newDesk(t, ConfigRules{store})
			h := d.Submit(test.asked)
			preview, err := d.Preview(h.ID, test.match)
			if err != nil || preview.Where != test.where || preview.Wrote != test.text || textOf(t, store) != test.config {
				t.Fatalf("preview %+v %v", preview, err)
			}
			if shown := patched(t, test.config, preview.Lines); shown != test.after {
				t.Errorf("shown %q, which makes\n%s", preview.Lines, shown)
			}
			row := d.decide(h.ID, Decision{Allow: true, Scope: Always, Match: test.match})
			if !slices.Equal(row.Lines, preview.Lines) || row.List != preview.List || !strings.Contains(test.after, row.List[strings.LastIndex(row.List, ".")+1:]+":") {
				t.Errorf("shown %q below %s, written %q below %s", preview.Lines, preview.List, row.Lines, row.List)
			}
			if row.Problem != "" || row.Where != test.where || row.Wrote != test.text || row.Scope != "always" || !verdict(t, h).Allow {
				t.Errorf("row %+v", row)
			}
			if text := textOf(t, store); text != test.after {
				t.Errorf("config\n%s\nwant\n%s", text, test.after)
			}
			now, err := store.Current().Policy("coder")
			if err != nil || !allows(now, rule) {
				t.Errorf("not in force: %v", err)
			}
			if row, err := d.Undo(t.Context(), "", "cli", "local"); err != nil || row.State != event.AskUndone {
				t.Fatalf("undo %+v %v", row, err)
			}
			again, err := store.Current().Policy("coder")
			if err != nil || decide(again, rule).Effect != policy.Ask {
				t.Errorf("still allowed: %v", err)
			}
			if text := textOf(t, store); text != test.config {
				t.Errorf("config after undo\n%s", text)
			}
			if len(d.records) != 2 || d.records[1].Action != "undo" {
				t.Errorf("records %+v", d.records)
			}
			waits(t, d.Submit(test.asked))
		})
	}
}

// A rule that would do nothing, or take something else away, is not written:
// the answer then holds once, and the person is told.
func TestAlwaysThatCannotBeWritten(t *testing.T) {
	write := request("/srv/x")
	write.Class = policy.ClassPathWrite
	dir, err := os.MkdirTemp("/var/tmp", "openclaw-approve-") //nolint:usetesting // every cage may read its own /tmp
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	link := request(filepath.Join(dir, "link"))
	link.Operation = "readlink"
	if err := os.Symlink("/", link.Target); err != nil {
		t.Fatal(err)
	}
	folder := request(dir)
	folder.Operation = "opendir"
	for name, test := range map[string]struct {
		config string
		asked  Request
		words  string
	}{
		"the role has the list": {
			"roles:\n  r:\n    permissions:\n      allowed_paths: [/srv/a]\nagents:\n  coder:\n    role: r\n    permissions: {ask: [path.read]}\n", request("/srv/x"), "stands in role r (config.yaml:4)",
		},
		"the role forbids it": {
			"roles:\n  r:\n    permissions:\n      allowed_paths: [/srv/a]\nagents:\n  coder:\n    role: r\n    permissions: {ask: [path.read], allowed_paths: [/srv/a/b]}\n", request("/srv/x"), "no effect",
		},
		"read only":         {"agents:\n  coder:\n    permissions: {ask: [path.write], read_only: true}\n", write, "read_only: true"},
		"allowed meanwhile": {"agents:\n  coder:\n    permissions: {ask: [path.read], allowed_paths: [/srv]}\n", request("/srv/x"), "allows it already"},
		"any domain":        {"agents:\n  coder:\n    permissions: {ask: [net], network_access: true}\n", netRequest("a.example:1"), "allows it already"},
		"a pattern":         {"agents:\n  coder:\n    permissions: {ask: [path.read]}\n", request("/srv/[x]"), "pattern"},
		"a link":            {"agents:\n  coder:\n    permissions: {ask: [path.read]}\n", link, "opens what a link leads to"},
		"a folder":          {"agents:\n  coder:\n    permissions: {ask: [path.read]}\n", folder, "with all below it"},
		"no such agent":     {"agents:\n  other: {}\n", request("/srv/x"), "no agent coder"},
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, test.config)
			d := newDesk(t, ConfigRules{store})
			h := d.Submit(test.asked)
			if _, err := d.Preview(h.ID, Exact); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("preview: %v", err)
			}
			row := d.decide(h.ID, Decision{Allow: true, Scope: Always})
			if !verdict(t, h).Allow || row.Scope != "once" || !strings.Contains(row.Problem, test.words) || row.Wrote != "" {
				t.Errorf("row %+v", row)
			}
			if textOf(t, store) != test.config {
				t.Errorf("the config is another one:\n%s", textOf(t, store))
			}
			if _, err := d.Undo(t.Context(), h.ID, "cli", "local"); err == nil {
				t.Error("nothing was taken back")
			}
		})
	}
}

// A file that is broken on disk is left alone.
func TestAlwaysBesideABrokenConfig(t *testing.T) {
	store := storeOf(t, "agents:\n  coder:\n    permissions: {ask: [path.read]}\n")
	if err := os.WriteFile(store.Current().Path, []byte("agents: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, ConfigRules{store})
	h := d.Submit(request("/srv/x"))
	row := d.decide(h.ID, Decision{Allow: true, Scope: Always})
	if row.Scope != "once" || !strings.Contains(row.Problem, "config.yaml:") || !verdict(t, h).Allow || textOf(t, store) != "agents: [\n" {
		t.Errorf("row %+v", row)
	}
}

// A person who was away makes the rule later, for the next time.
func TestAMissedAskBecomesARule(t *testing.T) {
	store := storeOf(t, "agents:\n  coder:\n    permissions: {ask: [path.read]}\n")
	d := newDesk(t, ConfigRules{store})
	h := d.Submit(request("/srv/x"))
	d.later(time.Minute)
	if v := verdict(t, h); v.Allow {
		t.Fatal("allowed")
	}
	row := d.decide(h.ID, Decision{Allow: true, Scope: Always})
	if row.State != event.AskAllowed || row.Wrote == "" {
		t.Errorf("row %+v", row)
	}
	gone := d.Submit(request("/srv/y"))
	gone.Cancel(false)
	d.decide(gone.ID, Decision{Allow: true, Scope: Run})
	if !verdict(t, d.Submit(request("/srv/y"))).Allow {
		t.Error("not granted")
	}
	bad := d.Submit(request("/srv/*"))
	bad.Cancel(false)
	d.refused(bad.ID, Decision{Allow: true, Scope: Always}, KindFailed, "pattern")
	if state := d.List("")[2].State; state != event.AskGone {
		t.Errorf("it is %s now", state)
	}
}

// An answer that was taken back says when that was and who did it.
func TestUndoSaysWhenAndByWhom(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/x"))
	d.decide(h.ID, Decision{Allow: true, Scope: Run, By: "screen"})
	given := d.List("")[0].Decided
	d.later(7 * time.Second)
	row, err := d.Undo(t.Context(), h.ID, "phone", "")
	if err != nil || row.State != event.AskUndone || row.By != "phone" || row.Decided.Sub(given) != 7*time.Second {
		t.Errorf("%s by %q, %v after the answer: %v", row.State, row.By, row.Decided.Sub(given), err)
	}
}

func TestUndoOnlyForAWhile(t *testing.T) {
	d := newDesk(t, nil)
	h, denied := d.Submit(request("/srv/x")), d.Submit(request("/srv/y"))
	d.decide(h.ID, Decision{Allow: true, Scope: Run})
	d.decide(denied.ID, Decision{})
	for name, test := range map[string]struct{ id, words string }{
		"denied": {denied.ID, "granted nothing"}, "unknown": {"nope", "no such answer"},
	} {
		if _, err := d.Undo(t.Context(), test.id, "", ""); err == nil || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.breakAudit(errors.New("disk full"))
	if _, err := d.Undo(t.Context(), h.ID, "", ""); err == nil || !verdict(t, d.Submit(request("/srv/x"))).Allow {
		t.Errorf("taken back without a record: %v", err)
	}
	d.breakAudit(nil)
	d.later(30*time.Second + 1)
	if _, err := d.Undo(t.Context(), h.ID, "", ""); err == nil || !strings.Contains(err.Error(), "30 seconds") {
		t.Errorf("too late: %v", err)
	}
}

// What a rule refused long ago becomes a rule that allows it, with every step of
// the domain; only "always" answers it, and undo takes the rule away.
func TestADenialOfARuleBecomesARule(t *testing.T) {
	const config = "agents:\n  coder:\n    permissions:\n      network_access: true\n      network: {allowed_domains: [a.example]}\n"
	const id = "denial-17"
	for match, wrote := range map[Match]string{
		Exact: "network: {allowed_domains: [a.example, 'npm.registry.shop.co.uk:443']}", Host: "network: {allowed_domains: [a.example, npm.registry.shop.co.uk]}",
		"*.registry.shop.co.uk": "network: {allowed_domains: [a.example, '*.registry.shop.co.uk']}",
		"*.shop.co.uk":          "network: {allowed_domains: [a.example, '*.shop.co.uk']}",
	} {
		t.Run(string(match), func(t *testing.T) {
			store := storeOf(t, config)
			d := newDesk(t, ConfigRules{store})
			asked := netRequest("npm.registry.shop.co.uk:443")
			d.o.Past = func(which string) (Denial, bool) {
				return Denial{Request: asked, First: d.now.Add(-time.Hour), Last: d.now, Count: 9}, which == id
			}
			preview, err := d.Preview(id, match)
			if err != nil || preview.Wrote != wrote || preview.Where != "config.yaml:5" || textOf(t, store) != config || len(d.List("")) != 0 {
				t.Fatalf("%+v %v", preview, err)
			}
			if got := strings.Join(preview.Matches, " "); got != "exact host *.registry.shop.co.uk *.shop.co.uk" {
				t.Errorf("steps %q", got)
			}
			for _, no := range []Decision{{}, {Allow: true}, {Allow: true, Scope: Run}, {Allow: true, Scope: Always, Match: "*.co.uk"}, {Allow: true, Scope: Always, Match: Folder}} {
				if row, resolved, err := d.Decide(t.Context(), id, no); err == nil || resolved {
					t.Errorf("%+v was taken: %+v", no, row)
				}
			}
			if len(d.List("")) != 0 || len(d.records) != 0 || len(d.events) != 0 {
				t.Errorf("left behind: %+v %+v %+v", d.List(""), d.records, d.events)
			}
			row := d.decide(id, Decision{Allow: true, Scope: Always, Match: match, By: "tui"})
			if row.State != event.AskAllowed || row.Wrote != wrote || row.Count != 9 || row.UndoUntil.IsZero() || d.order[0] != "audit allow" {
				t.Errorf("%+v %v", row, d.order)
			}
			if again, resolved, err := d.Decide(t.Context(), id, Decision{Allow: true, Scope: Always}); err != nil || resolved || again.By != "tui" {
				t.Errorf("the second counts: %+v %v", again, err)
			}
			if row, err := d.Undo(t.Context(), "", "cli", "local"); err != nil || row.State != event.AskUndone || textOf(t, store) != config {
				t.Errorf("undo %+v %v\n%s", row, err, textOf(t, store))
			}
			if row := d.decide(id, Decision{Allow: true, Scope: Always, Match: match}); row.Wrote != wrote || len(d.List("")) != 1 {
				t.Errorf("not once more: %+v", row)
			}
		})
	}
}

// What cannot be recorded, or would have no effect, leaves nothing behind.
func TestADenialThatStaysOne(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		asked  Request
		broken bool
		words  string
	}{
		"no record":      {"agents:\n  coder: {}\n", request("/srv/x"), true, "could not be recorded"},
		"denied by rule": {"agents:\n  coder:\n    permissions:\n      denied_paths: [/srv/x]\n", request("/srv/x"), false, "would have no effect"},
		"built in":       {"agents:\n  coder: {}\n", request("/home/u/.ssh/id"), false, "would have no effect"},
		"allowed by now": {"agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv/x]\n", request("/srv/x"), false, "allows it already"},
		"a limit":        {"agents:\n  coder: {}\n", Request{Agent: "coder", Class: policy.ClassLimit, Target: "fork"}, false, "always is not offered"},
		"never always":   {"agents:\n  coder: {}\n", Request{Agent: "coder", Class: policy.ClassNet, Target: "a.example:1", NeverAlways: []policy.Class{policy.ClassNet}}, false, "never_always"},
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, test.config)
			d := newDesk(t, ConfigRules{store})
			d.o.Past = func(string) (Denial, bool) { return Denial{Request: test.asked}, true }
			if test.broken {
				d.breakAudit(errors.New("disk full"))
			}
			_, resolved, err := d.Decide(t.Context(), "denial-1", Decision{Allow: true, Scope: Always})
			if err == nil || resolved || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%v, want %q", err, test.words)
			}
			if textOf(t, store) != test.config || len(d.List("")) != 0 || len(d.byID) != 0 {
				t.Errorf("left behind: %+v\n%s", d.List(""), textOf(t, store))
			}
		})
	}
	d := newDesk(t, nil)
	if _, _, err := d.Decide(t.Context(), "denial-9", Decision{Allow: true, Scope: Always}); err == nil || !strings.Contains(err.Error(), "no such ask") {
		t.Errorf("%v", err)
	}
}

// A grant for a domain reaches what is below it, and neither the domain itself
// nor another that only ends alike.
func TestAGrantForADomain(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(netRequest("a.b.example.com:443"))
	d.decide(h.ID, Decision{Allow: true, Scope: Run, Match: "*.example.com"})
	for target, granted := range map[string]bool{"x.example.com:1": true, "X.y.Example.com:2": true, "example.com:443": false, "badexample.com:443": false, "10.0.0.1:443": false} {
		held := d.Submit(netRequest(target))
		if v, answered := held.Answered(); answered && v.Allow != granted || answered != granted {
			t.Errorf("%s: %v %v, want %v", target, v, answered, granted)
		}
	}
	for target, steps := range map[string]string{
		"example.com:1": "exact host", "foo.github.io:443": "exact host", "10.0.0.7:5432": "exact host", "[::1]:80": "exact host", "host:1": "exact host",
		"a.host.test:1": "exact host *.host.test", "a.b.c.d.e.f.g.example.com:1": "exact host *.b.c.d.e.f.g.example.com *.c.d.e.f.g.example.com *.d.e.f.g.example.com *.e.f.g.example.com",
		"www.example.com": "exact *.example.com",
	} {
		r := netRequest(target)
		if got := strings.Join(matches(&r), " "); got != steps {
			t.Errorf("%s: %q, want %q", target, got, steps)
		}
	}
}

// Undo takes away the keys that were made for a rule, as far as nothing else
// stands in them by then.
func TestUndoTakesWhatWasMadeForARule(t *testing.T) {
	const ask = "agents:\n  coder:\n    permissions:\n      ask: [net]\n      network_access: true\n"
	const made = "      network:\n        allowed_ips:\n          - 8.8.8.8:22\n"
	for name, test := range map[string]struct{ before, meanwhile, after string }{
		"all of it":             {ask, ask + made, ask},
		"a comment stays":       {ask, ask + made + "      # mine\n", ask + "      # mine\n"},
		"another key beside it": {ask, ask + made + "        blocked_ips: [9.9.9.9]\n", ask + "      network:\n        blocked_ips: [9.9.9.9]\n"},
		"another rule in it":    {ask, ask + made + "          - 9.9.9.9:1\n", ask + "      network:\n        allowed_ips:\n          - 9.9.9.9:1\n"},
		"an empty one before it": {
			ask + "      network: {}\n", ask + "      network:\n        allowed_ips:\n          - 8.8.8.8:22\n", ask + "      network: {}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, test.before)
			d := newDesk(t, ConfigRules{store})
			h := d.Submit(netRequest("8.8.8.8:22"))
			if row := d.decide(h.ID, Decision{Allow: true, Scope: Always, Match: Exact}); row.Problem != "" || !verdict(t, h).Allow {
				t.Fatalf("row %+v", row)
			}
			if err := os.WriteFile(store.Current().Path, []byte(test.meanwhile), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := store.Reload("reload"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Undo(t.Context(), "", "cli", "local"); err != nil {
				t.Fatal(err)
			}
			if text := textOf(t, store); text != test.after {
				t.Errorf("config after undo\n%s\nwant\n%s", text, test.after)
			}
		})
	}
}

// An answer for ever that comes while an editor saves the config waits for that, and
// loses nothing of what was saved.
func TestAlwaysBesideAnEditorThatSaves(t *testing.T) {
	const text = "agents:\n  coder:\n    permissions:\n      ask: [path.read]\n      denied_paths: [/srv/secret]\n"
	for name, begin := range map[string]func(path string) (*os.File, error){
		"into the file": func(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) },
		"anew":          func(path string) (*os.File, error) { return nil, os.Rename(path, path+"~") },
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, text)
			path := store.Current().Path
			file, err := begin(path)
			if err != nil {
				t.Fatal(err)
			}
			saved := false
			looks := 0
			written, err := ConfigRules{Store: whileSaved{store, func() {
				if looks++; looks < 3 || saved {
					return
				}
				if file == nil {
					if file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := file.WriteString("# saved\n" + text); err != nil {
					t.Fatal(err)
				}
				saved = file.Close() == nil
			}}}.Add(t.Context(), Rule{Agent: "coder", Class: policy.ClassPathRead, Target: "/srv/x", Asked: "/srv/x"})
			if err != nil {
				t.Fatal(err)
			}
			if got := textOf(t, store); got != "# saved\n"+text+"      allowed_paths:\n        - {path: /srv/x, access: read}\n" || written.Line != 8 {
				t.Errorf("%+v\n%s", written, got)
			}
		})
	}
}

// whileSaved is a store that somebody works beside.
type whileSaved struct {
	*configs.Store
	before func()
}

func (w whileSaved) Preview(change func(*configs.Document) error) (*configs.Snapshot, error) {
	w.before()
	return w.Store.Preview(change)
}
