package tui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"openclaw/tui/view"
)

// Importer finds keys that stand in clear in files of this machine, and moves them to
// where secrets are kept. No value of one passes through here.
type Importer struct {
	Find func(ctx context.Context) (view.Literals, error)
	// Move moves what stands at places, each FILE:LINE of what was found, and says line by
	// line what became of it, also beside an error.
	Move func(ctx context.Context, places []string) (said []string, err error)
}

// findLiterals has the files looked at, and offers what is there.
func (s *screen) findLiterals() {
	if s.importer == nil {
		s.secrets.LiteralsFound(view.Literals{}, s.data.T("Keys in files are moved on the machine where they stand: openclaw secrets import, there."))
		return
	}
	s.add(func(ctx context.Context) func() {
		found, err := s.importer.Find(ctx)
		return func() {
			s.dirty = true
			s.secrets.LiteralsFound(found, reason(err))
		}
	})
}

// moveLiterals moves the chosen ones, and fetches the list of secrets anew.
func (s *screen) moveLiterals(places []string) {
	s.add(func(ctx context.Context) func() {
		said, err := s.importer.Move(ctx, places)
		return func() {
			s.dirty = true
			s.secrets.LiteralsMoved(said, reason(err))
			s.fetchSecrets()
			s.fetchOverview()
		}
	})
}

// reason is what to show of an error; nothing of none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return problemText(err)
}

// importKeys is the word import of the plain mode: it lists what stands in clear, or, with
// numbers of that list and yes, moves them.
func (p *plain) importKeys(ctx context.Context, rest string) error {
	if p.o.Importer == nil {
		return errors.New(p.T("Keys in files are moved on the machine where they stand: openclaw secrets import, there."))
	}
	words := strings.Fields(rest)
	if len(words) > 0 && (len(words) < 2 || words[len(words)-1] != "yes") {
		return errors.New(p.T("import alone lists the keys; import 1 3 yes moves those of the list"))
	}
	found, err := p.o.Importer.Find(ctx)
	if err != nil {
		return err
	}
	for _, note := range found.Notes {
		p.say(p.T("warning"), note)
	}
	if len(found.List) == 0 {
		p.say(p.T("import"), p.T("No key stands in clear in the config, the shell profiles, the agents' settings or this folder."))
		return nil
	}
	if len(words) == 0 {
		for i, l := range found.List {
			p.sayf(p.T("key"), p.T("%s, %s in %s, %s characters, becomes the secret %s"), strconv.Itoa(i+1), l.Key, l.Place, strconv.Itoa(l.Characters), l.Secret)
			if l.ByHand != "" {
				p.sayf(p.T("key"), p.T("the file is changed by hand: %s"), l.ByHand)
			}
		}
		return nil
	}
	var places []string
	for _, word := range words[:len(words)-1] {
		number, err := strconv.Atoi(word)
		if err != nil || number < 1 || number > len(found.List) {
			return errors.New(p.T("%s is no number of the list; nothing was changed", word))
		}
		if place := found.List[number-1].Place; !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	said, err := p.o.Importer.Move(ctx, places)
	for _, line := range said {
		p.say(p.T("import"), line)
	}
	return err
}
