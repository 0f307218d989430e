package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Sizes of the log.
const (
	maxPiece = 16 << 20  // bytes of a file before it becomes an older piece
	keep     = 5         // older pieces
	maxLine  = 256 << 10 // bytes of a line; a longer one is shortened
	keptText = 4 << 10   // bytes of a shortened line's message
)

// sink is the file behind a Log.
type sink struct {
	path string
	now  func() time.Time
	max  int64
	keep int

	mu      sync.Mutex // guards the fields below
	file    *os.File   // nil: closed, or could not be opened again
	size    int64
	limit   int64 // at which size to try the next rotation
	checked time.Time
	closed  bool
	pending uint64 // lines lost since the last that was written
	lost    uint64
}

func openSink(path string, o Options) (*sink, error) {
	s := &sink{path: path, now: o.Now, max: maxPiece, keep: keep}
	if o.Sizes.Max > 0 {
		s.max, s.keep = int64(o.Sizes.Max), o.Sizes.Keep
	}
	s.limit = s.max
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, openError(path, err)
	}
	if err := s.open(); err != nil {
		return nil, openError(path, err)
	}
	return s, nil
}

func openError(path string, err error) error {
	return &Error{Op: "open log", Path: path, Err: err, Hint: "the log must be a regular file that the user who runs the gateway can write"}
}

// open opens the file at path and ends a line that a crash left open.
func (s *sink) open() error {
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = file.Chmod(0o600)
	}
	if err != nil {
		file.Close()
		return err
	}
	s.file, s.size, s.checked = file, info.Size(), s.now()
	var last [1]byte
	if n, _ := file.ReadAt(last[:], s.size-1); n == 1 && last[0] != '\n' {
		_ = s.put([]byte("\n"))
	}
	return nil
}

// write appends one masked line and reports whether it is in the file.
func (s *sink) write(line []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		s.pending++
		s.lost++
		return false
	}
	if s.size > 0 && s.size+int64(len(line)) > s.limit {
		s.rotate()
	}
	if s.pending > 0 {
		note := fmt.Sprintf(`{"time":%q,"level":"error","source":"logs","message":"lines could not be written","lines":%d}`+"\n",
			s.now().UTC().Format(time.RFC3339Nano), s.pending)
		if s.put([]byte(note)) == nil {
			s.pending = 0
		}
	}
	if err := s.put(line); err != nil {
		s.pending++
		s.lost++
		return false
	}
	return true
}

// ready opens the file again when somebody moved or removed it. It looks once
// a second.
func (s *sink) ready() error {
	if s.closed {
		return os.ErrClosed
	}
	if s.file == nil {
		return s.open()
	}
	now := s.now()
	if since := now.Sub(s.checked); since >= 0 && since < time.Second {
		return nil
	}
	s.checked = now
	mine, err := s.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(s.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil && os.SameFile(mine, named) {
		s.size = mine.Size()
		return nil
	}
	s.file.Close()
	s.file = nil
	return s.open()
}

// put writes all of text or nothing.
func (s *sink) put(text []byte) error {
	n, err := s.file.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return errors.Join(err, s.file.Truncate(s.size))
	}
	s.size += int64(len(text))
	return nil
}

// rotate makes the file an older piece and starts a new one. If that cannot
// be done, the file grows on, and the next try is a sixteenth later.
func (s *sink) rotate() {
	err := os.Remove(pieceName(s.path, s.keep))
	for i := s.keep - 1; i >= 1 && (err == nil || errors.Is(err, os.ErrNotExist)); i-- {
		err = os.Rename(pieceName(s.path, i), pieceName(s.path, i+1))
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = s.turn()
	}
	if err != nil {
		s.limit = s.size + s.max/16
		return
	}
	s.limit = s.max
}

// turn renames the open file and opens a new one in its place. On Windows an
// open file keeps its name, so it is closed first; if no new file can be
// made, the old one gets its name back.
func (s *sink) turn() error {
	s.file.Close()
	s.file = nil
	if err := os.Rename(s.path, pieceName(s.path, 1)); err != nil {
		return errors.Join(err, s.open())
	}
	if err := s.open(); err != nil {
		return errors.Join(err, os.Rename(pieceName(s.path, 1), s.path), s.open())
	}
	return nil
}

func pieceName(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

func (s *sink) lostTotal() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.file == nil {
		s.closed = true
		return nil
	}
	s.closed = true
	return s.file.Close()
}

// bound shortens a line that no reader would want.
func bound(line []byte) []byte {
	if len(line) <= maxLine {
		return line
	}
	parsed := Parse(string(line[:len(line)-1]))
	short, err := json.Marshal(map[string]any{
		KeyTime: parsed.Time, KeyLevel: parsed.Level, KeySource: parsed.Source,
		KeyMessage: clip(parsed.Message, keptText), "shortened_bytes": len(line), "text": clip(parsed.Text, keptText),
	})
	if err != nil {
		return []byte("{}\n")
	}
	return append(short, '\n')
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
