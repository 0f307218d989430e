package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type scene struct {
	name string
	keys []string
}

func scenes() []scene {
	return []scene{
		{"overview", []string{"1"}},
		{"connections", []string{"2"}},
		{"connections, close", []string{"G", "x"}},
		{"overview mechanisms", []string{"n", "1", "m"}},
		{"ask", []string{"m", "3"}},
		{"ask, always", []string{"s", "s"}},
		{"ask, always, confirm", []string{"a"}},
		{"ask, folder, no always", []string{"x", "j", "m"}},
		{"ask, run, confirm", []string{"a"}},
		{"ask, note", []string{"x", "c", "type:not yet"}},
		{"ask, many", []string{"esc", "A"}},
		{"ask, why", []string{"x", "w"}},
		{"ask missed", []string{"w", "type:jjj", "type:jjjjj"}},
		{"denials", []string{"g", "j", "j", "j"}},
		{"denial, rule", []string{"a"}},
		{"denial, rule, domain", []string{"m", "m"}},
		{"denial, rule, confirm", []string{"a"}},
		{"denials built-in", []string{"x", "esc", "j", "j", "j"}},
		{"denials full", []string{"enter"}},
		{"denials filter", []string{"esc", "/", "type:op:connect since:1h", "enter"}},
		{"filter, save", []string{"S", "type:network"}},
		{"filter, save, confirm", []string{"enter"}},
		{"denials, sorted, still", []string{"esc", "\\", "o", "o", "p"}},
		{"connection, events", []string{"p", "o", "o", "o", "\\", "2", "g", "j", "e"}},
		{"connection, events, of a client", []string{"G"}},
		{"agents", []string{"e", "g", "4"}},
		{"agents, all rules", []string{"space"}},
		{"agents, test", []string{"space", "t", "type:connect registry.example.test:443", "enter"}},
		{"agents, stop", []string{"x"}},
		{"agents, restart", []string{"n", "r"}},
		{"agents, start", []string{"n", "esc", "s", "ctrl+u", "type:make 'all of it"}},
		{"agents, output", []string{"esc", "j", "j", "o"}},
		{"logs", []string{"esc", "g", "5"}},
		{"logs, searched", []string{"s", "type:src:gateway", "enter", "N"}},
		{"logs, which time", []string{"esc", "G", "f", "t"}},
		{"logs, folded, of 15 minutes", []string{"2"}},
		{"logs again", []string{"f", "t", "6"}},
		{"logs, wrapped", []string{"w"}},
		{"logs, a record as JSON", []string{"w", "G", "v"}},
		{"logs, errors", []string{"v", "e"}},
		{"secrets", []string{"e", "6"}},
		{"secrets add, name", []string{"a"}},
		{"secrets add", []string{"enter", "type:sk-1234"}},
		{"secrets delete", []string{"esc", "d"}},
		{"secrets, marked, delete", []string{"n", "m", "j", "j", "m", "d"}},
		{"secrets rotate", []string{"n", "esc", "g", "R"}},
		{"secrets, keys in files", []string{"esc", "i", "j", "space"}},
		{"secrets, keys moved out of files", []string{"y"}},
		{"token", []string{"esc", "G"}},
		{"token, revoke", []string{"d"}},
		{"token, new, scopes", []string{"n", "t", "type:ci", "enter", "right", "space"}},
		{"token, new, where", []string{"enter", "enter"}},
		{"token, new, file", []string{"2", "enter"}},
		{"audit", []string{"esc", "g", "7"}},
		{"audit, checked", []string{"r"}},
		{"config", []string{"8"}},
		{"config, validated", []string{"v"}},
		{"config, compare", []string{"d"}},
		{"config, roll back", []string{"d", "R"}},
		{"config, roll back, confirm", []string{"R"}},
		{"chat", []string{"n", "esc", "9"}},
		{"chat, saying", []string{"i", "type:make them faster"}},
		{"config again", []string{"esc", "8"}},
		{"help", []string{"?"}},
		{"palette", []string{"esc", ":", "type:co"}},
		{"quit", []string{"esc", "q"}},
	}
}

func TestGoldenScreens(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		for _, color := range []bool{true, false} {
			var all, coloured strings.Builder
			add := func(name, frame string) {
				sound(t, frame, size[0], size[1])
				if color {
					rowsWith(&coloured, name, frame, "\x1b[3", "\x1b[9")
					frame = strip(frame)
				} else {
					frame = strings.ReplaceAll(frame, "\x1b", "␛")
				}
				fmt.Fprintf(&all, "=== %s\n%s\n", name, frame)
			}
			d := atWork(t, color, size[0], size[1])
			d.s.saveFilter = new(saver).save
			for _, s := range scenes() {
				add(s.name, d.press(s.keys...))
			}
			firstRun(add, newDriver(t, NewDemoFirstRun(), color, size[0], size[1]))
			kind := "text"
			if !color {
				kind = "nocolor"
			}
			golden(t, fmt.Sprintf("screens-%dx%d-%s.golden", size[0], size[1], kind), all.String())
			if color {
				golden(t, fmt.Sprintf("screens-%dx%d-colour.golden", size[0], size[1]), coloured.String())
			}
		}
	}
}

// firstRun are the steps of a person who has nothing yet.
func firstRun(add func(name, frame string), d *driver) {
	add("first run", d.frame())
	add("first run, no agents", d.press("4"))
	add("first run, add an agent", d.press("a"))
	add("first run, add an agent, lines", d.press("enter", "enter", "type:proxy.golang.org", "enter"))
	add("first run, no store", d.press("esc", "6"))
	add("first run, vault", d.press("v", "type:correct horse", "enter", "type:corr"))
}

// rowsWith adds the rows of a frame that hold one of some sequences, by their numbers:
// what the others are like another golden says.
func rowsWith(out *strings.Builder, name, frame string, sequences ...string) {
	fmt.Fprintf(out, "=== %s\n", name)
	for i, row := range strings.Split(frame, "\n") {
		if slices.ContainsFunc(sequences, func(sequence string) bool { return strings.Contains(row, sequence) }) {
			fmt.Fprintf(out, "%d %s\n", i+1, strings.ReplaceAll(row, "\x1b", "␛"))
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if anew := flag.Lookup("update"); anew != nil && anew.Value.String() == "true" { // teatest's flag
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s:%d\n got %q\nwant %q\n(go test ./tui -update writes it anew)", name, i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", name, len(g), len(w))
}
