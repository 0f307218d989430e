package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"openclaw/tui/view"
)

// keysInFiles stands in for the command that looks into a person's files.
type keysInFiles struct {
	found  view.Literals
	err    error
	failed error // of a move
	moved  [][]string
}

func newKeysInFiles() *keysInFiles {
	return &keysInFiles{found: view.Literals{
		List: []view.Literal{
			{Place: "/home/ada/.openclaw/config.yaml:7", Key: "providers.openai.api_key", Characters: 51, Secret: "openai"},
			{Place: "/home/ada/.zshrc:12", Key: "GEMINI_API_KEY", Characters: 39, Secret: "gemini"},
			{Place: "/home/ada/.zshrc:12", Key: "GOOGLE_API_KEY", Characters: 39, Secret: "gemini"},
			{Place: "/home/ada/.codex/auth.json:3", Key: "OPENAI_API_KEY", Characters: 51, Secret: "openai", ByHand: "codex logout, then openclaw agent run NAME -- codex"},
		},
		Notes: []string{"/home/ada/.netrc was not looked at: permission denied"},
	}}
}

func (k *keysInFiles) importer() *Importer {
	return &Importer{
		Find: func(context.Context) (view.Literals, error) { return k.found, k.err },
		Move: func(_ context.Context, places []string) ([]string, error) {
			k.moved = append(k.moved, places)
			return []string{"the files of before are in ~/.openclaw/backups/import.age, encrypted", "/home/ada/.zshrc:12: GEMINI_API_KEY is now keychain://openclaw/gemini"}, k.failed
		},
	}
}

func literalsDriver(t *testing.T, k *keysInFiles) *driver {
	t.Helper()
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.s.importer = k.importer()
	d.press("6")
	return d
}

// Keys that stand in clear in files are listed with their places, never their values;
// the marked ones are moved, nothing is marked beforehand, and only y moves.
func TestKeysAreMovedOutOfFiles(t *testing.T) {
	k := newKeysInFiles()
	d := literalsDriver(t, k)
	frame := strip(d.press("i"))
	for _, want := range []string{"config.yaml:7", "providers.openai.api_key", ".zshrc:12", "GEMINI_API_KEY", "51 characters", ".netrc was not looked at"} {
		if !strings.Contains(frame, want) {
			t.Errorf("%q is not shown:\n%s", want, frame)
		}
	}
	if frame = strip(d.press("y")); len(k.moved) != 0 || !strings.Contains(frame, "Nothing is marked") {
		t.Errorf("moved %v:\n%s", k.moved, frame)
	}
	if frame = strip(d.press("j", "space", "enter", "n", "paste:y")); strings.Count(frame, "[x]") != 2 || len(k.moved) != 0 {
		t.Errorf("what stands on one line is not marked together, or moved unasked: %v\n%s", k.moved, frame)
	}
	if frame = strip(d.press("j", "j", "j")); !strings.Contains(frame, "by hand: codex logout") {
		t.Errorf("what a person has to do is not said:\n%s", frame)
	}
	if frame = strip(d.press("y")); !slices.EqualFunc(k.moved, [][]string{{"/home/ada/.zshrc:12"}}, slices.Equal) || !strings.Contains(frame, "is now keychain://openclaw/gemini") {
		t.Errorf("moved %q:\n%s", k.moved, frame)
	}
	if frame = strip(d.press("enter")); !strings.Contains(frame, "values are never shown") || d.s.secrets.Captures() {
		t.Errorf("it does not end:\n%s", frame)
	}
}

// All are marked by one key and none by the same again; who leaves changes nothing.
func TestAllKeysOrNone(t *testing.T) {
	k := newKeysInFiles()
	d := literalsDriver(t, k)
	if frame := strip(d.press("i", "a")); strings.Count(frame, "[x]") != 4 {
		t.Errorf("not all are marked:\n%s", frame)
	}
	if frame := strip(d.press("a")); strings.Contains(frame, "[x]") {
		t.Errorf("some are still marked:\n%s", frame)
	}
	if d.press("a", "esc"); len(k.moved) != 0 || d.s.secrets.Captures() {
		t.Errorf("moved %v after esc", k.moved)
	}
}

// What was looked for when the person left is not shown to them, and a move that is under
// way is neither begun again nor left before it says how it went.
func TestKeysPressedWhileFilesAreLookedAt(t *testing.T) {
	k := newKeysInFiles()
	d := literalsDriver(t, k)
	quick := func(keys ...string) (frame string, captures bool) { // before anything that was asked for has come
		for _, key := range keys {
			if len(key) == 1 {
				d.s.key(view.Key{Text: []rune(key)})
			} else {
				d.s.key(view.Key{Name: key})
			}
		}
		captures = d.s.secrets.Captures()
		return strip(d.frame()), captures
	}
	if frame, _ := quick("i", "esc"); strings.Contains(frame, "Move keys out of files") || d.s.secrets.Captures() {
		t.Errorf("it opens behind the person's back:\n%s", frame)
	}
	d.press("i", "a")
	if frame, stays := quick("y", "y", "esc"); len(k.moved) != 1 || !stays || !strings.Contains(frame, "is now keychain") {
		t.Errorf("moved %v:\n%s", k.moved, frame)
	}
}

// However much is found, the selected key, what it becomes and the keys to press are in
// sight, on a small screen too.
func TestManyKeysInFilesFitAScreen(t *testing.T) {
	k := newKeysInFiles()
	for range 500 {
		k.found.Notes = append(k.found.Notes, "/home/ada/"+strings.Repeat("deep/", 20)+".env was not looked at: permission denied")
		k.found.List = append(k.found.List, view.Literal{Place: "/home/ada/" + strings.Repeat("wide/", 40) + ".env:1", Key: strings.Repeat("KEY_", 50), Characters: 51, Secret: "last"})
	}
	d := literalsDriver(t, k)
	d.s.resize(60, 16)
	frame := strip(d.press("i"))
	for range 600 {
		frame = strip(d.press("j"))
	}
	sound(t, d.frame(), 60, 16)
	for _, want := range []string{"504 of 504", "becomes the secret", "and 499 more", "y move the marked", "KEY_"} {
		if !strings.Contains(frame, want) {
			t.Errorf("%q is not in sight:\n%s", want, frame)
		}
	}
}

// What goes wrong is said: in the search, in the move beside what was done, on another
// machine, and without a store.
func TestKeysInFilesThatCannotBeMoved(t *testing.T) {
	k := newKeysInFiles()
	d := literalsDriver(t, k)
	k.err = errors.New("the config is encrypted")
	if frame := strip(d.press("i")); !strings.Contains(frame, "could not be looked at: the config is encrypted") {
		t.Error(frame)
	}
	k.err, k.failed = nil, errors.New("1 of 2 files could not be changed")
	if frame := strip(d.press("esc", "i", "a", "y")); !strings.Contains(frame, "is now keychain") || !strings.Contains(frame, "not done: 1 of 2 files") {
		t.Error(frame)
	}
	k.found = view.Literals{}
	if frame := strip(d.press("esc", "i")); !strings.Contains(frame, "No key stands in clear") {
		t.Error(frame)
	}
	d.s.data.Store.State = "locked"
	if frame := strip(d.press("esc", "i")); strings.Contains(frame, "Move keys out of files") {
		t.Error(frame)
	}
	d.s.data.Store.State, d.s.data.Elsewhere = "unlocked", true
	if frame := strip(d.press("esc", "i")); !strings.Contains(frame, "on the machine where they stand") {
		t.Error(frame)
	}
	if len(k.moved) != 1 {
		t.Errorf("moved %v", k.moved)
	}
}

// Typed lines do the same: the list, then numbers of it and yes.
func TestPlainModeMovesKeysOutOfFiles(t *testing.T) {
	k := newKeysInFiles()
	got, _ := plainTalk(t, Options{Backend: NewDemo(), Start: startNothing, Importer: k.importer()},
		"import", "import 2", "import 9 yes", "import x yes", "import 3 2 yes", "quit")
	for _, want := range []string{
		"key: 2, GEMINI_API_KEY in /home/ada/.zshrc:12, 39 characters, becomes the secret gemini", "warning: /home/ada/.netrc was not looked at",
		"by hand: codex logout", "import 1 3 yes moves those", "9 is no number of the list; nothing was changed", "x is no number of the list",
		"import: /home/ada/.zshrc:12: GEMINI_API_KEY is now keychain://openclaw/gemini",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said:\n%s", want, got)
		}
	}
	if !slices.EqualFunc(k.moved, [][]string{{"/home/ada/.zshrc:12"}}, slices.Equal) {
		t.Errorf("moved %q", k.moved)
	}
	if got, _ = plainTalk(t, Options{Backend: NewDemo(), Start: startNothing, ReadOnly: true, Importer: k.importer()}, "import", "quit"); !strings.Contains(got, "no command import") {
		t.Error(got)
	}
}
