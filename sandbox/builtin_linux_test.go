package sandbox_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// Whatever a config opens, the whole machine and each place by its name, nothing of
// the places that policy.Compile denies for good can be read, listed, changed or
// removed in a real cage, and each is named with its reason.
func TestNoConfigOpensABuiltIn(t *testing.T) {
	for _, kind := range []string{"files", "folders"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t).allow("")
			var places, reasons []string
			for _, rule := range w.policy().Paths {
				name, ok := strings.CutPrefix(rule.Path, w.home+"/")
				if !ok || rule.Effect != policy.Deny || rule.Origin.BuiltIn == "" || name == ".openclaw" || name == ".ssh" {
					continue
				}
				if kind == "folders" {
					w.write(name+"/key", "the secret")
				} else {
					w.write(name, "the secret")
				}
				w.allow(name)
				places, reasons = append(places, w.path(name)), append(reasons, "built-in: "+rule.Origin.BuiltIn)
			}
			if len(places) < 90 {
				t.Fatalf("only %d places", len(places))
			}
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: "/"})
			before := w.names("")
			spec := w.spec("perl", "-e", triesPlaces)
			spec.Command = append(spec.Command, places...)
			_, wait := start(t, spec)
			res := wait()
			if strings.Contains(res.out, "secret") || strings.Contains(res.out, "key") || res.out != "package main" {
				t.Errorf("out %q, err %q", res.out, res.err)
			}
			if after := w.names(""); !slices.Equal(slices.DeleteFunc(after, isWorkspace), before) {
				t.Errorf("it was\n%q\nand is\n%q", before, after)
			}
			for i, place := range places {
				at := place
				if kind == "folders" {
					at = filepath.Join(place, "key")
				}
				if text, err := os.ReadFile(at); err != nil || string(text) != "the secret" {
					t.Errorf("%s: %q %v", at, text, err)
				}
				if info, err := os.Stat(place); err == nil && info.Mode().Perm() == 0o777 {
					t.Errorf("%s: its mode was changed", place)
				}
				if !slices.ContainsFunc(res.denials, func(d sandbox.Denial) bool { return strings.HasPrefix(d.Target, place) && d.Rule == reasons[i] }) {
					t.Errorf("%s: no refusal says %q", place, reasons[i])
				}
			}
		})
	}
}

// triesPlaces tries all on each of its arguments, says what it could read, and reads in
// the end what it may: one process, because a cage's start of another takes longer than
// what that tries.
const triesPlaces = `sub says { print <$f> if open $f, "<", shift }
	for my $p (@ARGV) {
		says $p; says "$p/key"; opendir($d, $p) && print readdir $d;
		for ([">", $p], [">>", $p], [">>", "$p/key"], [">", "$p/new"]) { open($f, $_->[0], $_->[1]) && print $f "x" }
		chmod 0777, $p; rename $p, "$p.moved"; link $p, "$ENV{HOME}/project/linked"; link "$p/key", "$ENV{HOME}/project/linked";
		unlink "$p/key"; unlink $p; rmdir $p;
	}
	says "$ENV{HOME}/project/main.go"`

// isWorkspace: a run makes the agent's own workspace.
func isWorkspace(name string) bool { return strings.HasPrefix(name, "/.openclaw") }

func TestNoConfigOpensABuiltInAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestNoConfigOpensABuiltIn$")
}
