package main

import (
	"context"
	"slices"
	"testing"
)

// An editor whose manual says so opens the config at the line; another one is not given
// a word that it would take for a file.
func TestTheEditorOpensAtTheLine(t *testing.T) {
	for _, c := range []struct {
		editor string
		line   int
		want   []string
	}{
		{"vim", 12, []string{"sh", "-c", `vim "$1" "$2"`, "sh", "+12", "/c.yaml"}},
		{"/usr/bin/nano -w", 7, []string{"sh", "-c", `/usr/bin/nano -w "$1" "$2"`, "sh", "+7", "/c.yaml"}},
		{"vim", 0, []string{"sh", "-c", `vim "$1"`, "sh", "/c.yaml"}},
		{"code --wait", 12, []string{"sh", "-c", `code --wait "$1"`, "sh", "/c.yaml"}},
		{"env vim", 12, []string{"sh", "-c", `env vim "$1"`, "sh", "/c.yaml"}},
	} {
		environment := &terminal{getenv: func(name string) string { return map[string]string{"EDITOR": c.editor}[name] }}
		cmd, err := environment.editor(context.Background(), "/c.yaml", c.line)
		if err != nil || !slices.Equal(cmd.Args, c.want) {
			t.Errorf("%q at %d: %q, %v", c.editor, c.line, cmd.Args, err)
		}
	}
}
