package spool

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	suffix    = ".jsonl"
	temporary = ".new-"
	maxLine   = 1 << 20
	staleNew  = time.Minute // a file that was begun and never named
)

// ErrBroken is a file that no Writer made, or that is damaged at its start.
var ErrBroken = errors.New("this is no spool of a run")

// File is what nobody writes to any more. Its lock is held until Close.
type File struct {
	Header Header
	Path   string
	file   *os.File
}

// Files opens the files of a folder that no supervisor holds, of one run or,
// with an empty name, of all, in the order in which they were begun. A folder
// that is not there has none. A file that cannot be read is in err, beside the
// others.
func Files(folder, run string) (files []*File, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, entry := range entries {
		name := filepath.Join(folder, entry.Name())
		if strings.HasPrefix(entry.Name(), temporary) {
			removeStale(name, entry)
			continue
		}
		if !strings.HasSuffix(entry.Name(), suffix) || run != "" && !strings.HasPrefix(entry.Name(), run+".") {
			continue
		}
		f, err := open(name)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
		if f == nil {
			continue
		}
		if run != "" && f.Header.Run != run {
			f.Close()
			continue
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b *File) int { return a.Header.Begun.Compare(b.Header.Begun) })
	return files, errors.Join(failed...)
}

// open returns nil without an error for a file that is being written or gone.
func open(name string) (*File, error) {
	file, err := openFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := &File{Path: name, file: file}
	switch err := lock(file); {
	case errors.Is(err, errLocked):
		f.Close()
		return nil, nil
	case err != nil:
		f.Close()
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > MaxFile || !isOwn(info) {
		f.Close()
		return nil, ErrBroken
	}
	line, err := bufio.NewReader(io.LimitReader(file, maxLine)).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &f.Header) != nil || f.Header.Version != version {
		f.Close()
		return nil, ErrBroken
	}
	return f, nil
}

// Entries calls each with what the file holds, in order, and stops at its first
// error. A last line that is not whole was never confirmed to anybody, and is left out.
// damaged counts other lines that cannot be read: what they told is lost.
func (f *File) Entries(each func(Entry) error) (damaged int, err error) {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	lines := bufio.NewReaderSize(f.file, 64<<10)
	for number := 0; ; number++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return damaged, nil
		}
		if err != nil {
			return damaged, err
		}
		if number == 0 {
			continue
		}
		var entry Entry
		if readable := json.Unmarshal(line, &entry) == nil; !readable {
			damaged++
			continue
		}
		if err := each(entry); err != nil {
			return damaged, err
		}
	}
}

// readLine returns io.EOF also for a line without its newline, and nothing for one past
// maxLine.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for long := false; ; {
		piece, err := r.ReadSlice('\n')
		if long = long || len(line)+len(piece) > maxLine; long {
			line = nil
		} else {
			line = append(line, piece...)
		}
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// Others reports whether the run of a file has another one now, which may be in writing.
func (f *File) Others() bool {
	names, err := filepath.Glob(filepath.Join(filepath.Dir(f.Path), f.Header.Run+".*"+suffix))
	return err == nil && slices.ContainsFunc(names, func(name string) bool { return name != f.Path })
}

// Exit is how the run ended, where the file says it.
func (f *File) Exit() (exit string, err error) {
	_, err = f.Entries(func(e Entry) error {
		if e.Exit != "" {
			exit = e.Exit
		}
		return nil
	})
	return exit, err
}

// Remove takes the file away: its rows are on record.
func (f *File) Remove() error { return os.Remove(f.Path) }

// SetAside keeps a file that is damaged, under a name that no reader looks at.
func (f *File) SetAside() (name string, err error) {
	name = f.Path + ".damaged"
	return name, os.Rename(f.Path, name)
}

// Close gives the lock back.
func (f *File) Close() { f.file.Close() }

// removeStale takes away what a supervisor began and died over.
func removeStale(name string, entry fs.DirEntry) {
	if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > staleNew {
		_ = os.Remove(name)
	}
}
