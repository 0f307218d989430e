package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"openclaw/configs"
)

// words is what a process says that is started here and may outlive this one. The file has no
// name until somebody is to find it, where the system has such files: who is interrupted or
// killed meanwhile leaves none.
type words struct {
	file  *os.File
	named bool
	path  string // that they are kept under
	whose string // "the gateway"
}

func newWords(whose, path string) (*words, error) {
	if file := configs.Nameless(filepath.Dir(path)); file != nil {
		return &words{file: file, path: path, whose: whose}, nil
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	return &words{file: file, named: true, path: path, whose: whose}, nil
}

// keep gives them their name, in place of those before. It may fail: they are lost then,
// and nothing else.
func (w *words) keep() {
	if w.named {
		_ = os.Rename(w.file.Name(), w.path)
		return
	}
	_ = os.Remove(w.path)
	_ = configs.GiveName(w.file, w.path)
}

// close lets go of them; the process may go on to write.
func (w *words) close() {
	if w.named {
		_ = os.Remove(w.file.Name()) // not there once they were kept
	}
	_ = w.file.Close()
}

// mostWords bounds what is read: a process that ends says little.
const mostWords = 1 << 20

// said turns what the process wrote before it ended into an error.
func (w *words) said() error {
	text, err := io.ReadAll(io.NewSectionReader(w.file, 0, mostWords)) // the process writes where the file's offset is
	if err != nil || len(text) == 0 {
		// On a full disk its own words had no room either.
		if _, err := w.file.WriteString("\n"); err != nil {
			return &failure{
				err:  fmt.Errorf("%s ended at once, and what it said could not be written: %w", w.whose, unnamed(err)),
				hint: "check that the disk is not full, and who owns " + filepath.Dir(w.path),
			}
		}
		return &failure{err: errors.New(w.whose + " ended at once and said nothing"), hint: "try again; if it stays so, see the newest lines of " + filepath.Join(filepath.Dir(w.path), "gateway.log") + " and the kernel's log (dmesg): something ended it"}
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return &failure{err: errors.New(strings.TrimPrefix(first, "openclaw: ")), hint: unindent(rest)}
}

// unnamed leaves out of an error the name of a file that has none.
func unnamed(err error) error {
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return failed.Err
	}
	return err
}

func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
