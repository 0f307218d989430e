package sandbox_test

import (
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// What a cage does not open, or not as it is written, is told before its command begins,
// in the words of the report, with who can change it; and the preview of the policy says
// the same without a cage.
func TestWhatIsNotOpenedIsToldBeforeTheCommand(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		w.write("work/here", "")
		w.write("open/here", "")
		w.allow("work", "open", "missing", "open/own/notes.txt").allowRead("project/out")
		link(t, w, "other", "project/out")
		link(t, w, "other", "open/own")
		want := []string{
			"~/missing does not exist; it is opened when it does, at the latest to the next run",
			"~/open/own/notes.txt is not opened: ~/open/own is a link that the agent itself or agent builder can change; allow where it leads, if that is meant",
			"~/project/out is not opened: it is a link that agent builder or agent tester can change; allow where it leads, if that is meant",
		}
		if w.perms.Enforce != policy.EnforceReduced { // which refuses what is denied in what it opens
			w.deny("open/own/secret")
			want = slices.Insert(want, 2, "~/open/own/secret is denied where it leads now, but ~/open/own is a link that the agent itself or agent builder can change; deny where it leads")
		}
		spec := w.spec("sh", "-c", "echo > ~/work/ran; cat ~/project/out/notes.txt ~/open/own/notes.txt")
		spec.Policy.Shared = append(shared("builder", w.path("open"), w.path("project")), shared("tester", w.path("project"))...)
		var told []policy.Unmet
		spec.Stands = func(report sandbox.Report) {
			if told = append(told, report.Unmet...); w.exists("work/ran") {
				t.Error("it runs already")
			}
			if report.Dir == "" || len(report.Mechanisms) == 0 {
				t.Errorf("%+v", report)
			}
		}
		res := runSpec(t, spec)
		if res.out != "" || !w.exists("work/ran") {
			t.Errorf("%+v", res)
		}
		var words []string
		for i := range told {
			u := &told[i]
			words = append(words, strings.ReplaceAll(u.String(), w.home, "~"))
			if !slices.Contains(res.report.Warnings, u.String()) {
				t.Errorf("%s: not in the report: %q", u, res.report.Warnings)
			}
			if strings.Contains(u.Reason, "open/own") && !slices.Equal(u.Agents, []string{"coder", "builder"}) {
				t.Errorf("%s: %q can change it", u, u.Agents)
			}
			if u.Origin.Key == "" || u.NotOpened() != strings.Contains(u.Reason, "is not opened") {
				t.Errorf("%+v", u)
			}
		}
		if slices.Sort(words); !slices.Equal(words, want) {
			t.Errorf("told:\n%s", strings.Join(words, "\n"))
		}
		if preview := sandbox.PreviewOf(spec.Policy); !reflect.DeepEqual(preview.Unmet, told) || preview.Refused != nil {
			t.Errorf("preview: %+v", preview)
		}
	})
}

// A refusal behind a link that an agent can change names the entry of the config that
// goes through it, and who can change it: else its target is all that is told, and a
// person would allow what an agent chose. It is so where the link leads when it happens,
// and of nothing else.
func TestRefusalNamesTheLinkThatLeadsThere(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		w.write("mine/diary", "")
		w.write("mine2/diary", "")
		w.write("elsewhere", "")
		w.allow("work").allowRead("project/out").allowRead("project/later")
		w.write("work/here", "")
		link(t, w, "mine", "project/out")
		link(t, w, "other", "project/later")
		spec := w.spec("sh", "-c", "cat ~/project/out/diary ~/project/later/diary ~/elsewhere; echo > ~/project/out/new")
		spec.Policy.Shared = shared("builder", w.path("project"))
		spec.Stands = func(sandbox.Report) { // the neighbour changes it while the run goes on
			if err := os.Remove(w.path("project/later")); err != nil {
				t.Error(err)
			}
			link(t, w, "mine2", "project/later")
		}
		res := runSpec(t, spec)
		rules := map[string]string{}
		for _, d := range res.denials {
			rules[strings.Replace(d.Target, w.home, "~", 1)] = strings.ReplaceAll(d.Rule, w.home, "~") + " at " + d.Origin.Key
		}
		behind := func(name string) string {
			return "allowed_paths: ~/" + name + " leads here, and is not opened: it is a link that agent builder can change at " + spec.Policy.Paths[0].Origin.Key
		}
		for target, want := range map[string]string{
			"~/mine/diary": behind("project/out"), "~/mine/new": behind("project/out"), "~/mine2/diary": behind("project/later"),
			"~/elsewhere": policy.RuleNone + " at ",
		} {
			if !strings.HasPrefix(rules[target], want) {
				t.Errorf("%s: %q, want %q", target, rules[target], want)
			}
		}
		if t.Failed() {
			t.Logf("%+v %q", res, rules)
		}
	})
}

// So it is with an entry that comes during the run, and it is over once the entry goes.
func TestRefusalNamesTheLinkOfThePolicyInForce(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		w.write("work/here", "")
		w.write("other/2", "")
		w.write("other/3", "")
		link(t, w, "other", "project/out")
		k := newTalk(t, w.allow("work"))
		before := w.policy()
		then := w.allowRead("project/out").policy()
		then.Shared = shared("builder", w.path("project"))
		for i, p := range []*policy.Policy{before, then, before} {
			if _, err := k.process.Update(p); err != nil {
				t.Fatal(err)
			}
			k.run("cat ~/other/" + []string{"notes.txt", "2", "3"}[i] + " 2>&1 | wc -l")
		}
		res := k.end()
		rules := map[string]bool{}
		for _, d := range res.denials {
			rules[path.Base(d.Target)] = policy.RuleIsLed(d.Rule)
		}
		if want := map[string]bool{"notes.txt": false, "2": true, "3": false}; !maps.Equal(rules, want) {
			t.Errorf("%v, want %v; %+v", rules, want, res.denials)
		}
	})
}

// Where nothing is the matter, nothing is told; and an agent that cannot start for its
// workspace is known not to before it is tried.
func TestNothingIsToldOfWhatIsAsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t).allow("project").allowRead("other")
	link(t, w, "project", "by")
	link(t, w, "other", "project/here")
	spec := w.spec("true")
	spec.Stands = func(report sandbox.Report) {
		if len(report.Unmet) > 0 {
			t.Errorf("it says %v", report.Unmet)
		}
	}
	if res := runSpec(t, spec); len(res.report.Warnings) > 0 {
		t.Errorf("%q", res.report.Warnings)
	}
	spec.Policy.Workspace = w.path("project/here")
	spec.Policy.Paths = append(spec.Policy.Paths, policy.PathRule{Path: spec.Policy.Workspace, Effect: policy.Allow, Access: policy.AccessWrite})
	_, _, err := tryStart(t, spec)
	if refused := sandbox.PreviewOf(spec.Policy).Refused; err == nil || refused == nil || refused.Error() != err.Error() || !strings.Contains(err.Error(), "project/here is a link that the agent itself can change") {
		t.Errorf("start: %v; preview: %v", err, refused)
	}
}
