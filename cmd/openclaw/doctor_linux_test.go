package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/apparmor"
)

// doctorTerminal runs parts of doctor and keeps what they print.
func doctorTerminal(t *testing.T, input string) (term *terminal, said func() string) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = out.Close(), read.Close() })
	return &terminal{in: read, out: out, err: out, getenv: os.Getenv}, func() string {
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// A machine without namespaces is told of its reduced mode and of the profile
// for this very program.
func TestDoctorWithoutNamespaces(t *testing.T) {
	t.Parallel()
	term, said := doctorTerminal(t, "")
	found := sandbox.Capabilities{
		Kernel:     "6.14.0",
		Mechanisms: []sandbox.Mechanism{{Name: "user namespace", Detail: "operation not permitted", Fix: "AppArmor"}},
		Reduced:    []sandbox.Mechanism{{Name: "landlock files", Enforced: true, Detail: "held"}, {Name: "hidden files", Detail: "they show", Purpose: "x"}},
	}
	term.printCapabilities(found)
	program, err := apparmor.Program()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kernel 6.14.0", "✗ user namespace", "reduced mode", "✓ landlock files", "✗ hidden files", "userns,", program, "--fix"} {
		if !strings.Contains(said(), want) {
			t.Errorf("%q is not in\n%s", want, said())
		}
	}
	if diagnosis(found) == nil {
		t.Error("all is well")
	}
}

// Nobody to ask is a no; sudo gets the program's own path, and its failure is
// told.
func TestDoctorFix(t *testing.T) {
	term, said := doctorTerminal(t, "y\n")
	if err := term.agree("Go on?"); err == nil || codeOf(err) != exitRefused || !strings.Contains(hintOf(err), "--yes") {
		t.Errorf("%v", err)
	}
	folder := t.TempDir()
	sudo := filepath.Join(folder, "sudo")
	if err := os.WriteFile(sudo, []byte("#!/bin/sh\necho \"got $*\"; exit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	command, err := apparmor.Command("/opt/my openclaw", "doctor", "--fix", "--yes")
	if err != nil {
		t.Fatal(err)
	}
	if err := term.runAsRoot(t.Context(), command); err == nil || !strings.Contains(err.Error(), "status 7") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(said(), "got -- /opt/my openclaw doctor --fix --yes") {
		t.Errorf("%s", said())
	}
}

// profileInstallation puts the profile where nothing reads it, by a parser that writes
// down what it is told.
func profileInstallation(t *testing.T) (i *apparmor.Installation, told func() string) {
	t.Helper()
	folder := t.TempDir()
	i = &apparmor.Installation{Program: filepath.Join(folder, "openclaw"), Folder: filepath.Join(folder, "profiles"), Parser: filepath.Join(folder, "parser")}
	log := filepath.Join(folder, "log")
	for name, text := range map[string]string{i.Program: "", i.Parser: "#!/bin/sh\necho \"parser $*\" >> '" + log + "'\n", filepath.Join(folder, "sudo"): "#!/bin/sh\necho \"sudo $*\" >> '" + log + "'\n"} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(i.Folder, 0o700), os.Chmod(i.Program, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	return i, func() string {
		text, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
}

// --fix says all that it will do, and who else gets the right, before it asks; without a
// yes nothing is done, and nothing is run.
func TestDoctorFixAsksFirst(t *testing.T) {
	for _, root := range []bool{true, false} {
		term, said := doctorTerminal(t, "n\n")
		i, told := profileInstallation(t)
		err := term.installProfile(t.Context(), i, root, false)
		if err == nil || codeOf(err) != exitRefused || told() != "" {
			t.Errorf("%v, and it ran %q", err, told())
		}
		if _, err := os.Stat(i.File()); err == nil {
			t.Error("the profile was written")
		}
		for _, want := range []string{"write " + i.File(), "load it: " + i.Parser, "Note: ", i.Program + " can be changed by others"} {
			if !strings.Contains(said(), want) {
				t.Errorf("%q is not in\n%s", want, said())
			}
		}
		if strings.Contains(said(), "As root (by ") == root {
			t.Errorf("root %t: %s", root, said())
		}
	}
}

// Root has the profile in place, everybody else has sudo do it, and what is somebody
// else's stays.
func TestDoctorFixInstalls(t *testing.T) {
	term, said := doctorTerminal(t, "")
	i, told := profileInstallation(t)
	if err := term.installProfile(t.Context(), i, false, true); err != nil || told() != "sudo -- "+i.Program+" doctor --fix --yes\n" {
		t.Errorf("%v, and it ran %q", err, told())
	}
	if _, err := os.Stat(i.File()); err == nil {
		t.Error("it was not sudo that wrote the profile")
	}
	i, told = profileInstallation(t)
	if err := term.installProfile(t.Context(), i, true, true); err != nil || told() != "parser --replace "+i.File()+"\n" || !strings.Contains(said(), "Done: "+i.File()) {
		t.Errorf("%v, and it ran %q\n%s", err, told(), said())
	}
	want, err := apparmor.Profile(i.Program)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.ReadFile(i.File()); err != nil || string(have) != want {
		t.Errorf("%v\n%s", err, have)
	}
	if err := os.WriteFile(i.File(), []byte("profile x {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := term.installProfile(t.Context(), i, true, true); codeOf(err) != exitRefused || hintOf(err) == "" || strings.Count(told(), "\n") != 1 {
		t.Errorf("%v, and it ran %q", err, told())
	}
	t.Setenv("PATH", t.TempDir())
	i, _ = profileInstallation(t)
	t.Setenv("PATH", t.TempDir())
	if err := term.installProfile(t.Context(), i, false, true); codeOf(err) != exitRefused || !strings.Contains(err.Error(), "as root, run: "+i.Program+" doctor --fix") {
		t.Errorf("without sudo: %v", err)
	}
}

// What is missing is said with what it costs and how to get it; the profile is offered
// where it may be the cure, and nowhere else.
func TestDoctorSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	term, said := doctorTerminal(t, "")
	well := sandbox.Mechanism{Name: "gate", Enforced: true, Detail: "served"}
	found := sandbox.Capabilities{Mechanisms: []sandbox.Mechanism{{Name: "user namespace", Enforced: true}, well}}
	term.printCapabilities(found)
	if diagnosis(found) != nil || !strings.Contains(said(), "✓ gate") || strings.Contains(said(), "userns") || strings.Contains(said(), "✗") {
		t.Errorf("%v\n%s", diagnosis(found), said())
	}
	found.Mechanisms = append(found.Mechanisms, sandbox.Mechanism{Name: "redirect", Detail: "no such device", Purpose: "a purpose", Fix: "modprobe nf_tables"})
	term.printCapabilities(found)
	for _, want := range []string{"✗ redirect", "no such device", "without it: a purpose", "get it:     modprobe nf_tables"} {
		if !strings.Contains(said(), want) {
			t.Errorf("%q is not in\n%s", want, said())
		}
	}
	if strings.Contains(said(), "userns") != apparmor.Restricted() {
		t.Errorf("AppArmor's profile is no cure for that:\n%s", said())
	}
	if err := diagnosis(found); codeOf(err) != 1 || hintOf(err) == "" {
		t.Errorf("%v", err)
	}
}
