package apparmor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Folder is where AppArmor's profiles lie.
const Folder = "/etc/apparmor.d"

// Errors of an installation.
var (
	ErrForeign = errors.New("it was not written by openclaw")
	ErrNoSudo  = errors.New("neither root nor sudo")
)

// Installation puts the profile of a program in place.
type Installation struct {
	Program string // real path
	Folder  string
	Parser  string // apparmor_parser, as a name to look up in PATH or a path
}

// New is the installation for the running program.
func New() (*Installation, error) {
	program, err := Program()
	if err != nil {
		return nil, err
	}
	return &Installation{Program: program, Folder: Folder, Parser: parser()}, nil
}

// parser is where distributions have it; the PATH of a user often lacks sbin.
func parser() string {
	for _, name := range []string{"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"} {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return "apparmor_parser"
}

// File is the profile's.
func (i *Installation) File() string { return filepath.Join(i.Folder, "openclaw") }

// Steps says what Install will do, a line each. It fails where Install would,
// before anything is changed.
func (i *Installation) Steps() ([]string, error) {
	if _, err := Profile(i.Program); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(i.Parser); err != nil {
		return nil, errors.New("apparmor_parser is not here: this machine has no AppArmor to tell, so something else refuses user namespaces")
	}
	if info, err := os.Stat(i.Folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder: this machine has no AppArmor profiles", i.Folder)
	}
	verb := "write"
	switch have, err := os.ReadFile(i.File()); {
	case err == nil && !strings.HasPrefix(string(have), mark+"\n"):
		return nil, fmt.Errorf("%s: %w; move it away, or add `userns,` to it by hand", i.File(), ErrForeign)
	case err == nil:
		verb = "replace"
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("look at the profile: %w", err)
	}
	return []string{
		verb + " " + i.File() + ", which lets " + i.Program + " make user namespaces and confines nothing",
		"load it: " + i.Parser + " --replace " + i.File(),
	}, nil
}

// Install writes the profile and loads it. It must run as root.
func (i *Installation) Install(ctx context.Context) error {
	if _, err := i.Steps(); err != nil {
		return err
	}
	text, err := Profile(i.Program)
	if err != nil {
		return err
	}
	if err := replaceFile(i.File(), text); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	command := exec.CommandContext(ctx, i.Parser, "--replace", i.File())
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("load the profile: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// replaceFile puts a file in place as a whole or not at all.
func replaceFile(name, text string) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".openclaw-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // of no effect once renamed
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Command is what installs the profile for a user who is not root: this program
// under sudo.
func Command(program string, arguments ...string) ([]string, error) {
	sudo, err := exec.LookPath("sudo")
	if err != nil {
		return nil, fmt.Errorf("%w: as root, run: %s %s", ErrNoSudo, program, strings.Join(arguments, " "))
	}
	return append([]string{sudo, "--", program}, arguments...), nil
}
