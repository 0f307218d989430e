package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Subscriber is one part of the program that lives by the config. Each function
// may be nil.
type Subscriber struct {
	Name string

	// Check may veto a change before anything happens. Its error becomes a
	// problem of the rejected file.
	Check func(before, after *Snapshot) error

	// Apply is called after the swap, in the order of subscription.
	Apply func(before, after *Snapshot)

	// Changed is called after every attempt that changed the status: an applied
	// change, a rejected one, and a file that is good again.
	Changed func(Status)
}

// Status is the active config and the last attempt to replace it.
type Status struct {
	Path     string
	Version  int       // of the active snapshot, counted from 1
	Active   time.Time // since when
	Rejected bool      // what is on disk is not what is active
	Problems []Problem // of the rejected file, or the warnings of the active one
	Changes  []string  // of the last applied change
	Diff     []string  // lines: active against the rejected file, or against the snapshot before
	History  []Applied // newest first, at most 50
}

// Store holds the active config of one state folder and replaces it by better
// ones. All methods are safe for concurrent use; see the package comment for
// what a subscriber may do.
type Store struct {
	path    string
	options Options
	current atomic.Pointer[Snapshot]

	// turn is held by whoever is loading, so that changes happen one at a time.
	// It guards seen, waited and history.
	turn    chan struct{}
	seen    identity // of the file at the last attempt
	waited  int      // looks that found it half written, in a row
	history *history // nil: versions are not kept

	mu          sync.Mutex // guards what follows, never held over a callback
	status      Status
	subscribers []*Subscriber
}

// OpenStore makes the state folder where it is missing, writes DefaultFile on a
// first run (mode 0600, whole or not at all), and loads the config. A config
// that does not load is an *Error with every problem: nothing starts on a guess.
func OpenStore(layout Layout, options Options) (*Store, error) {
	options.Layout = layout
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	path := layout.Config()
	fail := func(err error) error {
		return &Error{
			Op: "make state folder", Path: layout.Root, Hint: "check who owns " + layout.Root + " and that the disk is not full",
			Problems: []Problem{{File: filepath.Base(path), Message: err.Error()}},
		}
	}
	if err := layout.Make(); err != nil {
		return nil, fail(err)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createFile(path, DefaultFile()); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fail(err)
		}
	}
	s := &Store{path: path, options: options, turn: make(chan struct{}, 1)}
	s.seen = identify(path)
	snapshot, err := Load(path, options)
	if err != nil {
		return nil, err
	}
	snapshot.Version = 1
	var problem error
	if options.KeepHistory {
		if s.history, problem = openHistory(layout.Versions()); problem == nil {
			snapshot.Version = s.history.next(snapshot.Hash)
		}
	}
	s.current.Store(snapshot)
	s.status = Status{Path: path, Version: snapshot.Version, Active: snapshot.Loaded}
	s.status.History, s.status.Problems = s.enter(snapshot, Applied{Version: snapshot.Version, Time: snapshot.Loaded, By: "start"}, nil, problem)
	return s, nil
}

// enter puts a config that came into force into the history before it. What cannot
// be kept is a warning: the config is in force all the same. The caller has the
// turn.
func (s *Store) enter(snapshot *Snapshot, applied Applied, before []Applied, problem error) ([]Applied, []Problem) {
	if s.history != nil && problem == nil {
		if problem = s.history.keep(snapshot, applied); problem == nil {
			return s.history.applied(), snapshot.Warnings
		}
	}
	problems := snapshot.Warnings
	if problem != nil {
		problems = append(slices.Clone(problems), Problem{File: filepath.Base(s.path), Message: problem.Error(), Hint: historyHint, Warning: true})
	}
	list := append([]Applied{applied}, before...)
	return list[:min(len(list), maxHistory)], problems
}

// Current returns the active snapshot. It never blocks.
func (s *Store) Current() *Snapshot { return s.current.Load() }

// Status returns the active config's state. The slices are the caller's own.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statusLocked()
}

func (s *Store) statusLocked() Status {
	status := s.status
	status.Problems = slices.Clone(status.Problems)
	status.Changes = slices.Clone(status.Changes)
	status.Diff = slices.Clone(status.Diff)
	status.History = slices.Clone(status.History)
	return status
}

// Subscribe adds a subscriber for all changes from now on. cancel removes it; a
// change that is under way may still reach it.
func (s *Store) Subscribe(subscriber Subscriber) (cancel func()) {
	one := &subscriber
	s.mu.Lock()
	s.subscribers = append(s.subscribers, one)
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.subscribers = slices.DeleteFunc(s.subscribers, func(other *Subscriber) bool { return other == one })
		s.mu.Unlock()
	}
}

// SubscribeSince is Subscribe for who has worked by a snapshot until now: a change that
// came into force after it is judged and applied before this returns. An error is that of
// Check; there is no subscription then.
func (s *Store) SubscribeSince(known *Snapshot, subscriber Subscriber) (cancel func(), err error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	now := s.Current()
	if now != known && subscriber.Check != nil {
		if err := subscriber.Check(known, now); err != nil {
			return nil, vetoed(s.path, subscriber.Name, err)
		}
	}
	cancel = s.Subscribe(subscriber)
	if now != known && subscriber.Apply != nil {
		subscriber.Apply(known, now)
	}
	return cancel, nil
}

// Reload reads the file now. by appears in the history: "reload". The error of
// a rejected file is an *Error; the active snapshot stays.
func (s *Store) Reload(by string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.load(by)
}

// Edit changes the file as the function Edit does, and loads it.
func (s *Store) Edit(change func(*Document) error) error {
	if _, err := editFrom(s.path, s.options, s.Current().Text, change); err != nil {
		return err
	}
	return s.Reload("edit")
}

// load makes one attempt. The caller has the turn.
func (s *Store) load(by string) error {
	s.seen = identify(s.path)
	before := s.Current()
	subscribers := s.subscribed()
	after, err := s.candidate(before, subscribers)
	if err != nil {
		return s.reject(before, err)
	}
	if unchanged(before, after) {
		s.same(after, subscribers)
		return nil
	}
	after.Version = before.Version + 1
	changes, diff := Diff(before, after)
	switch {
	case after.Encrypted && !before.Encrypted:
		changes = append(changes, "the file is encrypted now")
	case before.Encrypted && !after.Encrypted:
		changes = append(changes, "the file is in plain text now")
	}
	s.current.Store(after)
	list, problems := s.enter(after, Applied{Version: after.Version, Time: after.Loaded, By: by, Changes: changes}, s.Status().History, nil)
	s.mu.Lock()
	s.status = Status{
		Path: s.path, Version: after.Version, Active: after.Loaded, Problems: problems, Changes: changes, Diff: diff, History: list,
	}
	s.mu.Unlock()
	for _, one := range subscribers {
		if one.Apply != nil {
			one.Apply(before, after)
		}
	}
	s.tell(subscribers)
	return nil
}

// candidate is what the file says, when that may come into force. The caller has the turn.
func (s *Store) candidate(before *Snapshot, subscribers []*Subscriber) (*Snapshot, error) {
	after, err := Load(s.path, s.options)
	if _, missing := os.Lstat(s.path); errors.Is(missing, fs.ErrNotExist) && err != nil {
		err = &Error{Op: "load config", Path: s.path, Hint: "put the file back", Problems: []Problem{{
			File: filepath.Base(s.path), Message: "is gone; the config in force stays", Hint: "put the file back",
		}}}
	}
	if err == nil && len(after.Text) == 0 && len(before.Text) > 0 {
		// An editor that truncates and then writes leaves the file empty for a
		// moment; to take that for "all defaults" would drop every agent.
		err = &Error{Op: "load config", Path: s.path, Hint: "a file with a comment in it means all defaults", Problems: []Problem{{
			File: filepath.Base(s.path), Message: "is empty; the config in force stays", Hint: "a file with a comment in it means all defaults",
		}}}
	}
	if err != nil || unchanged(before, after) {
		return after, err
	}
	for _, one := range subscribers {
		if one.Check == nil {
			continue
		}
		if err := one.Check(before, after); err != nil {
			return nil, vetoed(s.path, one.Name, err)
		}
	}
	return after, nil
}

func unchanged(before, after *Snapshot) bool {
	return after.Hash == before.Hash && after.Encrypted == before.Encrypted
}

// vetoed is the error of a subscriber's Check; one that is an *Error keeps its
// problems.
func vetoed(path, name string, err error) error {
	var known *Error
	if errors.As(err, &known) && len(known.Problems) > 0 {
		return &Error{Op: "apply config", Path: path, Problems: known.Problems, Hint: known.Hint}
	}
	return &Error{Op: "apply config", Path: path, Problems: []Problem{{
		File: filepath.Base(path), Message: fmt.Sprintf("%s refuses it: %v", name, err),
	}}}
}

// reject keeps the active snapshot and says why.
func (s *Store) reject(before *Snapshot, err error) error {
	problems := []Problem{{File: filepath.Base(s.path), Message: err.Error()}}
	if known, ok := errors.AsType[*Error](err); ok {
		problems = known.Problems
	}
	var diff []string
	if file, err := readFile(s.path, s.options); err == nil {
		diff = unifiedDiff(before.Text, file.text, literals(before.Config))
	}
	s.mu.Lock()
	again := s.status.Rejected && slices.Equal(s.status.Problems, problems) && slices.Equal(s.status.Diff, diff)
	s.status.Rejected, s.status.Problems, s.status.Diff = true, problems, diff
	s.mu.Unlock()
	if !again {
		s.tell(s.subscribed())
	}
	return err
}

// same is a file that says what is active already: only its warnings and an
// earlier rejection can have changed.
func (s *Store) same(after *Snapshot, subscribers []*Subscriber) {
	s.mu.Lock()
	changed := s.status.Rejected || !slices.Equal(s.status.Problems, after.Warnings)
	if s.status.Rejected {
		s.status.Diff = nil
	}
	s.status.Rejected, s.status.Problems = false, after.Warnings
	s.mu.Unlock()
	if changed {
		s.tell(subscribers)
	}
}

func (s *Store) subscribed() []*Subscriber {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subscribers)
}

func (s *Store) tell(subscribers []*Subscriber) {
	for _, one := range subscribers {
		if one.Changed != nil {
			one.Changed(s.Status())
		}
	}
}
