package configs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"openclaw/sandbox/policy"
)

// Options says where a config is loaded. The zero value finds the state folder,
// the home folder and the environment of this process.
type Options struct {
	Layout Layout              // the state folder; zero: FindLayout
	Home   string              // what ~ stands for; empty: $HOME, or the user's home folder
	Getenv func(string) string // variables, for references and paths; nil: os.Getenv
	Now    func() time.Time    // nil: time.Now

	// Open opens a file that may be encrypted; nil: an encrypted one is refused.
	Open Opener

	// NoFiles leaves out every look at the file system: whether the files that
	// the config names exist. Parse of an untrusted text wants it.
	NoFiles bool

	// JudgeKeys says what is wrong with the keys of the screen; nil: they are taken
	// as they are, by who shows none.
	JudgeKeys func(keys map[string][]string) []KeyProblem

	// JudgeFilter says what is wrong with a filter line of the screen; nil: they are
	// taken as they are.
	JudgeFilter func(line string) (message, hint string)

	// KeepHistory has a Store keep the configs that were in force, for Rollback, and
	// go on counting their versions from one start to the next. It is for the one
	// program that holds the lock of the state folder.
	KeepHistory bool
}

// KeyProblem is one thing that is wrong with the keys of an action of the screen.
type KeyProblem struct {
	Action  string
	Item    int // of its keys; -1: the action itself
	Message string
	Hint    string
}

func (o Options) complete() (Options, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Home == "" {
		o.Home = o.Getenv("HOME")
	}
	if o.Home == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return o, &Error{Op: "find home folder", Hint: "set HOME"}
		}
		o.Home = home
	}
	if o.Layout.Root == "" {
		layout, err := FindLayout(func(name string) string {
			if name == "HOME" {
				return o.Home
			}
			return o.Getenv(name)
		})
		if err != nil {
			return o, &Error{Op: "find state folder", Hint: "set OPENCLAW_HOME or HOME"}
		}
		o.Layout = layout
	}
	return o, nil
}

// Snapshot is one config as it was loaded. It never changes; all of it may be
// read from any goroutine and none of it written to.
type Snapshot struct {
	Config   *Config
	Path     string // of the file; the name that was given to Parse
	Hash     string // SHA-256 of Text, in hex
	Text     []byte // the file's own bytes, which can hold a literal secret
	Version  int    // counted from 1 by a Store; 0 outside of one
	Loaded   time.Time
	Warnings []Problem

	Encrypted bool // the file; Text and Hash are of what was in it

	positions  map[string]position
	workspaces map[string]string // as written
	options    Options
	policies   map[string]*policy.Policy
}

// Home is the home folder that ~ stands for in the file.
func (s *Snapshot) Home() string { return s.options.Home }

// Where returns the place of a key such as
// agents.coder.permissions.denied_paths[0]; for a key that is not written, that
// of the nearest key above it, and zeros when none is. The place is counted
// from 1.
func (s *Snapshot) Where(key string) (line, column int) {
	at := where(s.positions, key)
	return at.line, at.column
}

// Written reports whether the file itself holds the key.
func (s *Snapshot) Written(key string) bool {
	_, ok := s.positions[key]
	return ok
}

func where(positions map[string]position, key string) position {
	for key != "" {
		if at, ok := positions[key]; ok {
			return at
		}
		key = parentKey(key)
	}
	return position{}
}

// Refusals are the reasons why a gateway must not start with this config: a
// protection is asked for that this program cannot give yet. The text itself is
// valid, so each is a warning of the snapshot too.
func (s *Snapshot) Refusals() []Problem {
	var found []Problem
	for _, row := range notBuilt() {
		if row.Refuse && row.Active(s.Config) {
			at := where(s.positions, row.Key)
			found = append(found, Problem{
				File: filepath.Base(s.Path), Line: at.line, Column: at.column, Key: row.Key, Message: row.message(), Hint: row.Hint,
			})
		}
	}
	return found
}

// Agents returns the names of the agents, sorted.
func (s *Snapshot) Agents() []string { return slices.Sorted(maps.Keys(s.Config.Agents)) }

// Load reads, decodes and validates the file. An error is an *Error that lists
// every problem. The file must be regular, at most MaxSize, ours, and closed to
// others when it holds a literal secret; a symbolic link may not lead out of
// the state folder or the file's own folder.
func Load(path string, options Options) (*Snapshot, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	file, err := readFile(path, options)
	if err != nil {
		return nil, loadError(path, err)
	}
	return parse(path, file.text, &file, options)
}

// Parse decodes and validates text as if it stood in a file of that name, mode
// 0600. An error is an *Error that lists every problem.
func Parse(name string, text []byte, options Options) (*Snapshot, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	return parse(name, text, nil, options)
}

func parse(path string, text []byte, file *readResult, options Options) (*Snapshot, error) {
	d := newDecoder(filepath.Base(path))
	d.home, d.getenv = options.Home, options.Getenv
	c := Default()
	root, problems := parseYAML(d.file, text)
	if problems == nil {
		d.decodeRoot(root, c)
	}
	problems = append(problems, d.problems...)
	if d.dropped > 0 {
		problems = append(problems, Problem{File: d.file, Message: "there are more errors than these", Hint: "mend these first"})
	}
	placeDefaults(c, options.Layout)
	s := &Snapshot{
		Config: c, Path: path, Hash: hashOf(text), Text: bytes.Clone(text), Loaded: options.Now(),
		Encrypted: file != nil && file.seal != nil,
		positions: d.positions, workspaces: d.workspaces, options: options, policies: map[string]*policy.Policy{},
	}
	if root != nil {
		v := &validator{snapshot: s, decoder: d, file: file}
		problems = append(problems, v.all()...)
	} else if file != nil {
		problems = append(problems, file.modeProblems(d.file, false)...)
	}
	problems = sortProblems(problems)
	failed, warnings := split(problems)
	s.Warnings = warnings
	if len(failed) > 0 {
		return nil, &Error{
			Op: "load config", Path: path, Problems: append(failed, warnings...),
			Hint: "mend the file; `openclaw config validate` checks it",
		}
	}
	return s, nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// loadError turns a failure to read the file into a problem of the file.
func loadError(path string, err error) error {
	problem := Problem{File: filepath.Base(path), Message: err.Error()}
	var refused *refusal
	var closed *OpenError
	switch {
	case errors.As(err, &closed):
		problem.Message, problem.Hint = closed.Message, closed.Hint
	case errors.As(err, &refused):
		problem.Message, problem.Hint = refused.message, refused.hint
	case errors.Is(err, fs.ErrNotExist):
		problem.Message, problem.Hint = "is not there", "`openclaw tui` writes a first one"
	case errors.Is(err, fs.ErrPermission):
		problem.Message, problem.Hint = "may not be read by this user", "check its owner and mode"
	}
	return &Error{Op: "load config", Path: path, Problems: []Problem{problem}, Hint: problem.Hint, Err: err}
}
