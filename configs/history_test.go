package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// keeping opens a Store that keeps versions, on what lies in the folder.
func keeping(t *testing.T, options Options) *Store {
	t.Helper()
	options.KeepHistory = true
	store, err := OpenStore(options.Layout, options)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// say writes a config and loads it.
func say(t *testing.T, store *Store, text string) {
	t.Helper()
	must(t, os.WriteFile(store.path, []byte(text), 0o600))
	must(t, store.Reload("reload"))
}

func textOfConfig(t *testing.T, store *Store) string {
	t.Helper()
	text, err := os.ReadFile(store.path)
	must(t, err)
	return string(text)
}

func versionNumbers(list []Applied) string {
	var all []string
	for _, a := range list {
		one := strconv.Itoa(a.Version)
		if !a.Kept {
			one += "-"
		}
		all = append(all, one)
	}
	return strings.Join(all, " ")
}

// What was in force is counted on and kept over a start, byte by byte, for its
// owner alone; the same text is no new version.
func TestHistoryIsKeptOverAStart(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "# one\n")
	store := keeping(t, options)
	say(t, store, "# two\nlogging: {level: debug}\n")
	store = keeping(t, options)
	if s := store.Status(); s.Version != 2 || store.Current().Version != 2 || versionNumbers(s.History) != "2 1" || len(s.Problems) > 0 {
		t.Errorf("%+v", s)
	}
	writeConfig(t, options, "# three\n")
	store = keeping(t, options)
	s := store.Status()
	if s.Version != 3 || versionNumbers(s.History) != "3 2 1" || s.History[0].By != "start" || s.History[1].By != "reload" ||
		!slices.Equal(s.History[1].Changes, []string{"logging.level info → debug"}) {
		t.Errorf("%+v", s)
	}
	must(t, filepath.WalkDir(options.Layout.Versions(), func(path string, d os.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		if must(t, err); modesMatter && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	}))
	if back, err := store.Rollback(2, false); err != nil || textOfConfig(t, store) != "# two\nlogging: {level: debug}\n" || back.Saved != "" {
		t.Errorf("%+v %v: %q", back, err, textOfConfig(t, store))
	}
	if s := store.Status(); s.Version != 4 || s.History[0].By != "rollback to #2" || store.Current().Config.Logging.Level != "debug" {
		t.Errorf("%+v", s)
	}
}

// A version that the rules or a subscriber refuse changes nothing; what is on disk
// and not in force is not lost.
func TestRollbackIsJudgedFirst(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "# one\n")
	store := keeping(t, options)
	say(t, store, "# two\n")
	say(t, store, "# three\n")
	refuses := true
	store.Subscribe(Subscriber{Name: "listener", Check: func(_, after *Snapshot) error {
		if refuses && strings.Contains(string(after.Text), "one") {
			return errors.New("not that one")
		}
		return nil
	}})
	for version, words := range map[int]string{1: "listener refuses it: not that one", 3: "in force already", 7: "#7 is not kept", -1: "not kept"} {
		_, err := store.Rollback(version, false)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("#%d: %v", version, err)
		}
		if known, ok := errors.AsType[*Error](err); !ok || !strings.Contains(known.Hint, "config history") || strings.Contains(err.Error(), known.Hint) {
			t.Errorf("the cure is not said once, beside the error: %v", err)
		}
	}
	if textOfConfig(t, store) != "# three\n" || store.Status().Rejected || store.Status().Version != 3 {
		t.Fatalf("%q %+v", textOfConfig(t, store), store.Status())
	}
	back, err := store.Rollback(2, true)
	if err != nil || !slices.Contains(back.Diff, "-# three") || !slices.Contains(back.Diff, "+# two") || textOfConfig(t, store) != "# three\n" {
		t.Errorf("%+v %v", back, err)
	}
	// A broken edit is on disk: the version in force can be put back over it.
	const broken = "agents: [\n"
	must(t, os.WriteFile(store.path, []byte(broken), 0o600))
	if store.Reload("reload") == nil {
		t.Fatal("it loads")
	}
	back, err = store.Rollback(3, false)
	if err != nil || textOfConfig(t, store) != "# three\n" || store.Status().Rejected || store.Status().Version != 3 {
		t.Fatalf("%+v %v %+v", back, err, store.Status())
	}
	saved, err := os.ReadFile(back.Saved)
	info, _ := os.Stat(back.Saved)
	if err != nil || string(saved) != broken || modesMatter && info.Mode().Perm() != 0o600 {
		t.Errorf("%q %v", saved, err)
	}
	refuses = false
	// What was changed in the folder is not brought back.
	must(t, os.WriteFile(store.history.file(1), []byte("# one!\n"), 0o600))
	if _, err := store.Rollback(1, false); err == nil || !strings.Contains(err.Error(), "somebody changed") {
		t.Error(err)
	}
}

// A secret in the clear is not written a second time, and the text that is kept is
// not another one's because of that.
func TestHistoryKeepsNoSecretInTheClear(t *testing.T) {
	options := testOptions(t)
	const secret = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz"
	writeConfig(t, options, "providers: {anthropic: {api_key: "+secret+"}}\n")
	store := keeping(t, options)
	say(t, store, "providers: {anthropic: {api_key: 'keychain://openclaw/anthropic'}}\n")
	if s := store.Status(); versionNumbers(s.History) != "2 1-" || s.History[1].Lost != holdsSecret {
		t.Errorf("%+v", s.History)
	}
	must(t, filepath.WalkDir(options.Layout.State(), func(path string, d os.DirEntry, err error) error {
		must(t, err)
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), secret) {
			t.Errorf("%s holds it", path)
		}
		return nil
	}))
	if _, err := store.Rollback(1, false); err == nil || !strings.Contains(err.Error(), holdsSecret) {
		t.Error(err)
	}
}

// Only the newest are kept, and no more bytes than the bound.
func TestHistoryIsBounded(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "config")
	h, err := openHistory(folder)
	must(t, err)
	keep := func(version int, text string) {
		s := &Snapshot{Config: Default(), Text: []byte(text), Hash: hashOf([]byte(text)), Version: version}
		must(t, h.keep(s, Applied{Version: version, By: "reload"}))
	}
	files := func() int {
		entries, err := os.ReadDir(folder)
		must(t, err)
		return len(entries)
	}
	const small = maxHistory + 4
	for i := range small {
		keep(i+1, "# "+strconv.Itoa(i))
	}
	if list := h.applied(); len(list) != maxHistory || list[0].Version != small || files() != maxHistory+1 {
		t.Errorf("%d versions, %d files", len(list), files())
	}
	big := strings.Repeat("# x\n", 1_000_000/4)
	for i := range 20 {
		keep(small+i+1, big+strconv.Itoa(i))
	}
	kept := 0
	for _, a := range h.applied() {
		if a.Kept {
			kept++
		} else if a.Lost != madeRoom {
			t.Errorf("%+v", a)
		}
	}
	if kept != 16 || files() != kept+1 || len(h.list) != maxHistory {
		t.Errorf("%d kept, %d files of %d versions", kept, files(), len(h.list))
	}
	if text, err := h.text(small + 19); err != nil || len(text) != len(big)+2 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	again, err := openHistory(folder)
	must(t, err)
	if !slices.EqualFunc(again.list, h.list, func(a, b keptVersion) bool { return a.Version == b.Version && a.Lost == b.Lost }) {
		t.Error("another list after a start")
	}
}

// A history that cannot be read or written is said, and stops no config.
func TestHistoryThatCannotBeKept(t *testing.T) {
	for name, spoil := range map[string]func(Layout){
		"no list": func(l Layout) {
			must(t, os.WriteFile(filepath.Join(l.Versions(), "versions.json"), []byte("[{"), 0o600))
		},
		"a folder": func(l Layout) { must(t, os.Mkdir(filepath.Join(l.Versions(), "versions.json"), 0o700)) },
		"a file in the place": func(l Layout) {
			must(t, os.Remove(l.Versions()))
			must(t, os.WriteFile(l.Versions(), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions(t)
			writeConfig(t, options, "# one\n")
			must(t, os.MkdirAll(options.Layout.Versions(), 0o700))
			spoil(options.Layout)
			store := keeping(t, options)
			s := store.Status()
			if s.Version != 1 || len(s.History) != 1 || s.History[0].Kept || len(s.Problems) != 1 || !s.Problems[0].Warning || s.Problems[0].Hint == "" {
				t.Errorf("%+v", s)
			}
			say(t, store, "# two\n")
			if store.Status().Version != 2 {
				t.Errorf("%+v", store.Status())
			}
		})
	}
}

// Without a gateway, maybe because the config does not load, a version comes back
// all the same, also where the file is gone.
func TestRollbackWithoutAStore(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "# one\n")
	store := keeping(t, options)
	say(t, store, "# two\n")
	const broken = "gateway: [\n"
	must(t, os.WriteFile(store.path, []byte(broken), 0o600))
	if back, err := RollbackFile(options, 1, true, anyConfig); err != nil || !slices.Contains(back.Diff, "+# one") || textOfConfig(t, store) != broken {
		t.Errorf("%+v %v", back, err)
	}
	back, err := RollbackFile(options, 1, false, anyConfig)
	if err != nil || textOfConfig(t, store) != "# one\n" {
		t.Fatalf("%+v %v", back, err)
	}
	if saved, err := os.ReadFile(back.Saved); err != nil || string(saved) != broken {
		t.Errorf("%q %v", saved, err)
	}
	must(t, os.Remove(store.path))
	if back, err := RollbackFile(options, 2, false, anyConfig); err != nil || textOfConfig(t, store) != "# two\n" || back.Saved != "" {
		t.Errorf("%+v %v", back, err)
	}
	if list, err := Versions(options.Layout); err != nil || versionNumbers(list) != "2 1" {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := RollbackFile(options, 9, false, anyConfig); err == nil {
		t.Error("no error")
	}
}

// Once the config is encrypted no text of it lies beside it, and none is written in
// its place.
func TestHistoryOfAnEncryptedConfig(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "# one\n")
	store := keeping(t, options)
	say(t, store, "# two\n")
	encrypt := func(string, []byte) (Opened, error) {
		return Opened{Text: []byte("# three, hidden\n"), Seal: func(text []byte) ([]byte, error) { return text, nil }}, nil
	}
	store.options.Open = encrypt
	must(t, os.WriteFile(store.path, []byte("openclaw-config/test\n"), 0o600))
	must(t, store.Reload("reload"))
	s := store.Status()
	if versionNumbers(s.History) != "3- 2- 1-" || s.History[0].Lost != isEncrypted || s.History[2].Lost != isEncrypted {
		t.Errorf("%+v", s.History)
	}
	entries, err := os.ReadDir(options.Layout.Versions())
	if err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
	for _, version := range []int{1, 2, 3} {
		if _, err := store.Rollback(version, false); err == nil {
			t.Errorf("#%d is back", version)
		}
	}
	if text := textOfConfig(t, store); text != "openclaw-config/test\n" {
		t.Errorf("%q", text)
	}
}

// The command that encrypts takes the texts away itself: maybe no gateway runs.
// However the person names the file.
func TestEncryptLeavesNoTextBehind(t *testing.T) {
	for how, name := range map[string]func(t *testing.T, path string) string{
		"its own name": func(_ *testing.T, path string) string { return path },
		"relative": func(t *testing.T, path string) string {
			t.Helper()
			t.Chdir(filepath.Dir(path))
			return filepath.Base(path)
		},
		"with a detour": func(_ *testing.T, path string) string { return filepath.Dir(path) + "/./" + filepath.Base(path) },
		"by a link to its folder": func(t *testing.T, path string) string {
			t.Helper()
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(filepath.Dir(path), link); err != nil {
				t.Skip(err)
			}
			return filepath.Join(link, filepath.Base(path))
		},
	} {
		t.Run(how, func(t *testing.T) {
			options := testOptions(t)
			writeConfig(t, options, "# one\n")
			store := keeping(t, options)
			say(t, store, "# two\n")
			if _, err := Encrypt(name(t, store.path), options, func(_, _ []byte) ([]byte, error) { return []byte("openclaw-config/test\n"), nil }); err != nil {
				t.Fatal(err)
			}
			list, err := Versions(options.Layout)
			if entries, _ := os.ReadDir(options.Layout.Versions()); err != nil || versionNumbers(list) != "2- 1-" || len(entries) != 1 {
				t.Errorf("%+v %v %v", list, err, entries)
			}
		})
	}
}

// anyConfig is a gateway that starts with whatever loads.
func anyConfig(*Snapshot) error { return nil }

func TestRollbackFileAsksWhoWouldStart(t *testing.T) {
	options := testOptions(t)
	writeConfig(t, options, "# one\n")
	store := keeping(t, options)
	say(t, store, "# two\n")
	refusal := errors.New("it would not start")
	before, err := os.ReadFile(options.Layout.Config())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	_, err = RollbackFile(options, 1, false, func(*Snapshot) error { asked++; return refusal })
	after, readErr := os.ReadFile(options.Layout.Config())
	if err == nil || !strings.Contains(err.Error(), refusal.Error()) || readErr != nil || string(after) != string(before) || asked != 1 {
		t.Errorf("%v, %v, asked %d times, changed: %v", err, readErr, asked, string(after) != string(before))
	}
}
