package redact

import (
	"strings"
	"testing"
)

// What a pattern finds does not depend on the text by which it is looked for.
func FuzzPrefilterMissesNothing(f *testing.F) {
	for _, p := range []string{
		"sk-[a-zA-Z0-9-]+", "Bearer [a-zA-Z0-9-]+", `emp-\d{6}`, `(?i)kunde[0-9]+`, `(acct|konto)[-_]\d+`, `\d{3}-\d{2}-\d{4}`, `(?i)(task|SKU):\w+`, `a?bcd+e{2,3}`, `[xy]z1|q[0-9]w`, `^lic [A-Z]+$`,
		`(foo|ba)r(x|)y\s`, `(?i)ſecret-\w+`, "pre(?:fix)+", `x{0}yz9`,
	} {
		f.Add(p, "at sk-abc1 emp-123456 KUNDE77 acct-1 konto_22 123-45-6789 tasK:9 SKU:1 abcdee xz1 q1w\nlic ABC\nfoory barxy ſecret-1 Secret-2 prefixfix yz9")
	}
	f.Fuzz(func(t *testing.T, text, line string) {
		if len(line) > 2000 || len(text) > 200 {
			t.Skip()
		}
		e, err := newEngine([]string{text}, DefaultReplacement)
		if err != nil || len(e.values) == 0 {
			t.Skip()
		}
		e.known = func() *known { return nil }
		var state carry
		with := string(e.replace(nil, []byte(line), e.find([]byte(line), 0, &state, nil)))
		literals := e.values[0].literals
		e.values[0].literals = nil
		state = carry{}
		without := string(e.replace(nil, []byte(line), e.find([]byte(line), 0, &state, nil)))
		if with != without {
			t.Fatalf("%q, looked for by %q: %q, without: %q", text, literals, with, without)
		}
	})
}

// A pattern that must run on every line, or is found in most, is told of; one
// with a text of its own is not, however many there are.
func TestSlowPatternsAreTold(t *testing.T) {
	fast := []string{"sk-[a-zA-Z0-9-]+", "Bearer [a-zA-Z0-9-]+", `emp-\d{6}`, `(acct|konto)[-_]\d+`, "api[_-]?key"}
	for i := range 150 {
		fast = append(fast, "customer-"+strings.Repeat("x", i%7+1)+`-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}`)
	}
	m, err := New(Options{Patterns: fast})
	if err != nil {
		t.Fatal(err)
	}
	if slow := m.Slow(); len(slow) > 0 {
		t.Errorf("%+v", slow)
	}
	for _, pattern := range []string{`(?:[a-z]+[0-9]*){1,20}!{3}`, `(?i)(?:(?:message|level|source)[^a-z]*\w+\W+){0,8}source.*zzz+`} {
		if err := m.Configure([]string{pattern}, ""); err != nil {
			t.Fatal(err)
		}
		if slow := m.Slow(); len(slow) != 1 || slow[0].Pattern != pattern || slow[0].Speed <= 0 || slow[0].Hint == "" {
			t.Errorf("%s: %+v", pattern, slow)
		}
	}
}

// An agent cannot make a pattern slow by what it writes: of a line with many
// near matches the rest is replaced.
func TestNearMatchesEnd(t *testing.T) {
	m, err := New(Options{Patterns: []string{"sk-[a-zA-Z0-9-]+"}})
	if err != nil {
		t.Fatal(err)
	}
	got := m.Text(strings.Repeat("task-", 40_000))
	if len(got) > 1000 || !strings.Contains(got, DefaultReplacement) {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
	if text := strings.Repeat("task-one ", 20); m.Text(text) != text {
		t.Error("a word with the pattern in it was replaced")
	}
}
