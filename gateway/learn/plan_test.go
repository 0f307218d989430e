package learn

import (
	"os"
	"strings"
	"testing"

	"openclaw/configs"
	"openclaw/sandbox/policy"
)

func storeOf(t *testing.T, text string) *configs.Store {
	t.Helper()
	layout := configs.Layout{Root: t.TempDir()}
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := configs.OpenStore(layout, configs.Options{Home: home})
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

func proposalOf(t *testing.T, store *configs.Store, lines ...string) Proposal {
	t.Helper()
	compiled, err := store.Current().Policy("coder")
	if err != nil {
		t.Fatal(err)
	}
	return Propose(accesses(lines...), Options{Policy: compiled, Tree: tree{home + "/src/", home + "/src/.env"}})
}

func TestAPlanAddsLinesAndKeepsTheRest(t *testing.T) {
	const before = "agents:\n  coder: # mine\n    permissions:\n      # by hand\n      allowed_paths:\n        - ~/a # first\n      network: {allowed_domains: [a.test]} # few\n"
	store := storeOf(t, before)
	plan, err := NewPlan(store, "coder", proposalOf(t, store, append(four("~/src"), "path.write open ~/b/$x y", "net connect b.test:8080")...))
	if err != nil {
		t.Fatal(err)
	}
	if textOf(t, store) != before {
		t.Error("a plan writes")
	}
	diff := strings.Join(plan.Diff, "\n")
	for _, want := range []string{"+        - {path: ~/src, access: read}", "+        - ~/src/.env", "+      network: {allowed_domains: [a.test, 'b.test:8080']} # few", "+        - ~/b/$$x"} {
		if !strings.Contains(diff, want) {
			t.Errorf("no %q in\n%s", want, diff)
		}
	}
	if err := plan.Write(); err != nil {
		t.Fatal(err)
	}
	after := textOf(t, store)
	for _, line := range []string{"  coder: # mine\n", "      # by hand\n", "        - ~/a # first\n"} {
		if !strings.Contains(after, line) {
			t.Errorf("%q is gone:\n%s", line, after)
		}
	}
	next, err := store.Current().Policy("coder")
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]policy.Effect{"/src/1": policy.Allow, "/src/.env": policy.Deny, "/a/x": policy.Allow, "/c": policy.Deny} {
		if got := next.Decide(policy.Request{Class: policy.ClassPathRead, Path: home + target}); got.Effect != want {
			t.Errorf("%s: %+v", target, got)
		}
	}
	again, err := NewPlan(store, "coder", proposalOf(t, store, append(four("~/src"), "net connect b.test:8080")...))
	if err != nil || len(again.Diff) != 0 {
		t.Errorf("%v %v", again.Diff, err)
	}
}

// A role's own list counts whole: a list of the agent would cut it, so none is
// made. A line that a role makes void is not proposed.
func TestAPlanNeverTakesAway(t *testing.T) {
	for name, test := range map[string]struct{ config, left string }{
		"only the role has the list": {
			"roles:\n  base:\n    permissions:\n      allowed_paths: [~/a]\nagents:\n  coder: {role: base}\n", "stands in role base (config.yaml:4)",
		},
		"the role forbids it": {
			"roles:\n  base:\n    permissions:\n      allowed_paths: [~/a]\nagents:\n  coder:\n    role: base\n    permissions: {allowed_paths: [~/a/b]}\n", "no effect",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := storeOf(t, test.config)
			plan, err := NewPlan(store, "coder", proposalOf(t, store, four("~/src")...))
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Diff) != 0 || len(plan.Proposal.Paths) != 0 || len(plan.Proposal.Left) != 1 || !strings.Contains(plan.Proposal.Left[0].Why, test.left) {
				t.Errorf("%+v\n%s", plan.Proposal, strings.Join(plan.Diff, "\n"))
			}
		})
	}
}

// A file that was broken meanwhile stays as it is.
func TestAPlanIsWrittenWholeOrNotAtAll(t *testing.T) {
	store := storeOf(t, "agents:\n  coder: {}\n")
	plan, err := NewPlan(store, "coder", proposalOf(t, store, four("~/src")...))
	if err != nil || len(plan.Diff) == 0 {
		t.Fatal(plan, err)
	}
	const broken = "agents:\n  coder: {permissions: {read_only: maybe}}\n"
	if err := os.WriteFile(store.Current().Path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := plan.Write(); err == nil || textOf(t, store) != broken {
		t.Errorf("%v: %s", err, textOf(t, store))
	}
}
