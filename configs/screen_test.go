package configs

import (
	"reflect"
	"strings"
	"testing"
)

func parseScreen(t *testing.T, text string) (*Snapshot, error) {
	t.Helper()
	return Parse("config.yaml", []byte(text), Options{
		Layout: Layout{Root: "/home/ada/.openclaw"}, Home: "/home/ada", Getenv: func(string) string { return "" }, NoFiles: true,
		JudgeFilter: func(line string) (string, string) {
			if line == "refuse" {
				return "cannot be read", "write another"
			}
			return "", ""
		},
		JudgeKeys: func(keys map[string][]string) []KeyProblem {
			var found []KeyProblem
			for action, list := range keys {
				if action == "no.such" {
					found = append(found, KeyProblem{Action: action, Item: -1, Message: "there is no such action", Hint: "see the list"})
				}
				for i, key := range list {
					if key == "bad" {
						found = append(found, KeyProblem{Action: action, Item: i, Message: "is no key"})
					}
				}
			}
			return found
		},
	})
}

func TestKeysOfTheScreen(t *testing.T) {
	s, err := parseScreen(t, "tui:\n  keys:\n    asks.allow: f5\n    copy: [x, \"1\"]\n    help: \"?\"\n  bell: false\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Screen{Keys: map[string][]string{"asks.allow": {"f5"}, "copy": {"x", "1"}, "help": {"?"}}, Theme: "auto", Glyphs: "unicode", Filters: map[string]string{}, Notifications: true}
	if !reflect.DeepEqual(s.Config.Screen, want) {
		t.Errorf("%+v", s.Config.Screen)
	}
	if s, err = parseScreen(t, ""); err != nil || !s.Config.Screen.Bell || len(s.Config.Screen.Keys) != 0 {
		t.Errorf("without a section: %+v %v", s, err)
	}
	if s.Config.Approve.Confirm != "on-widen" {
		t.Errorf("without a section: confirm %q", s.Config.Approve.Confirm)
	}
	for _, confirm := range []string{"always", "never", "on-widen"} {
		if s, err = parseScreen(t, "approve: {confirm: "+confirm+"}\n"); err != nil || s.Config.Approve.Confirm != confirm {
			t.Errorf("%s: %v", confirm, err)
		}
	}
	if s, err = parseScreen(t, "tui: {theme: mono, glyphs: ascii, filters: {mine: agent:coder}}\n"); err != nil ||
		s.Config.Screen.Theme != "mono" || s.Config.Screen.Glyphs != "ascii" || s.Config.Screen.Filters["mine"] != "agent:coder" {
		t.Errorf("%+v %v", s, err)
	}
	for _, c := range [][2]string{
		{"tui:\n  keys:\n    no.such: x\n", `config.yaml:3:5: tui.keys["no.such"]: there is no such action (see the list)`},
		{"tui:\n  keys:\n    copy: bad\n", `config.yaml:3:11: tui.keys.copy: is no key`},
		{"tui:\n  keys:\n    copy: [x, bad]\n", `config.yaml:3:15: tui.keys.copy[1]: is no key`},
		{"tui:\n  keys:\n    copy: {a: b}\n", `config.yaml:3:11: tui.keys.copy: must be a list`},
		{"tui:\n  keys:\n    copy: [[a]]\n", `config.yaml:3:12: tui.keys.copy[0]: must be`},
		{"tui:\n  keys: [x]\n", `config.yaml:2:9: tui.keys: must be a mapping`},
		{"tui:\n  theme: blue\n", `config.yaml:2:10: tui.theme: "blue" is not`},
		{"tui:\n  glyphs: unicod\n", `did you mean "unicode"?`},
		{"tui:\n  filters: [a]\n", `config.yaml:2:12: tui.filters: must be a mapping`},
		{"tui:\n  filters:\n    Mine: a\n", `config.yaml:3:11: tui.filters.Mine: not a name of a filter (such as mine`},
		{"tui:\n  filters:\n    mine: refuse\n", `config.yaml:3:11: tui.filters.mine: cannot be read (write another)`},
		{"approve:\n  confirm: on-wider\n", `config.yaml:2:12: approve.confirm: "on-wider" is not`},
		{"approve:\n  confirm: on-wider\n", `did you mean "on-widen"?`},
		{"approve:\n  confirm: true\n", `config.yaml:2:12: approve.confirm: `},
		{"approve: never\n", `config.yaml:1:10: approve: must be a mapping`},
		{"approve:\n  confrim: never\n", `config.yaml:2:3: approve.confrim: unknown key; did you mean "confirm"?`},
		{"confirm: never\n", `it belongs to approve`},
		{"tui:\n  bell: loud\n", `config.yaml:2:9: tui.bell: must be true or false`},
		{"tui:\n  key: {}\n", `config.yaml:2:3: tui.key: unknown key; did you mean "keys"?`},
	} {
		if _, err := parseScreen(t, c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v, want %s", c[0], err, c[1])
		}
	}
}
