package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stage writes events as go test -json does: "ACTION TEST" of one package each.
func stage(t *testing.T, name string, lines ...string) string {
	t.Helper()
	var text strings.Builder
	for _, line := range lines {
		action, test, _ := strings.Cut(line, " ")
		encoded, err := json.Marshal(map[string]string{"Action": action, "Package": "openclaw/p", "Test": test})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(encoded, '\n'))
	}
	return file(t, name, text.String())
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		root, user []string
		allowed    string
		says, err  string // "" is that all is well
	}{
		"each runs somewhere":   {root: []string{"skip TestA", "pass TestB"}, user: []string{"pass TestA", "skip TestB"}},
		"skipped in both":       {root: []string{"pass TestB", "skip TestA"}, user: []string{"pass TestB", "skip TestA"}, says: "openclaw/p TestA ran nowhere; skipped: root, user\n", err: "1 tests"},
		"skipped and not run":   {root: []string{"pass TestB", "skip TestA"}, user: []string{"pass TestB"}, says: "openclaw/p TestA ran nowhere; skipped: root\n", err: "1 tests"},
		"not run and skipped":   {root: []string{"pass TestB"}, user: []string{"pass TestB", "skip TestA"}, says: "openclaw/p TestA ran nowhere; skipped: user\n", err: "1 tests"},
		"a subtest":             {root: []string{"skip TestA/one", "pass TestA"}, user: []string{"skip TestA/one", "pass TestA"}, says: "TestA/one ran nowhere", err: "1 tests"},
		"its like runs":         {root: []string{"skip TestA/one", "pass TestA/two"}, user: []string{"pass TestA/two"}, says: "TestA/one ran nowhere", err: "1 tests"},
		"allowed":               {root: []string{"pass TestB", "skip TestA"}, user: []string{"pass TestB"}, allowed: "# all\n\nopenclaw/p TestA # needs a Mac\n"},
		"allowed, and below it": {root: []string{"pass TestB", "skip TestA", "skip TestA/one"}, user: []string{"pass TestB"}, allowed: "openclaw/p TestA # needs a Mac"},
		"allowed, one subtest":  {root: []string{"pass TestB", "skip TestA", "skip TestA/one"}, user: []string{"pass TestB"}, allowed: "openclaw/p TestA/one # needs a Mac", says: "TestA ran nowhere", err: "1 tests"},
		"allowed, another name": {root: []string{"pass TestB", "skip TestAll"}, user: []string{"pass TestA"}, allowed: "openclaw/p TestA # needs a Mac", says: "TestAll ran nowhere", err: "1 tests"},
		"of another package":    {root: []string{"pass TestB", "skip TestA"}, user: []string{"pass TestB"}, allowed: "openclaw/q TestA # needs a Mac", says: "openclaw/q TestA may be skipped, and there is no such test\n", err: "2 tests"},
		"allowed, no reason":    {root: []string{"pass TestA"}, user: []string{"pass TestA"}, allowed: "openclaw/p TestA #", err: "line 1"},
		"allowed, no test":      {root: []string{"pass TestA"}, user: []string{"pass TestA"}, allowed: "\nopenclaw/p # why", err: "line 2"},
		"a stage without tests": {root: []string{"pass TestA"}, user: []string{"start "}, err: "no test ran"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := run([]string{"check", file(t, "allowed", c.allowed), stage(t, "root", c.root...), stage(t, "user", c.user...)}, nil, &out)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, not %q", err, c.err)
			}
			if c.says == "" && out.String() != "" || !strings.Contains(out.String(), c.says) {
				t.Errorf("said %q, not %q", out.String(), c.says)
			}
		})
	}
}

// Of what passed a line remains, of what failed all that tells why, and nothing that
// is no event is lost.
func TestShow(t *testing.T) {
	events, err := os.ReadFile("testdata/events")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/shown")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{"show"}, strings.NewReader(string(events)), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("shown:\n%s\nwant:\n%s", out.String(), want)
	}
}

// CI's own list can be read.
func TestAllowedIsAList(t *testing.T) {
	text, err := os.ReadFile("allowed")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(string(text)); err != nil {
		t.Error(err)
	}
}
