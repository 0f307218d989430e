package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// Each refusal says where its rule is written, or that it is a built-in one.
func TestWhereARuleIsWritten(t *testing.T) {
	for _, c := range []struct {
		rule   string
		origin policy.Origin
		want   string
	}{
		{"system_commands: false", policy.Origin{File: "/h/config.yaml", Line: 9}, "system_commands: false (config.yaml:9)"},
		{"system_commands: false", policy.Origin{BuiltIn: "refused unless the config allows them"}, "system_commands: false (built-in)"},
		{"built-in: SSH keys", policy.Origin{BuiltIn: "SSH keys"}, "built-in: SSH keys"},
		{"it leads to /h/.ssh: built-in: SSH keys", policy.Origin{BuiltIn: "SSH keys"}, "it leads to /h/.ssh: built-in: SSH keys"},
	} {
		if got := because(c.rule, c.origin); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// An agent chooses how long a path is. One long row moves no other, and loses nothing.
func TestTableWithALongCell(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	long := strings.Repeat("d/", 2000)
	shown := &terminal{out: file, err: file, getenv: func(string) string { return "" }}
	shown.table("AGENT\tTARGET\tCOUNT", [][]string{{"coder", "/p/é", "1"}, {"a", long, "2"}, {"a", "/p/project", "33"}})
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := "AGENT  TARGET      COUNT\ncoder  /p/é        1\na      " + long + "  2\na      /p/project  33\n"
	if string(got) != want {
		t.Errorf("got %q", strings.ReplaceAll(string(got), long, "LONG"))
	}
}
