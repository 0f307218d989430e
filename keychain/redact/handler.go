package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Handler returns a slog handler that passes records on to next with every
// secret replaced: in the message, in attributes by the name of their key and
// by their text, in groups, errors, LogValuers and values of any type. A value
// of another type than slog's own is passed on as its JSON, masked.
//
// The text that next makes should go through a Writer as well.
func (m *Masker) Handler(next slog.Handler) slog.Handler { return handler{masker: m, next: next} }

type handler struct {
	masker *Masker
	next   slog.Handler
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, h.masker.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(h.masker.attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = h.masker.attr(a)
	}
	return handler{masker: h.masker, next: h.next.WithAttrs(masked)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{masker: h.masker, next: h.next.WithGroup(h.masker.Text(name))}
}

func (m *Masker) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: m.Text(a.Key), Value: m.value(a.Key, resolve(a.Value))}
}

func (m *Masker) value(key string, v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return m.text(key, v.String(), v)
	case slog.KindGroup:
		attrs := v.Group()
		masked := make([]slog.Attr, len(attrs))
		for i, a := range attrs {
			masked[i] = m.attr(a)
		}
		return slog.GroupValue(masked...)
	case slog.KindAny:
		return m.any(key, v.Any())
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		return m.text(key, v.String(), v)
	case slog.KindBool, slog.KindDuration, slog.KindTime, slog.KindLogValuer:
	}
	return v
}

// text masks the text of a value, all of it if its key says so; unchanged is
// returned when there is nothing to hide.
func (m *Masker) text(key, text string, unchanged slog.Value) slog.Value {
	if m.sensitive(key, text) {
		return slog.StringValue(m.engine.Load().replacement)
	}
	if masked := m.Text(text); masked != text {
		return slog.StringValue(masked)
	}
	return unchanged
}

func (m *Masker) any(key string, v any) slog.Value {
	switch v := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case []byte:
		return m.text(key, string(v), slog.StringValue(string(v)))
	case json.RawMessage:
		return slog.AnyValue(json.RawMessage(m.Bytes(v)))
	case *slog.Source:
		return slog.AnyValue(v)
	case error:
		text := describe(v)
		return m.text(key, text, slog.StringValue(text))
	}
	encoded, err := marshal(v)
	if err != nil {
		text := describe(v)
		return m.text(key, text, slog.StringValue(text))
	}
	var text string
	if json.Unmarshal(encoded, &text) == nil {
		return m.text(key, text, slog.StringValue(text))
	}
	masked := m.Bytes(encoded)
	if !json.Valid(masked) {
		return slog.StringValue(string(masked))
	}
	return slog.AnyValue(json.RawMessage(masked))
}

// A logged value's own methods may panic, most often on a nil receiver. The
// log must not fall with them.

func resolve(v slog.Value) (out slog.Value) {
	defer func() {
		if r := recover(); r != nil {
			out = slog.StringValue("!PANIC in LogValue")
		}
	}()
	return v.Resolve()
}

func marshal(v any) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("encode value: panic")
		}
	}()
	return json.Marshal(v)
}

func describe(v any) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = "!PANIC in " + fmt.Sprintf("%T", v)
		}
	}()
	if err, ok := v.(error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%+v", v)
}
