package configs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const whole = "# mine\nagents:\n  coder:\n    permissions:\n      allowed_paths: [/srv]\n      denied_paths: [/srv/secret]\n"

// editorAt is an editor that writes into the file: it has emptied it and written so much
// of the new text. save ends it.
func editorAt(t *testing.T, path, written string) (save func(rest string)) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	put := func(text string) {
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	put(written)
	return func(rest string) {
		put(rest)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// An answer for ever that comes while an editor writes into the file takes nothing away
// of what the editor saves: the rules that deny would be gone with it.
func TestAnEditBesideAnEditorThatWrites(t *testing.T) {
	for name, written := range map[string]string{
		"emptied": "", "half": "agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv]\n", "no YAML yet": "agents: {", "all but closed": whole,
	} {
		t.Run(name, func(t *testing.T) {
			store, path := openTest(t, whole)
			save := editorAt(t, path, written)
			allow := func(d *Document) error { return d.Append("agents.coder.permissions.allowed_paths", "/opt") }
			if err := store.Edit(allow); !errors.Is(err, ErrChanged) {
				t.Errorf("the edit: %v", err)
			}
			if _, err := store.Preview(allow); !errors.Is(err, ErrChanged) {
				t.Errorf("the preview: %v", err)
			}
			save("# saved\n")
			if text, err := os.ReadFile(path); err != nil || string(text) != written+"# saved\n" {
				t.Fatalf("%v: what the editor saved is gone:\n%s", err, text)
			}
		})
	}
}

// The file may be empty and closed for a moment, too.
func TestAnEditOfAFileThatWasEmptied(t *testing.T) {
	store, path := openTest(t, whole)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if err := store.Edit(func(d *Document) error { return d.Append("agents.coder.permissions.allowed_paths", "/opt") }); !errors.Is(err, ErrChanged) {
		t.Errorf("the edit: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) != 0 {
		t.Errorf("%v: the file holds %q", err, text)
	}
}

// What is saved between the last look at the file and its replacement stays, by whatever
// way it is saved.
func TestASaveInTheLastMoment(t *testing.T) {
	const saved = "# saved\n"
	for name, test := range map[string]struct {
		save func(path string) error
		last string
	}{
		"written into the file": {last: saved, save: func(path string) error { return os.WriteFile(path, []byte(saved), 0o600) }},
		"another file in its place": {last: saved, save: func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte(saved), 0o600), os.Rename(path+".new", path))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, path := openTest(t, whole)
			looks := 0
			err := replaceFile(path, []byte("# ours\n"), 0o600, func(name string) error {
				if looks++; looks == 1 {
					return test.save(path)
				}
				if text, err := os.ReadFile(name); err != nil || string(text) != whole {
					return errors.Join(err, ErrChanged)
				}
				return nil
			})
			if !errors.Is(err, ErrChanged) {
				t.Errorf("error %v", err)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != test.last {
				t.Errorf("%v: the save is gone: %q", err, text)
			}
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")); err != nil || len(left) > 0 {
				t.Errorf("%v: left behind: %q", err, left)
			}
		})
	}
}

// They may save once more before what they saved first is back; the newest stays.
func TestTwoSavesInTheLastMoment(t *testing.T) {
	_, path := openTest(t, whole)
	looks := 0
	err := replaceFile(path, []byte("# ours\n"), 0o600, func(string) error {
		if looks++; looks == 1 {
			return nil
		}
		return errors.Join(ErrChanged, os.WriteFile(path, []byte("# the newest\n"), 0o600))
	})
	if text, _ := os.ReadFile(path); !errors.Is(err, ErrChanged) || string(text) != "# the newest\n" {
		t.Errorf("%v: %q", err, text)
	}
}

// A half that is a valid config says less than the whole: it is not what comes into
// force while it is being written, and who never ends writing does not keep changes away
// for ever.
func TestAHalfWrittenFileIsNotInForce(t *testing.T) {
	store, path := openTest(t, whole)
	const half = "agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv]\n"
	save := editorAt(t, path, half)
	before := store.Current()
	if !store.look(t.Context(), true) || store.Current() != before {
		t.Fatal("half a file is in force")
	}
	save("      denied_paths: [/srv/other]\n")
	if store.look(t.Context(), true) || len(store.Current().Config.Agents["coder"].Permissions.DeniedPaths) != 1 || store.Current() == before {
		t.Fatal("the whole file is not in force")
	}
	before = store.Current()
	editorAt(t, path, half)
	for range maxWaits {
		if !store.look(t.Context(), true) {
			t.Fatal("half a file is in force")
		}
	}
	if store.look(t.Context(), true) || store.Current() == before {
		t.Error("a file that is never closed is never read")
	}
}
