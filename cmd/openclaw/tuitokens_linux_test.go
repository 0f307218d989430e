package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A new token is on the terminal once, outside the screen, and taken off it again; into a
// file it goes for its owner alone. Neither is on the screen, in the log or in a record.
func TestTheScreenMakesTokens(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.ownPort()
	s := p.open("tokens", 100, 30, "tui")
	s.shows("Needs you")
	s.keys("6")
	s.shows("no place for secrets yet")
	form := func(client string) {
		s.keys("t")
		s.shows("a program, person or device")
		s.types(client)
		s.keys("Enter")
		s.shows("sees everything, changes nothing")
		s.keys("Enter")
		s.shows("empty: until it is revoked")
		s.keys("Enter")
		s.shows("onto the terminal, once")
	}
	form("phone")
	s.keys("3", "Enter")
	s.shows("occ_", "shown this once")
	shown := regexp.MustCompile(`occ_\w+`).FindString(s.text())
	s.keys("q", "y", "Enter")
	s.shows("the token of phone was shown", "client phone")
	s.lacks(shown)

	form("ci")
	s.keys("2", "Enter")
	s.shows("A new file that you alone can read")
	s.keys("Enter")
	s.shows("the token of ci is in ~/ci.token")
	path := filepath.Join(p.home, "ci.token")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	filed := strings.TrimSpace(contents(t, path))
	if info.Mode().Perm() != 0o600 || !strings.HasPrefix(filed, "occ_") || filed == shown {
		t.Errorf("the file is %v and holds %d bytes", info.Mode(), info.Size())
	}
	if list := p.openclaw("client", "list", "--tokens"); !strings.Contains(list.out, "phone") || !strings.Contains(list.out, "ci") {
		t.Errorf("the gateway knows %q %q", list.out, list.errors)
	}
	s.keys("q")
	s.shows("leave")
	s.keys("s")
	p.eventually("the screen is left", func() bool { return !s.open() })
	for _, folder := range []string{"logs", "state", "run"} {
		_ = filepath.WalkDir(filepath.Join(p.home, ".openclaw", folder), func(name string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil //nolint:nilerr // what is gone holds nothing
			}
			text := contents(t, name)
			for _, token := range []string{shown, filed} {
				if strings.Contains(text, token) {
					t.Errorf("%s holds a token", name)
				}
			}
			return nil
		})
	}
}
