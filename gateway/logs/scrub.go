package logs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Scrubbed is what was found in one file of the log.
type Scrubbed struct {
	Path    string `json:"path"`
	Lines   int    `json:"lines"`
	Changed int    `json:"changed"` // lines with something that is taken out now
}

// Scrub puts every line that is in the log already, in its older pieces too,
// through mask once more, for rules and values that are newer than the lines. A
// file in which something changes is written anew and takes the old one's place
// in one step; its time stays. Lines that are logged meanwhile wait. dry
// counts only.
func (l *Log) Scrub(mask func([]byte) []byte, dry bool) ([]Scrubbed, error) {
	var all []Scrubbed
	// The newest first: a rotation between two steps moves what was not looked at
	// to a place that still will be.
	for piece := range l.sink.keep + 1 {
		one, err := l.sink.scrub(piece, mask, dry)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, &Error{Op: "scrub log", Path: one.Path, Err: err, Hint: "check the owner and the space of its folder; what was not done is as it was"}
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *sink) scrub(piece int, mask func([]byte) []byte, dry bool) (Scrubbed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path
	if piece > 0 {
		path = pieceName(s.path, piece)
	}
	out := Scrubbed{Path: path}
	if s.closed {
		return out, os.ErrClosed
	}
	file, size, err := openRead(path)
	if err != nil {
		return out, err
	}
	defer file.Close()
	anew, err := out.copy(io.LimitReader(file, size), mask, dry)
	if anew == nil || err != nil {
		return out, err
	}
	defer os.Remove(anew.Name()) // gone when it has taken the place
	info, err := file.Stat()
	if err == nil {
		err = errors.Join(anew.Sync(), anew.Close(), os.Chtimes(anew.Name(), info.ModTime(), info.ModTime()))
	}
	if err != nil {
		return out, err
	}
	if piece == 0 && s.file != nil { // on Windows an open file keeps its name
		s.file.Close()
		s.file = nil
	}
	file.Close()
	err = os.Rename(anew.Name(), path)
	if piece == 0 {
		err = errors.Join(err, s.open())
	}
	return out, errors.Join(err, syncFolder(filepath.Dir(path)))
}

// copy writes what mask makes of the lines to a new file beside the log; nil if
// no line changes, or dry is set.
func (c *Scrubbed) copy(from io.Reader, mask func([]byte) []byte, dry bool) (anew *os.File, err error) {
	name := c.Path + ".scrub"
	if !dry {
		_ = os.Remove(name) // of a scrub that was killed
		if anew, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o600); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil || c.Changed == 0 {
				anew.Close()
				_ = os.Remove(name)
				anew = nil
			}
		}()
	}
	lines := bufio.NewReaderSize(from, maxLine)
	var to *bufio.Writer
	if anew != nil {
		to = bufio.NewWriterSize(anew, maxLine)
	}
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return anew, fmt.Errorf("read: %w", err)
		}
		if len(line) > 0 {
			masked := mask(line)
			c.Lines++
			if !bytes.Equal(masked, line) {
				c.Changed++
			}
			if to != nil {
				if _, err := to.Write(masked); err != nil {
					return anew, fmt.Errorf("write: %w", err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if to != nil {
		if err := to.Flush(); err != nil {
			return anew, fmt.Errorf("write: %w", err)
		}
	}
	return anew, nil
}

// syncFolder makes a rename last. A system that cannot is not at fault.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	_ = folder.Sync()
	return nil
}
