package view

import (
	"strings"
	"testing"
)

func TestKeysThatArePutElsewhere(t *testing.T) {
	for _, c := range []struct {
		name string
		keys KeyMap
		want string // of the only problem; empty: none
	}{
		{"one", KeyMap{"asks.allow": {"f5"}}, ""},
		{"several", KeyMap{"logs.export": {"ctrl+w", "alt+s", "é"}}, ""},
		{"two that change places", KeyMap{"asks.allow": {"d"}, "asks.deny": {"a"}}, ""},
		{"its own keys", KeyMap{"asks.mark": {"space"}, "logs.match_next": {"n"}, "chat.say": {"enter"}}, ""},
		{"where the other means nothing", KeyMap{"overview.machine": {"/"}}, ""},
		{"no such action", KeyMap{"asks.alow": {"f5"}}, `there is no action "asks.alow" (is it asks.allow or asks.allow_all?`},
		{"nothing like it", KeyMap{"launch": {"f5"}}, `there is no action "launch" (openclaw tui --keys`},
		{"no key", KeyMap{"help": {}}, "has no key"},
		{"used by another of the view", KeyMap{"asks.allow": {"w"}}, "w is the key of asks.why too, in the view Denials"},
		{"used everywhere", KeyMap{"asks.allow": {"j"}}, "j is the key of list.down too, in the view Denials"},
		{"used in one view", KeyMap{"list.down": {"x"}}, "x is the key of connections.close too"},
		{"given twice", KeyMap{"asks.allow": {"f5"}, "asks.why": {"f5"}}, "f5 is the key of asks.why too, in the view Denials"},
		{"enter allows", KeyMap{"asks.allow": {"enter"}}, "enter may not answer a held request"},
		{"space allows", KeyMap{"asks.allow": {"space"}}, "space may not answer"},
		{"tab denies all", KeyMap{"asks.deny_all": {"tab"}}, "tab may not answer"},
		{"a blank", KeyMap{"asks.allow": {" "}}, "a blank is no name of a key (write space)"},
		{"esc", KeyMap{"asks.allow": {"esc"}}, "esc is not free"},
		{"ctrl+c", KeyMap{"redraw": {"ctrl+c"}}, "ctrl+c is not free"},
		{"what a pasted line end sends", KeyMap{"asks.allow": {"ctrl+j"}}, "ctrl+j cannot be told from another key"},
		{"enter by another name", KeyMap{"asks.allow": {"ctrl+m"}}, "ctrl+m cannot be told"},
		{"what says yes", KeyMap{"asks.allow": {"y"}, "copy": {"f6"}}, "y may not be the key of what changes something"},
		{"what says yes elsewhere", KeyMap{"connections.ban": {"y"}, "copy": {"f6"}}, "y may not be the key"},
		{"a control character", KeyMap{"help": {"\x01"}}, `"\x01" is not a key that can be seen`},
		{"text that turns round", KeyMap{"help": {"\u202e"}}, `"\u202e" is not a key that can be seen`},
		{"not UTF-8", KeyMap{"help": {"\xff"}}, `"\xff" is not a key that can be seen`},
		{"a word", KeyMap{"help": {"hello"}}, `"hello" is not a key`},
		{"nothing", KeyMap{"help": {""}}, `"" is not a key`},
		{"very long", KeyMap{"help": {strings.Repeat("x", 5000)}}, "is not a key"},
		{"twice", KeyMap{"help": {"f1", "f1"}}, `"f1" is written twice`},
	} {
		rows, problems := Rebind(Table(), c.keys)
		if c.want == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v", c.name, problems)
			}
			k := NewKeys(rows, false)
			for action, given := range c.keys {
				if k.Key(ID(action)) != given[0] {
					t.Errorf("%s: %s shows %q", c.name, action, k.Key(ID(action)))
				}
			}
			continue
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Message+" ("+problems[0].Hint+")", c.want) {
			t.Errorf("%s: %v, want %q", c.name, problems, c.want)
		}
		for _, p := range problems {
			action := p.Action
			want := NewKeys(Table(), false).Key(ID(action))
			if got := NewKeys(rows, false).Key(ID(action)); got != want {
				t.Errorf("%s: %s is on %q although that was refused", c.name, action, got)
			}
		}
	}
}

// Whatever is bound, nobody is locked in.
func TestTheWaysOutStay(t *testing.T) {
	rows, problems := Rebind(Table(), KeyMap{"back": {"f9"}, "quit": {"f10"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	k := NewKeys(rows, false)
	for key, want := range map[string]ID{"esc": ActBack, "f9": ActBack, "ctrl+c": ActQuit, "f10": ActQuit} {
		if id, _ := k.Find(Denials, key, nil); id != want {
			t.Errorf("%s does %q", key, id)
		}
	}
	if id, bound := k.Find(Denials, "q", nil); bound {
		t.Errorf("q still does %s", id)
	}
}

// The table as it comes has no two actions on one key of a view that do not know
// of each other, and every action has a key.
func TestTheTableItself(t *testing.T) {
	for _, b := range Table() {
		for _, key := range b.Keys {
			if answersAsk(b.ID) && (key == "enter" || key == "space" || key == "tab" || key == "esc") || b.Changes && key == "y" {
				t.Errorf("%s is on %s", b.ID, key)
			}
			if message, _ := badKey(key); message != "" && key != "esc" && key != "ctrl+c" {
				t.Errorf("%s: %s", b.ID, message)
			}
		}
		if len(b.Keys) == 0 {
			t.Errorf("%s has no key", b.ID)
		}
	}
}

func TestTextsNameTheKeysOfNow(t *testing.T) {
	rows, _ := Rebind(Table(), KeyMap{"agents.start": {"%"}, "secrets.vault": {"f2"}})
	w := (*Words)(nil).With(NewKeys(rows, false))
	if got := w.T("no run of %s goes on: {agents.start} starts one", "{agents.stop}"); got != "no run of {agents.stop} goes on: % starts one" {
		t.Errorf("%q", got)
	}
	if got := w.T("{secrets.vault} or {secrets.keyfile}, {not.an.action} {"); got != "f2 or f, {not.an.action} {" {
		t.Errorf("%q", got)
	}
	for _, language := range Languages()[1:] {
		for english, own := range NewWords(language).Texts() {
			for _, b := range Table() {
				if mark := "{" + string(b.ID) + "}"; strings.Contains(english, mark) != strings.Contains(own, mark) {
					t.Errorf("%s: %q and %q do not name the same keys", language, english, own)
				}
			}
		}
	}
}
