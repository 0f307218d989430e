package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an agent named is shown by every form of output and obeyed by none: the
// name of a file may hold what moves a cursor or turns a line around.
func TestOutputIsShownAndNotObeyed(t *testing.T) {
	const hostile = "a\x1b[2J\u009b1A\u202eb\u2028c"
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{out: out, err: out, getenv: func(string) string { return "" }}
	if err := term.json(map[string]string{"target": hostile}); err != nil {
		t.Fatal(err)
	}
	if err := term.jsonLine(map[string]string{"target": hostile}); err != nil {
		t.Fatal(err)
	}
	term.table("TARGET", [][]string{{hostile}})
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"\x1b", "\u009b", "\u202e", "\u2028"} {
		if strings.Contains(string(text), forbidden) {
			t.Errorf("%q passes through: %q", forbidden, text)
		}
	}
	if !strings.Contains(string(text), `\u202e`) {
		t.Errorf("the JSON lost what it escapes: %q", text)
	}
}
