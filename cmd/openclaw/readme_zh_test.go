package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/configs"
)

// Every command of the Chinese README is one that the program has, with flags
// that it knows, and every config in it loads.
func TestChineseReadmeNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.zh.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, files := 0, 0
	for i, part := range strings.Split(string(text), "```") {
		language, body, _ := strings.Cut(part, "\n")
		switch {
		case i%2 == 0:
		case language == "sh":
			for line := range strings.Lines(body) {
				words := strings.Fields(line)
				if len(words) == 0 || words[0] != "openclaw" {
					continue
				}
				commands++
				cmd, rest, err := newRoot(&terminal{getenv: func(string) string { return "" }}).Find(words[1:])
				if err != nil || !cmd.Runnable() {
					t.Errorf("%s: there is no such command: %v", strings.TrimSpace(line), err)
					continue
				}
				for _, word := range rest {
					if word == "--" {
						break
					}
					if name, is := strings.CutPrefix(word, "--"); is && cmd.Flags().Lookup(name) == nil {
						t.Errorf("%s: there is no flag %s", strings.TrimSpace(line), word)
					}
				}
			}
		case language == "yaml":
			files++
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := configs.Load(path, configs.Options{Layout: configs.Layout{Root: t.TempDir()}, Getenv: os.Getenv}); err != nil {
				t.Errorf("%s\n%v", body, err)
			}
		}
	}
	if commands < 10 || files < 2 {
		t.Errorf("%d commands and %d configs: the blocks are not read", commands, files)
	}
}
