package apparmor

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// needParser skips without AppArmor's parser, unless every test is required.
func needParser(t *testing.T) string {
	t.Helper()
	found, err := exec.LookPath(parser())
	if err == nil {
		return found
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatal("apparmor_parser is not installed")
	}
	t.Skip("apparmor_parser is not installed")
	return ""
}

// forParser leaves out of a profile what parsers before 4.0 do not know: Debian
// 12 has 3.0, whose kernel has nothing to allow either.
func forParser(t *testing.T, parser, text string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), parser, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`version [4-9]`).Match(out) {
		return text
	}
	text = strings.Replace(text, "abi <abi/4.0>,\n", "", 1)
	return strings.Replace(text, "  userns,\n", "", 1)
}

func parse(t *testing.T, text string, dump ...string) string {
	t.Helper()
	parser := needParser(t)
	name := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(name, []byte(forParser(t, parser, text)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), parser, append(append([]string{"-Q", "--skip-kernel-load"}, dump...), name)...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
	return string(out)
}

// The profile holds for the program's own path and for no other, whatever the
// path has in it.
func TestProfileNamesOnePath(t *testing.T) {
	for _, name := range []string{
		"/usr/local/bin/openclaw", "/home/ada/My Programs/openclaw", `/opt/a"b\c/openclaw`, "/opt/*/[ab]/{c,d}^/openclaw", "/opt/@{HOME}/openclaw",
		"/opt/été/openclaw", "/opt/a#b'c$(d)|e+f.g/openclaw",
	} {
		text, err := Profile(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(text, "\n  userns,\n") || !strings.Contains(text, "flags=(unconfined)") || !strings.HasPrefix(text, mark) {
			t.Errorf("%s", text)
		}
		out := parse(t, text, "-D", "rule-exprs")
		pattern := ""
		for line := range strings.Lines(out) {
			if _, to, ok := strings.Cut(line, "   ->   "); ok && strings.HasPrefix(line, "aare: ") {
				pattern = strings.TrimSpace(to)
			}
		}
		compiled, err := regexp.Compile("^(?:" + pattern + ")$")
		if pattern == "" || err != nil || !compiled.MatchString(name) {
			t.Errorf("%s became %q: %v", name, pattern, err)
			continue
		}
		for _, other := range []string{name + "x", filepath.Dir(name), strings.Replace(name, "o", "x", 1), "/opt/xx/a/c/openclaw", "/opt/*/a/c^/openclaw"} {
			if compiled.MatchString(other) {
				t.Errorf("%s also names %s", name, other)
			}
		}
	}
}

func TestProfileRefusesPaths(t *testing.T) {
	for _, name := range []string{"", "openclaw", "/opt/../openclaw", "/opt/a?b", "/opt/a\nb", "/opt/a\x00b", "/opt/\xff", "/opt/a\x1bb"} {
		if text, err := Profile(name); !errors.Is(err, ErrPath) || text != "" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The parser of this machine may be too old for some of it: each line is one that a
// machine whose AppArmor refuses namespaces needs, and that AppArmor 4 knows.
func TestProfileText(t *testing.T) {
	const want = "# Written by `openclaw doctor --fix`; it is replaced by the next one.\n" + `# It lets this one program make user namespaces, which its cages are built from.
abi <abi/4.0>,
include <tunables/global>

profile openclaw "/usr/local/bin/openclaw" flags=(unconfined) {
  userns,

  include if exists <local/openclaw>
}
`
	if text, err := Profile("/usr/local/bin/openclaw"); err != nil || text != want {
		t.Errorf("%v\n%s", err, text)
	}
}

// Who may change the program, or a folder above it, may make namespaces too, and it is
// said which of them that is.
func TestWarning(t *testing.T) {
	base := t.TempDir()
	folder, above := filepath.Join(base, "bin"), Warning(base)
	name := filepath.Join(folder, "openclaw")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0
	for _, c := range []struct {
		what            string
		program, folder os.FileMode
		owner           int // of the folder
		warns           string
	}{
		{"everybody may write the program", 0o777, 0o755, 0, name},
		{"its group may", 0o775, 0o755, 0, name},
		{"everybody may write the folder", 0o755, 0o777, 0, folder},
		{"the group of the folder may", 0o755, 0o775, 0, folder},
		{"the folder is another user's", 0o755, 0o755, 64123, folder},
		{"nobody but root", 0o755, 0o755, 0, ""},
		{"a folder like /tmp", 0o755, 0o777 | os.ModeSticky, 0, ""},
	} {
		if err := errors.Join(os.Chmod(name, c.program), os.Chmod(folder, c.folder)); err != nil {
			t.Fatal(err)
		}
		if root {
			if err := os.Chown(folder, c.owner, -1); err != nil {
				t.Fatal(err)
			}
		} else {
			c.warns = name // it is the user's own
		}
		said := Warning(name)
		if c.warns == "" && said != above || !strings.HasPrefix(said, c.warns) || c.warns != "" && !strings.Contains(said, "may make user namespaces too") {
			t.Errorf("%s: %q", c.what, said)
		}
	}
}

// AppArmor says whether it refuses namespaces; a machine without it does not.
func TestRestricted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "setting")
	for text, want := range map[string]bool{"1\n": true, "0\n": false, "": false} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if restricted(name) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
	if restricted(name + "x") {
		t.Error("a machine without the setting")
	}
}

// standIn makes a program that writes its arguments down and ends with a status.
func standIn(t *testing.T, name, then string) (path, log string) {
	t.Helper()
	folder := t.TempDir()
	path, log = filepath.Join(folder, name), filepath.Join(folder, "log")
	script := "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '" + log + "'\n" + then + "\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, log
}

func TestInstall(t *testing.T) {
	folder := t.TempDir()
	parser, log := standIn(t, "apparmor_parser", "exit 0")
	i := &Installation{Program: "/opt/my openclaw", Folder: folder, Parser: parser}
	steps, err := i.Steps()
	if err != nil || len(steps) != 2 || !strings.HasPrefix(steps[0], "write "+i.File()) || !strings.Contains(steps[1], parser) {
		t.Fatalf("%q %v", steps, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Fatalf("something was changed before it was asked: %v %v", entries, err)
	}
	for range 2 { // the second replaces the first
		if err := i.Install(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if steps, err = i.Steps(); err != nil || !strings.HasPrefix(steps[0], "replace "+i.File()) {
		t.Errorf("of its own file: %q %v", steps, err)
	}
	want, err := Profile(i.Program)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(i.File())
	if err != nil || string(have) != want {
		t.Errorf("%s %v", have, err)
	}
	if info, err := os.Stat(i.File()); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v %v", info, err)
	}
	if said, err := os.ReadFile(log); err != nil || string(said) != strings.Repeat("--replace "+i.File()+"\n", 2) {
		t.Errorf("%q %v", said, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestInstallRefuses(t *testing.T) {
	good, log := standIn(t, "apparmor_parser", "exit 0")
	failing, _ := standIn(t, "apparmor_parser", "echo no such rule >&2; exit 1")
	foreign := t.TempDir()
	theirs := []byte("# Written by hand\nprofile openclaw /elsewhere {}\n")
	if err := os.WriteFile(filepath.Join(foreign, "openclaw"), theirs, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		i    Installation
		says string
	}{
		{"a file that is not ours", Installation{"/opt/openclaw", foreign, good}, "not written by openclaw"},
		{"no folder", Installation{"/opt/openclaw", filepath.Join(foreign, "none"), good}, "no AppArmor profiles"},
		{"no parser", Installation{"/opt/openclaw", foreign, filepath.Join(foreign, "none")}, "no AppArmor to tell"},
		{"a path", Installation{"/opt/a?b", t.TempDir(), good}, "without doubt"},
		{"a parser that refuses", Installation{"/opt/openclaw", t.TempDir(), failing}, "no such rule"},
	} {
		if err := c.i.Install(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if have, err := os.ReadFile(filepath.Join(foreign, "openclaw")); err != nil || !bytes.Equal(have, theirs) {
		t.Errorf("the other file became %q %v", have, err)
	}
	if _, err := os.Stat(log); err == nil {
		t.Error("the parser was run all the same")
	}
}

// Whoever is not root gets a command for sudo, with the program's own path.
func TestCommand(t *testing.T) {
	sudo, _ := standIn(t, "sudo", "exit 0")
	t.Setenv("PATH", filepath.Dir(sudo))
	command, err := Command("/opt/my openclaw", "doctor", "--fix")
	if err != nil || strings.Join(command, "|") != sudo+"|--|/opt/my openclaw|doctor|--fix" {
		t.Errorf("%q %v", command, err)
	}
	t.Setenv("PATH", t.TempDir())
	if command, err := Command("/opt/openclaw", "doctor"); !errors.Is(err, ErrNoSudo) || !strings.Contains(err.Error(), "/opt/openclaw doctor") {
		t.Errorf("%q %v", command, err)
	}
}
