package main

import (
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
