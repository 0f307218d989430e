package main

import (
	"bytes"
	"log/slog"
	"strings"
)

// libraryLog takes what libraries print by Go's own log package, which would else
// go to standard error past the rules of redaction. net/http quotes there what a
// provider sends unasked, and that may be the key: no word of it is kept.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Write(line []byte) (int, error) {
	text, _, _ := strings.Cut(string(bytes.TrimSpace(line)), " starting with ")
	l.log.Warn("a library reports", slog.String("text", text))
	return len(line), nil
}
