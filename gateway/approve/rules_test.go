package approve

import (
	"errors"
	"os"
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

// "Always" writes one line, says which, keeps comments, and is in force at
// once; undo takes exactly that away.
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
			row := d.decide(h.ID, Decision{Allow: true, Scope: Always, Match: test.match})
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
			if text := textOf(t, store); text != test.config && name != "address" { // there the empty network: stays
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
