package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Rollback is what going back to a version changes, or has changed.
type Rollback struct {
	Changes []string // in words, as Diff has them
	Diff    []string // lines of a unified diff, secrets masked
	Saved   string   // where a file is now that was on disk and is no version; empty: there was none
}

// rollbackHint stands with every refusal: all of them come before anything is
// written.
const rollbackHint = "openclaw config history lists the versions; the config is as it was"

// Rollback writes the text of an earlier version into the config file and loads
// it, as a new version. It is judged first, by the config's rules and by every
// subscriber's Check: one that is refused changes nothing, and the file stays. What
// was on disk and not in force is kept beside it. With dry it only says what it
// would change against what is in force.
func (s *Store) Rollback(version int, dry bool) (Rollback, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	now := s.Current()
	text, err := s.textOf(version)
	if err != nil {
		return Rollback{}, rollbackError(s.path, version, err)
	}
	back, err := putBack(s.path, s.options, text, now, func(after *Snapshot) error {
		for _, one := range s.subscribed() {
			if one.Check == nil || after.Hash == now.Hash {
				continue
			}
			if err := one.Check(now, after); err != nil {
				return vetoed(s.path, one.Name, err)
			}
		}
		return nil
	}, dry)
	switch {
	case err != nil:
		return Rollback{}, rollbackError(s.path, version, err)
	case dry:
		return back, nil
	}
	return back, s.load(fmt.Sprintf("rollback to #%d", version))
}

// textOf is what a version said. The caller has the turn.
func (s *Store) textOf(version int) ([]byte, error) {
	if now := s.Current(); now.Version == version {
		return now.Text, nil
	}
	if s.history == nil {
		return nil, errors.New("no versions are kept here")
	}
	return s.history.text(version)
}

// RollbackFile is Rollback where no Store is open: no gateway runs, maybe because
// its config does not load. The difference is to the file that is there. check says
// why a gateway would refuse what loads; then nothing is changed.
func RollbackFile(options Options, version int, dry bool, check func(*Snapshot) error) (Rollback, error) {
	options, err := options.complete()
	if err != nil {
		return Rollback{}, err
	}
	path := options.Layout.Config()
	versions, err := openHistory(options.Layout.Versions())
	if err != nil {
		return Rollback{}, rollbackError(path, version, err)
	}
	text, err := versions.text(version)
	if err != nil {
		return Rollback{}, rollbackError(path, version, err)
	}
	back, err := putBack(path, options, text, nil, check, dry)
	if err != nil {
		err = rollbackError(path, version, err)
	}
	return back, err
}

// Versions are the configs that were in force in a state folder, newest first.
func Versions(layout Layout) ([]Applied, error) {
	h, err := openHistory(layout.Versions())
	if err != nil {
		return nil, err
	}
	return h.applied(), nil
}

// putBack judges a text and makes it the config file. now is what is in force; nil:
// nothing is known to be.
func putBack(path string, options Options, text []byte, now *Snapshot, check func(*Snapshot) error, dry bool) (Rollback, error) {
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return Rollback{}, fmt.Errorf("lock folder: %w", err)
	}
	defer unlock()
	file, err := readFile(path, options)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case gone:
		file = readResult{real: path, mode: 0o600}
	case err != nil:
		return Rollback{}, err
	case file.seal != nil:
		return Rollback{}, errors.New("the config is encrypted, and a version would be written in plain text: openclaw config decrypt comes first")
	case bytes.Equal(text, file.text) && (now == nil || bytes.Equal(text, now.Text)):
		return Rollback{}, errors.New("it is in force already")
	}
	judged := file
	judged.text = text
	after, err := parse(path, text, &judged, options)
	if err != nil {
		return Rollback{}, err
	}
	if err := check(after); err != nil {
		return Rollback{}, err
	}
	var back Rollback
	if now != nil {
		back.Changes, back.Diff = Diff(now, after)
	} else {
		back.Diff = unifiedDiff(file.text, text, literals(after.Config))
	}
	if dry {
		return back, nil
	}
	if !gone && (now == nil || !bytes.Equal(file.text, now.Text)) {
		back.Saved = file.real + ".before-rollback"
		if err := ReplaceFile(back.Saved, file.text); err != nil {
			return Rollback{}, fmt.Errorf("keep the file that is there: %w", err)
		}
	}
	if gone {
		return back, createFile(path, text)
	}
	return back, file.replace(path, text, file.mode.Perm()&0o600, options)
}

// rollbackError keeps the problems of an error that has some.
func rollbackError(path string, version int, err error) error {
	op := fmt.Sprintf("roll back to #%d", version)
	if known, ok := errors.AsType[*Error](err); ok {
		return &Error{Op: op, Path: path, Problems: known.Problems, Hint: rollbackHint}
	}
	return &Error{Op: op, Path: path, Hint: rollbackHint, Problems: []Problem{{File: filepath.Base(path), Message: err.Error()}}}
}
