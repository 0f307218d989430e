package configs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readResult is a file's text and what is known of the file.
type readResult struct {
	text  []byte
	mode  fs.FileMode
	owner ownership
	real  string // where the text itself lies, links resolved

	raw  []byte                       // what is on the disk
	seal func([]byte) ([]byte, error) // encrypts another text in its place; nil: it is plain text
}

// plain reports whether whoever reads the file reads the config.
func (r *readResult) plain() bool { return r == nil || r.seal == nil }

// ownership says whose a file is.
type ownership int

const (
	ownerOurs    ownership = iota // this user's, root's, or not known on this system
	ownerForeign                  // someone else's
)

// refusal is a file that is not read.
type refusal struct{ message, hint string }

func (r *refusal) Error() string { return r.message }

// Text reads a config file as Load does, with every check of the file itself and
// none of what it says: never more than MaxSize, nothing that is no file, and
// nothing that is encrypted.
func Text(path string, layout Layout) ([]byte, error) {
	file, err := readFile(path, Options{Layout: layout})
	return file.text, err
}

// opens bounds how often a file is read again that changed while it was opened.
const opens = 3

// readFile reads a config file and opens it, where it is encrypted.
func readFile(path string, options Options) (readResult, error) {
	file, err := readRaw(path, options.Layout)
	for i := 0; err == nil; i++ {
		file.raw = file.text
		opened, failed := options.open(path, file.raw)
		if failed == nil {
			file.text, file.seal = opened.Text, opened.Seal
			return file, nil
		}
		raw := file.raw
		// Another program may have written the next one meanwhile, which makes this
		// one look as if somebody had put it back.
		if file, err = readRaw(path, options.Layout); err == nil && (bytes.Equal(file.text, raw) || i == opens) {
			return readResult{}, failed
		}
	}
	return readResult{}, err
}

// readRaw reads a config file with every check that the file itself needs.
// The file is opened below the folder in which it must lie, so a link that is
// swapped in between leads nowhere else.
func readRaw(path string, layout Layout) (readResult, error) {
	folder, name, real, err := locate(path, layout)
	if err != nil {
		return readResult{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return readResult{}, fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile(name, os.O_RDONLY|openNonblocking, 0)
	if err != nil {
		return readResult{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return readResult{}, err
	}
	switch {
	case info.IsDir():
		return readResult{}, &refusal{"is a folder, not a file", "move it away; `openclaw tui` writes a first config"}
	case !info.Mode().IsRegular():
		return readResult{}, &refusal{"is not a regular file", "put a text file in its place"}
	case info.Size() > maxFile:
		return readResult{}, &refusal{fmt.Sprintf("is %d bytes; a config holds at most %d", info.Size(), MaxSize), "is this the right file?"}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return readResult{}, fmt.Errorf("read: %w", err)
	}
	return readResult{text: text, mode: info.Mode(), owner: ownerOf(info), real: real}, nil
}

// locate resolves path and returns the folder that must hold the file, and the
// file's name within it.
func locate(path string, layout Layout) (folder, name, real string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", "", "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", "", "", err
	}
	own, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", "", "", err
	}
	real, err = filepath.EvalSymlinks(path)
	switch {
	case err != nil && info.Mode()&fs.ModeSymlink == 0:
		return "", "", "", err // it was taken away just now
	case err != nil:
		return "", "", "", &refusal{"is a symbolic link that leads nowhere", "put the file itself here"}
	}
	state, err := filepath.EvalSymlinks(layout.Root)
	if err != nil {
		state = own
	}
	for _, folder := range []string{own, state} {
		if rel, err := filepath.Rel(folder, real); err == nil && filepath.IsLocal(rel) {
			return folder, rel, real, nil
		}
	}
	return "", "", "", &refusal{"is a symbolic link that leads out of the state folder", "put the file itself here"}
}

// modeProblems judges the file's owner and mode.
func (r *readResult) modeProblems(file string, literal bool) []Problem {
	mode := r.mode.Perm()
	problem := Problem{File: file, Hint: "chmod 600 " + shellQuote(r.real)}
	switch {
	case r.owner == ownerForeign:
		problem.Message, problem.Hint = "belongs to another user", "make a copy that is yours"
	case !modesMatter || mode&0o077 == 0:
		return nil
	case mode&0o002 != 0:
		problem.Message = fmt.Sprintf("can be written by everyone (mode %04o)", mode)
	case literal && mode&0o077 != 0:
		problem.Message = fmt.Sprintf("holds a secret in the clear and is open to others (mode %04o)", mode)
	default:
		problem.Message, problem.Warning = fmt.Sprintf("is open to others (mode %04o)", mode), true
	}
	return []Problem{problem}
}

// writable refuses to edit a file that may not be written. To put another one in its
// place would be possible all the same, and not what who made it so expects.
func (r *readResult) writable() error {
	switch {
	case modesMatter && r.mode.Perm()&0o200 == 0:
		return &refusal{fmt.Sprintf("is read-only (mode %04o)", r.mode.Perm()), "to let openclaw edit it: chmod u+w " + shellQuote(r.real)}
	case !mayWrite(r.real):
		return &refusal{"may not be written by this user", "check its owner, its mode and its file system"}
	}
	return nil
}

func shellQuote(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+@", r) && (r > 'z' || !isLetter(byte(r)) && !isDigit(byte(r)))
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
