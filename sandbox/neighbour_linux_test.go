package sandbox_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// What another program makes of a folder on the way to a denied path keeps no command
// from running: a pipe without a writer would hold whoever opens it for ever.
func TestStartBesideAPipeOnTheWay(t *testing.T) {
	for _, denied := range []string{"project/secret/key", "project/secret/*/key", "project/secret/**/key"} {
		w := newWorld(t).allow("project").deny(denied)
		if err := os.RemoveAll(w.path("project/secret")); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(w.path("project/secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if res := w.sh(`cat ~/project/main.go; stat -c %F ~/project/secret`); res.out != "package mainfifo\n" {
			t.Errorf("%s: %+v", denied, res)
		}
	}
}

// A link that another agent can make in a folder that it shares leads a cage nowhere:
// neither as an allowed path, nor above one, nor as the workspace.
func TestLinksThatAnotherAgentMayHaveMade(t *testing.T) {
	for _, place := range []struct{ shared, link, to, allowed string }{
		{"project", "project/out", "other", "project/out"},
		{"project", "project/out", ".", "project/out/other"},
		{"by another name", "project/out", "other", "project/out"},
	} {
		w := newWorld(t).allow(place.allowed)
		link(t, w, "project", "by another name")
		link(t, w, place.to, place.link)
		spec := w.spec("cat", w.path(place.allowed+"/notes.txt"))
		if res := runSpec(t, spec); res.out != "notes" {
			t.Errorf("where no agent may write it: %+v", res)
		}
		spec.Policy.Shared = shared("builder", w.path("elsewhere"), w.path(place.shared))
		res := runSpec(t, spec)
		if res.out != "" || !strings.Contains(strings.Join(res.report.Warnings, "\n"), "a link that agent builder can change; allow where it leads") {
			t.Errorf("%v: %+v", place, res)
		}
		spec.Command = []string{"cat", w.path("other/notes.txt")}
		if res := runSpec(t, spec); res.out != "" {
			t.Errorf("%v by where it leads: %+v", place, res)
		}
		spec.Policy.Workspace = w.path(place.allowed)
		_, _, err := tryStart(t, spec)
		if refused, ok := errors.AsType[*sandbox.Error](err); !ok || refused.Kind != sandbox.KindPolicy || !strings.Contains(refused.Error(), w.path(place.link)) {
			t.Errorf("%v as the workspace: %v", place, err)
		}
	}
}

// Nor is a workspace made there that does not exist yet; where the link is nobody's to
// change, it is.
func TestNoWorkspaceIsMadeWhereAnAgentsLinkLeads(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		link(t, w, "other", "project/out")
		spec := w.allow("project/out/new").spec("true")
		spec.Policy.Workspace = w.path("project/out/new")
		theirs := spec
		narrowed := *spec.Policy
		theirs.Policy = &narrowed
		theirs.Policy.Shared = shared("builder", w.path("project"))
		_, _, err := tryStart(t, theirs)
		if refused, ok := errors.AsType[*sandbox.Error](err); !ok || refused.Hint == "" || !strings.Contains(refused.Error(), "project/out is a link that agent builder can change") || w.exists("other/new") {
			t.Errorf("%v; made: %v", err, w.exists("other/new"))
		}
		if _, wait, err := tryStart(t, spec); err != nil || wait().status.Code != 0 || !w.exists("other/new") {
			t.Errorf("%v; made: %v", err, w.exists("other/new"))
		}
	})
}

// A link that no agent can have made is the person's, also when an agent may write
// what is above it: nobody but root changes the system's, and nobody what /proc says of a process.
func TestLinksThatNoAgentCanHaveMade(t *testing.T) {
	w := newWorld(t).allow("project/out")
	link(t, w, "other", "project/out")
	spec := w.spec("sh", "-c", "cat ~/project/out/notes.txt && ls /bin/sh")
	spec.Policy.Shared = shared("builder", w.path("project/secret"), w.path("other"), w.path("project/out"))
	if res := runSpec(t, spec); res.out != "notes/bin/sh\n" {
		t.Errorf("%+v", res)
	}
	spec = w.spec("sh", "-c", "ls /bin/sh; echo said > /dev/stdout; echo more | cat /dev/stdin")
	spec.Policy.Shared = shared("builder", "/")
	res := runSpec(t, spec)
	said := slices.IndexFunc(res.report.Unmet, func(u policy.Unmet) bool { return strings.HasPrefix(u.Link, "/proc") })
	if res.out != "/bin/sh\nsaid\nmore\n" || said >= 0 {
		t.Errorf("out %q; of its own process: %q", res.out, res.report.Warnings)
	}
}

// shared are places that another agent may write.
func shared(agent string, places ...string) (list []policy.SharedPath) {
	for _, place := range places {
		list = append(list, policy.SharedPath{Path: place, Agents: []string{agent}})
	}
	return list
}

func link(t *testing.T, w *world, to, name string) {
	t.Helper()
	if err := os.Symlink(w.path(to), w.path(name)); err != nil {
		t.Fatal(err)
	}
}

func runSpec(t *testing.T, spec sandbox.Spec) result {
	t.Helper()
	_, wait := start(t, spec)
	return wait()
}

// A link to the folder that it lies in, or to one above, is as good a name as any other:
// what it leads to is a folder, to allow and to deny.
func TestLinksToAFolderAbove(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for name, to := range map[string]string{"other/here": ".", "other/up/above": "..", "other/up/higher": "../", "other/up/same": "./../up/.."} {
			w := newWorld(t)
			w.write("other/up/x", "")
			if err := os.Symlink(to, w.path(name)); err != nil {
				t.Fatal(err)
			}
			if res := w.allowRead(name).sh("cat ~/other/notes.txt ~/" + name + "/notes.txt"); res.out != "notesnotes" {
				t.Errorf("%s: %+v", name, res)
			}
			w = newWorld(t)
			w.write("other/up/x", "")
			if err := os.Symlink(to, w.path(name)); err != nil {
				t.Fatal(err)
			}
			if res := w.allow("project").deny(name).sh("cat ~/project/main.go; cat ~/other/notes.txt ~/" + name + "/notes.txt"); res.out != "package main" {
				t.Errorf("%s denied: %+v", name, res)
			}
		}
	})
}
