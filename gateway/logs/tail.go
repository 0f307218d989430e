package logs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"

	"openclaw/gateway/event"
)

// Limits of reading.
const (
	MaxLines     = 5000
	MaxBytes     = 1_000_000
	defaultLines = 500
	tailBytes    = 16 << 20 // of one piece that Tail reads
	openBytes    = 64 << 10 // of a line that is not ended
)

// Tail returns the newest lines of the log at path, the newest last, from its
// older pieces too: at most limit, or 5,000; 500 for a limit of 0. It skips a
// half-written end. A log that is not there has no lines.
func Tail(path string, limit int) ([]event.LogLine, error) {
	limit = lines(limit)
	var newest []event.LogLine
	for piece := 0; piece <= keep && len(newest) < limit; piece++ {
		name := path
		if piece > 0 {
			name = pieceName(path, piece)
		}
		file, size, err := openRead(name)
		if errors.Is(err, os.ErrNotExist) {
			if piece == 0 { // between two steps of a rotation
				continue
			}
			break
		}
		if err != nil {
			return nil, err
		}
		raw, _, _, err := lastLines(file, 0, size, limit-len(newest), tailBytes)
		file.Close()
		if err != nil {
			return nil, readError(name, err)
		}
		for _, line := range slices.Backward(raw) {
			newest = append(newest, Parse(line))
		}
	}
	slices.Reverse(newest)
	return newest, nil
}

// Chunk is a piece of the log from a byte offset.
type Chunk struct {
	Cursor    int64 // where the next piece starts
	Size      int64 // of the file
	Lines     []string
	Truncated bool   // older lines of the file were left out
	Reset     bool   // the file is another one than the cursor was for
	Open      string // what the file ends with after its last whole line
}

// TailFrom returns the whole lines that follow cursor, which is the Cursor of
// the Chunk before, as they are in the file: at most limit (500 for 0, 5,000)
// and maxBytes (1,000,000 for 0 and at most), but at least one. What does not
// fit comes with the next call; no line is left out. With a cursor of 0 or
// less it returns the newest lines instead, and Truncated says whether there
// are older ones. A cursor that cannot be of this file, because the log has
// been rotated, starts anew the same way, with Reset.
func TailFrom(path string, cursor int64, limit, maxBytes int) (Chunk, error) {
	limit = lines(limit)
	if maxBytes <= 0 || maxBytes > MaxBytes {
		maxBytes = MaxBytes
	}
	file, size, err := openRead(path)
	if errors.Is(err, os.ErrNotExist) {
		return Chunk{Reset: cursor > 0}, nil
	}
	if err != nil {
		return Chunk{}, err
	}
	defer file.Close()
	chunk := Chunk{Size: size}
	if cursor > 0 && !atLine(file, cursor, size) {
		chunk.Reset, cursor = true, 0
	}
	if cursor > 0 {
		chunk.Lines, chunk.Cursor, err = nextLines(file, cursor, size, limit, maxBytes)
	} else {
		var first int64
		chunk.Lines, first, chunk.Cursor, err = lastLines(file, 0, size, limit, maxBytes)
		chunk.Truncated = first > 0
	}
	if err == nil {
		chunk.Open, err = openLine(file, chunk.Cursor, size)
	}
	if err != nil {
		return Chunk{}, readError(path, err)
	}
	return chunk, nil
}

// openLine returns file[from:size] when no line ends in it. Of a long one, such as
// a progress bar that is written over and over, it returns what follows a return
// to the line's beginning within the last 64 KiB, or nothing: its beginning may
// be needed to know a secret in it.
func openLine(file io.ReaderAt, from, size int64) (string, error) {
	start := max(from, size-openBytes)
	text := make([]byte, size-start)
	if _, err := io.ReadFull(io.NewSectionReader(file, start, size-start), text); err != nil {
		return "", err
	}
	if bytes.IndexByte(text, '\n') >= 0 {
		return "", nil // whole lines come first
	}
	if start > from {
		_, text, _ = bytes.Cut(text, []byte("\r"))
	}
	return string(text), nil
}

// atLine reports whether a line can start at cursor.
func atLine(file io.ReaderAt, cursor, size int64) bool {
	var last [1]byte
	if cursor > size {
		return false
	}
	_, err := file.ReadAt(last[:], cursor-1)
	return err == nil && last[0] == '\n'
}

// lastLines returns the newest whole lines of file[from:size], the newest
// last, where the first of them starts, and where the last ends.
func lastLines(file io.ReaderAt, from, size int64, limit, maxBytes int) (list []string, first, end int64, err error) {
	const block = 64 << 10
	var text []byte // file[start:size]
	start, whole := size, -1
	for start > from && whole < limit+1 && (whole < 1 || len(text) <= maxBytes+block) {
		next := max(start-block, from)
		chunk := make([]byte, start-next)
		if _, err := io.ReadFull(io.NewSectionReader(file, next, start-next), chunk); err != nil {
			return nil, 0, 0, err
		}
		whole += bytes.Count(chunk, []byte("\n"))
		if whole < 0 && len(text) > 2*maxLine { // a half-written end without end
			chunk, text = chunk[:0], nil
		}
		text, start = append(chunk, text...), next
	}
	cut := bytes.LastIndexByte(text, '\n') + 1
	text, end = text[:cut], start+int64(cut)
	first = end
	for len(text) > 0 && len(list) < limit {
		begin := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
		if begin == 0 && start > from {
			break // its start was not read
		}
		if len(list) > 0 && end-(start+int64(begin)) > int64(maxBytes) {
			break
		}
		if line := string(text[begin : len(text)-1]); line != "" {
			list = append(list, line)
		}
		text, first = text[:begin], start+int64(begin)
	}
	slices.Reverse(list)
	return list, first, end, nil
}

// nextLines returns whole lines of file[from:size] and where they end.
func nextLines(file io.ReaderAt, from, size int64, limit, maxBytes int) (list []string, end int64, err error) {
	want := min(size-from, int64(maxBytes))
	for {
		text := make([]byte, want)
		if _, err := io.ReadFull(io.NewSectionReader(file, from, want), text); err != nil {
			return nil, from, err
		}
		end = from
		for len(list) < limit {
			i := bytes.IndexByte(text, '\n')
			if i < 0 {
				break
			}
			if i > 0 {
				list = append(list, string(text[:i]))
			}
			text, end = text[i+1:], end+int64(i)+1
		}
		if end > from || from+want == size {
			return list, end, nil
		}
		want = min(size-from, want*2+maxLine) // one line is longer than all that was asked for
	}
}

func lines(limit int) int {
	switch {
	case limit <= 0:
		return defaultLines
	case limit > MaxLines:
		return MaxLines
	}
	return limit
}

// openRead opens a piece of the log. The error of one that is not there is
// os.ErrNotExist.
func openRead(path string) (*os.File, int64, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, err
	}
	if err != nil {
		return nil, 0, readError(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		file.Close()
		return nil, 0, readError(path, err)
	}
	return file, info.Size(), nil
}

func readError(path string, err error) error {
	return &Error{Op: "read log", Path: path, Err: err, Hint: "the log is a regular file of the user who runs the gateway"}
}
