package audit

import (
	"bytes"
	"io"
)

// linesBackwards calls each with the lines of the first size bytes of r, the
// last one first, without their newlines. whole is false for text behind the
// last newline. Of a line that is longer than MaxLine only the end is given;
// length is its whole length. It stops when each returns false or an error.
// It needs MaxLine and one block of memory.
func linesBackwards(r io.ReaderAt, size int64, each func(line []byte, whole bool, length int64) (bool, error)) error {
	const block = 64 << 10
	var rest []byte // of the line that began in blocks not read yet
	var dropped int64
	whole := false
	buffer := make([]byte, block)
	for end := size; end > 0; {
		start := max(end-block, 0)
		chunk := buffer[:end-start]
		if _, err := io.ReadFull(io.NewSectionReader(r, start, end-start), chunk); err != nil {
			return err
		}
		end = start
		for {
			i := bytes.LastIndexByte(chunk, '\n')
			if i < 0 {
				break
			}
			line := chunk[i+1:]
			if len(rest) > 0 {
				line = append(bytes.Clone(line), rest...)
			}
			if whole || len(line) > 0 {
				more, err := each(line, whole, int64(len(line))+dropped)
				if err != nil || !more {
					return err
				}
			}
			whole, rest, dropped = true, nil, 0
			chunk = chunk[:i]
		}
		rest = append(bytes.Clone(chunk), rest...)
		if len(rest) > MaxLine {
			dropped += int64(len(rest) - MaxLine)
			rest = rest[len(rest)-MaxLine:]
		}
	}
	if whole || len(rest) > 0 {
		_, err := each(rest, whole, int64(len(rest))+dropped)
		return err
	}
	return nil
}
