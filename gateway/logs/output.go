package logs

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept of runs' outputs.
const (
	maxOutput   = 4 << 20 // bytes of a file before it becomes the older piece; there is one
	keptOutputs = 100     // runs
)

// Output is a file of what a run says, for its owner alone. It keeps the newest
// 4 to 8 MiB. Its methods are safe for concurrent use.
type Output struct {
	mu   sync.Mutex // guards sink and open
	sink *sink
	open bool // the last line is not ended
}

// OpenOutput makes the file at path, and forgets the oldest ones in its folder
// where there are more than 100.
func OpenOutput(path string) (*Output, error) {
	s := &sink{path: path, now: time.Now, max: maxOutput, keep: 1, limit: maxOutput}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, openError(path, err)
	}
	forget(filepath.Dir(path))
	if err := s.open(); err != nil {
		return nil, openError(path, err)
	}
	return &Output{sink: s}, nil
}

// Write appends p. What cannot be written, because the disk is full, is lost: the
// run goes on.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(p) > 0 && o.sink.write(p) {
		o.open = p[len(p)-1] != '\n'
	}
	return len(p), nil
}

// Close ends the last line.
func (o *Output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open {
		o.sink.write([]byte("\n"))
	}
	return o.sink.close()
}

// forget removes the outputs that were written longest ago.
func forget(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < keptOutputs {
		return
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(info.Name(), ".log") {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, old := range files[min(len(files), keptOutputs-1):] {
		name := filepath.Join(dir, old.Name())
		if err := os.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(pieceName(name, 1)) // most have none
		}
	}
}
