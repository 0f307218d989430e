package logs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// format passes records to one of two handlers, so that the form of the lines
// can change while loggers with attributes are in use.
type format struct {
	text           *atomic.Bool
	asJSON, asText slog.Handler
}

func (f format) chosen() slog.Handler {
	if f.text.Load() {
		return f.asText
	}
	return f.asJSON
}

func (f format) Enabled(ctx context.Context, level slog.Level) bool {
	return f.chosen().Enabled(ctx, level)
}

func (f format) Handle(ctx context.Context, r slog.Record) error { return f.chosen().Handle(ctx, r) }

func (f format) WithAttrs(attrs []slog.Attr) slog.Handler {
	return format{text: f.text, asJSON: f.asJSON.WithAttrs(attrs), asText: f.asText.WithAttrs(attrs)}
}

func (f format) WithGroup(name string) slog.Handler {
	return format{text: f.text, asJSON: f.asJSON.WithGroup(name), asText: f.asText.WithGroup(name)}
}

// Panic logs what recover returned, with the stack of the goroutine that calls
// it: call it in the deferred function. source is the part that panicked.
func Panic(log *slog.Logger, source string, recovered any) {
	log.Error("a part of the program panicked",
		slog.String(KeySource, source), slog.String(KeyPanic, describe(recovered)), slog.String(KeyStack, string(debug.Stack())))
}

// describe prints a value whose own methods may panic too.
func describe(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T", v)
		}
	}()
	if err, ok := v.(error); ok {
		return err.Error()
	}
	return fmt.Sprint(v)
}
