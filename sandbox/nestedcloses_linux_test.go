package sandbox_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox"
)

// The names of system commands are refused in a nested sandbox as well, whatever
// tree it has: the switch for one is not the switch for the other.
func TestNestedSystemCommandsAsOrdinaryUser(t *testing.T) {
	requireTool(t, "bwrap")
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	w.perms.SystemCommands = nil
	res := w.sh(`cp /bin/true ~/project/mount; cp /bin/true ~/project/other; in="bwrap --unshare-user --dev-bind / / --tmpfs /mnt"
$in ~/project/other && echo other; $in ~/project/mount && echo ran; $in sh -c '~/project/mount && echo ran'; true`)
	if res.out != "other\n" {
		t.Errorf("%s\n%s", res.out, res.err)
	}
	if !slices.ContainsFunc(res.denials, func(d sandbox.Denial) bool {
		return d.Target == w.path("project/mount") && strings.Contains(d.Rule, "system_commands")
	}) {
		t.Errorf("told: %+v", res.denials)
	}
}

// A run that was built with the switch keeps it, so taking it back is said as still
// open: `on_narrow: stop` ends the run by that.
func TestNestedTakenBackAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	k := newTalk(t, w)
	defer k.end()
	for _, step := range []struct {
		nested, open bool
	}{{false, true}, {false, true}, {true, false}} {
		w.perms.Nested = &step.nested
		change, err := k.process.Update(w.policy())
		open := slices.ContainsFunc(change.StillOpen, func(s string) bool { return strings.Contains(s, "nested") })
		if err != nil || open != step.open {
			t.Errorf("nested: %t: %+v %v", step.nested, change, err)
		}
	}
}

// A denied file that somebody outside replaces stays refused in a namespace that a
// program made before.
func TestNestedReplacedAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t).deny("project/.env")
	w.write("project/.env", "the first secret")
	k := newTalk(t, w)
	w.write("project/read", `echo ready > ~/project/ready
until [ -e ~/project/go ]; do sleep 0.02; done
cat ~/project/.env ~/project/*/../.env ~/project/secret/key > ~/project/got 2>&1; mv ~/project/got ~/project/done`)
	k.run("unshare -Urm sh ~/project/read > /dev/null 2>&1 < /dev/null & true")
	w.awaits("project/ready")
	w.write("project/new", "the other secret")
	if err := os.Rename(w.path("project/new"), w.path("project/.env")); err != nil {
		t.Fatal(err)
	}
	w.write("project/go", "")
	w.awaits("project/done")
	if got := w.read("project/done"); strings.Contains(got, "the other") || strings.Contains(got, "the project's") || !strings.Contains(got, "denied") {
		t.Errorf("%q", got)
	}
	k.end()
}

// awaits waits until the run has made a file.
func (w *world) awaits(name string) {
	w.t.Helper()
	for range 3000 { // a minute
		if w.exists(name) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatalf("%s does not come", name)
}

// groupOfTheUsers is a machine on which the user may change the control group that a
// cgroup namespace would show.
const groupOfTheUsers = "a control group of others"

// There no cgroup namespace is made; the report says so, and the denial not that the
// switch is off.
func TestNestedControlGroupAsOrdinaryUser(t *testing.T) {
	requireTool(t, "bwrap")
	if !nestedUser(t) {
		return
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestNestedControlGroupHere$", "-test.v")
	command.Env = append(os.Environ(), withoutVariable+"="+groupOfTheUsers)
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNestedControlGroupHere") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNestedControlGroupHere(t *testing.T) {
	if os.Getenv(withoutVariable) != groupOfTheUsers {
		return // only TestNestedControlGroupAsOrdinaryUser starts it
	}
	w := nestedWorld(t)
	res := w.sh("bwrap --unshare-user --unshare-cgroup --dev-bind / / echo ran; unshare -UC echo ran; bwrap --unshare-user --unshare-pid --dev-bind / / echo without; true")
	if res.out != "without\n" {
		t.Errorf("%s\n%s", res.out, res.err)
	}
	if !slices.ContainsFunc(res.report.Warnings, func(s string) bool { return strings.Contains(s, "cgroup namespaces are refused") }) {
		t.Errorf("the report does not say so: %q", res.report.Warnings)
	}
	if len(res.denials) == 0 {
		t.Error("nothing was told")
	}
	for _, d := range res.denials {
		if !strings.Contains(d.Target, "cgroup") || !strings.Contains(d.Rule, "no cgroup namespace") || d.Origin.BuiltIn == "" {
			t.Errorf("%+v", d)
		}
	}
}

// In the reduced mode the switch opens nothing, and the report says that.
func TestNestedReducedAsOrdinaryUser(t *testing.T) {
	if !nestedUser(t) {
		return
	}
	w := newWorld(t).reduced()
	on := true
	w.perms.Nested, w.perms.SystemCommands = &on, &on
	res := w.sh("unshare -Ur echo ran; true")
	if res.out != "" || !slices.ContainsFunc(res.report.Warnings, func(s string) bool { return strings.Contains(s, "nested: true has no effect") }) {
		t.Errorf("%q %q", res.out, res.report.Warnings)
	}
}
