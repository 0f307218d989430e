package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestImportKilled: kill -9 of an import at any point. Each file is the old or the
// new one, whole; a key that is no longer in its file is in the store; and no other
// file holds one.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	const profileKey, envKey = "gsk_9fQ2mZ81LsYb20XcNd74RfTqvWm3", "sk-proj-Zk3TqvWm81LsYb20XcNd74Rf"
	p := newPerson(t)
	p.ownPort()
	files := map[string]string{".bashrc": "export GROQ_API_KEY=" + profileKey + "\n", "projects/demo/.env": "OPENAI_API_KEY=" + envKey + "\n"}
	names := map[string]string{".bashrc": "groq", "projects/demo/.env": "openai"}
	fresh := func() {
		for name, text := range files {
			write(t, filepath.Join(p.home, name), text)
		}
	}
	if r := p.openclaw("vault", "init", "--key-file"); r.code != 0 {
		t.Fatal(r)
	}
	args := []string{"secrets", "import", "--yes", "--all", "--project", filepath.Join(p.home, "projects", "demo")}
	fresh()
	began := time.Now()
	if r := p.openclaw(args...); r.code != 0 {
		t.Fatal(r)
	}
	whole := time.Since(began)
	const rounds = 8
	for round := range rounds {
		fresh()
		for _, name := range names {
			_ = p.openclaw("secrets", "delete", name)
		}
		cmd := exec.CommandContext(t.Context(), p.binary, args...)
		cmd.Env, cmd.Dir = p.environ, p.home
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(round+1) / rounds) // where it is hit is what differs, not what must hold
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for name, old := range files {
			text, err := os.ReadFile(filepath.Join(p.home, name))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case string(text) == old:
			case strings.Contains(string(text), "is kept by openclaw (secrets import)"):
				if r := p.openclaw("secrets", "test", names[name]); r.code != 0 {
					t.Fatalf("round %d: the key of %s is in neither place: %v", round, name, r)
				}
			default:
				t.Fatalf("round %d: %s holds %q", round, name, text)
			}
		}
		p.nowhereElse(files, profileKey, envKey)
		if r := p.openclaw(args...); r.code != 0 {
			t.Fatalf("round %d: the next import: %v", round, r)
		}
		for name := range files {
			if text, err := os.ReadFile(filepath.Join(p.home, name)); err != nil || !strings.Contains(string(text), "is kept by openclaw") {
				t.Fatalf("round %d: after the next import %s holds %q, %v", round, name, text, err)
			}
		}
	}
	r := p.openclaw("secrets", "list")
	if strings.Contains(r.out, "openai-2") || strings.Contains(r.out, "groq-2") {
		t.Errorf("a key was stored twice: %s", r.out)
	}
}

// nowhereElse looks through the home folder for the values.
func (p *person) nowhereElse(but map[string]string, values ...string) {
	p.t.Helper()
	err := filepath.WalkDir(p.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // a file that went meanwhile holds nothing
		}
		relative, _ := filepath.Rel(p.home, path)
		if _, ok := but[relative]; ok {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(string(text), v) }) {
			p.t.Errorf("%s holds a key in clear", relative)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestImportIntoTheKeyring: into a real gnome-keyring, chosen by number at a real
// terminal; undo reads its key from there.
func TestImportIntoTheKeyring(t *testing.T) {
	t.Parallel()
	const key = "gsk_9fQ2mZ81LsYb20XcNd74RfTqvWm3"
	p := newPerson(t)
	p.ownPort()
	_, err := exec.LookPath("tmux")
	required(t, err == nil, "tmux is not installed")
	p.keyring()
	profile := filepath.Join(p.home, "dotfiles")
	write(t, profile, "export GROQ_API_KEY="+key+"\nexport DB_PASSWORD=correct0horse\n")
	if err := os.Symlink("dotfiles", filepath.Join(p.home, ".bashrc")); err != nil {
		t.Fatal(err)
	}
	s := p.open("import", 160, 40, "secrets", "import")
	s.shows("GROQ_API_KEY", "DB_PASSWORD", "which are moved?")
	if strings.Contains(s.text(), key) {
		t.Error("the screen shows the key")
	}
	s.types("1")
	s.keys("Enter")
	p.eventually("the profile's change", func() bool {
		text, _ := os.ReadFile(profile)
		return strings.HasPrefix(string(text), ": # GROQ_API_KEY is kept by openclaw (secrets import)\nexport DB_PASSWORD=correct0horse\n")
	})
	if target, err := os.Readlink(filepath.Join(p.home, ".bashrc")); err != nil || target != "dotfiles" {
		t.Errorf("the link is %q, %v", target, err)
	}
	p.eventually("the key by the command that the import names", func() bool {
		return p.command("secret-tool", "lookup", "service", "openclaw", "username", "groq").out == key
	})
	backups, err := filepath.Glob(filepath.Join(p.home, ".openclaw", "backups", "*.age"))
	if err != nil || len(backups) != 1 {
		t.Fatal(backups, err)
	}
	p.eventually("the end of the import", func() bool { return !s.open() })
	if r := p.openclaw("secrets", "import", "--yes", "--undo", backups[0]); r.code != 0 {
		t.Fatal(r)
	}
	if text, _ := os.ReadFile(profile); !strings.HasPrefix(string(text), "export GROQ_API_KEY="+key) {
		t.Errorf("undo left %q", text)
	}
}

func TestChosenNumbers(t *testing.T) {
	t.Parallel()
	list := []*literal{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}}
	for answer, want := range map[string]string{"": "", "none\n": "", "all": "abcd", "1": "a", "2-3, 1\n": "abc", "4 4": "d", " 1,4 ": "ad"} {
		chosen, err := chosenNumbers(list, answer)
		got := ""
		for _, l := range chosen {
			got += l.name
		}
		if err != nil || got != want {
			t.Errorf("%q: %q %v", answer, got, err)
		}
	}
	for _, answer := range []string{"0", "5", "3-2", "1-9", "x", "yes", "-1", "1-"} {
		if chosen, err := chosenNumbers(list, answer); err == nil {
			t.Errorf("%q chose %d", answer, len(chosen))
		}
	}
}
