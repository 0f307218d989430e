package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/printable"
)

// Masker removes secrets. *keychain/redact.Masker is one.
type Masker interface {
	// Bytes returns a line with its secrets replaced. It does not change its
	// argument.
	Bytes(line []byte) []byte
	// Handler returns a handler that masks records before next sees them.
	Handler(next slog.Handler) slog.Handler
}

// Options are the settings of a Log.
type Options struct {
	Level  string                  // debug, info, warn or error; empty: info
	Format string                  // json or text; empty: json
	Masker Masker                  // required
	OnLine func(event.LogLine)     // called with each line that was written; may be nil
	Now    func() time.Time        // for the checks of the file; nil: time.Now
	Sizes  struct{ Max, Keep int } // for tests: bytes of a piece and older pieces kept; zero: 16 MiB and 5
}

// Log is the open log. It is safe for concurrent use.
type Log struct {
	level  slog.LevelVar
	text   atomic.Bool
	sink   *sink
	masker Masker
	onLine func(event.LogLine)
	logger *slog.Logger
}

// Open opens or makes the log at path, mode 0600, and its folder, mode 0700.
// The errors are *Error.
func Open(path string, o Options) (*Log, error) {
	if o.Masker == nil {
		return nil, &Error{Op: "open log", Path: path, Hint: "a log needs a masker: nothing is written unmasked"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Log{masker: o.Masker, onLine: o.OnLine}
	level, ok := parseLevel(o.Level)
	if !ok {
		return nil, &Error{Op: "open log", Path: path, Hint: "logging.level is debug, info, warn or error"}
	}
	if o.Format != "" && o.Format != "json" && o.Format != "text" {
		return nil, &Error{Op: "open log", Path: path, Hint: "logging.format is json or text"}
	}
	l.level.Set(level)
	l.text.Store(o.Format == "text")
	s, err := openSink(path, o)
	if err != nil {
		return nil, err
	}
	l.sink = s
	handler := slog.HandlerOptions{Level: &l.level, ReplaceAttr: replaceAttr}
	l.logger = slog.New(o.Masker.Handler(format{
		text: &l.text, asJSON: slog.NewJSONHandler(writer{l}, &handler), asText: slog.NewTextHandler(writer{l}, &handler),
	}))
	return l, nil
}

// Logger returns the logger that writes here.
func (l *Log) Logger() *slog.Logger { return l.logger }

// SetLevel changes from which level on lines are written. A word that is no
// level changes nothing, and a line says so.
func (l *Log) SetLevel(level string) {
	parsed, ok := parseLevel(level)
	if !ok {
		l.logger.Warn("the log level was not changed: it is no level", slog.String(KeySource, "logs"), slog.String("wanted", level))
		return
	}
	l.level.Set(parsed)
}

// SetFormat changes the form of the next lines: "text", or JSON.
func (l *Log) SetFormat(format string) { l.text.Store(format == "text") }

// Lost returns how many lines could not be written since the log was opened.
func (l *Log) Lost() uint64 { return l.sink.lostTotal() }

// Close closes the file. What is logged afterwards is lost.
func (l *Log) Close() error { return l.sink.close() }

// writer takes one whole line from slog.
type writer struct{ log *Log }

func (w writer) Write(line []byte) (int, error) {
	masked := w.log.masker.Bytes(line)
	if !w.log.text.Load() { // the text form quotes such characters itself
		masked = printable.JSON(masked)
	}
	masked = printable.JSON(bound(masked)) // what was shortened was decoded for it
	if w.log.sink.write(masked) && w.log.onLine != nil {
		w.log.onLine(Parse(strings.TrimSuffix(string(masked), "\n")))
	}
	return len(line), nil
}

var _ io.Writer = writer{}

func parseLevel(level string) (slog.Level, bool) {
	switch strings.ToLower(level) {
	case "debug":
		return slog.LevelDebug, true
	case "", "info":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	default:
		return 0, false
	}
}

// replaceAttr gives slog's own keys the names and forms of our lines.
func replaceAttr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		if a.Value.Kind() == slog.KindTime {
			return slog.Time(KeyTime, a.Value.Time().UTC())
		}
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String(KeyLevel, strings.ToLower(level.String()))
		}
	case slog.MessageKey:
		return slog.Attr{Key: KeyMessage, Value: a.Value}
	}
	return a
}

// Error is what this package returns.
type Error struct {
	Op   string
	Path string
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s %s: %s", e.Op, e.Path, e.Hint)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
