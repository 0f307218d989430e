package view

import (
	"fmt"
	"strings"
)

// Words are the texts of one language. The English text is the name of each; the
// nil Words are English. A text names a key by its action, as {list.down}: the
// key that it has now is drawn. They are immutable.
type Words struct {
	texts map[string]string
	keys  *Keys // nil: the keys of Table
}

// Languages are the languages that there are texts in.
func Languages() []string { return []string{"en", "zh"} }

// NewWords returns the texts of a language of Languages; others are English.
func NewWords(language string) *Words {
	if language == "zh" {
		return &Words{texts: chinese()}
	}
	return nil
}

// With returns the same texts with other keys in them.
func (w *Words) With(k *Keys) *Words {
	if w == nil {
		return &Words{keys: k}
	}
	return &Words{w.texts, k}
}

// Key is the key that an action has now.
func (w *Words) Key(id ID) string {
	if w == nil || w.keys == nil {
		return NewKeys(Table(), false).Key(id)
	}
	return w.keys.Key(id)
}

// withKeys puts keys in the place of the actions that a text names. What it
// returns is a format of fmt when the text is one.
func (w *Words) withKeys(text string, format bool) string {
	if strings.IndexByte(text, '{') < 0 {
		return text
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "{")
		out.WriteString(before)
		id, rest, closed := strings.Cut(after, "}")
		if !found {
			return out.String()
		}
		key := ""
		if closed {
			key = w.Key(ID(id))
		}
		if key == "" {
			out.WriteByte('{')
			text = after
			continue
		}
		if format {
			key = strings.ReplaceAll(key, "%", "%%")
		}
		out.WriteString(key)
		text = rest
	}
}

// LanguageOf reads the locale as POSIX has it: the first of LC_ALL, LC_MESSAGES
// and LANG that is set.
func LanguageOf(getenv func(string) string) string {
	for _, name := range [...]string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" {
			language, _, _ := strings.Cut(locale, "_")
			language, _, _ = strings.Cut(language, ".")
			if language == "zh" {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// T is a text in the language, with its arguments filled in as fmt does. What
// comes from outside is an argument, never the text.
func (w *Words) T(english string, args ...any) string {
	text := english
	if w != nil {
		if own, known := w.texts[english]; known {
			text = own
		}
	}
	text = w.withKeys(text, len(args) > 0)
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// N is a number with the thing that it counts.
func (w *Words) N(n int, thing string) string {
	if w != nil {
		if own, known := w.texts[counted+thing]; known {
			return fmt.Sprintf(own, n)
		}
	}
	return plural(n, thing)
}

// counted stands before the name of what is counted.
const counted = "# "

// T is Words.T in the language of the theme.
func (t *Theme) T(english string, args ...any) string { return t.Words.T(english, args...) }

// T is Words.T in the language of the canvas's theme.
func (c *Canvas) T(english string, args ...any) string { return c.Theme.Words.T(english, args...) }

// N is Words.N in the language of the canvas's theme.
func (c *Canvas) N(n int, thing string) string { return c.Theme.Words.N(n, thing) }

// T is Words.T in the language of the screen.
func (d *Data) T(english string, args ...any) string { return d.Words.T(english, args...) }

// N is Words.N in the language of the screen.
func (d *Data) N(n int, thing string) string { return d.Words.N(n, thing) }

// Texts are all texts of the language by their English ones. They must not be
// changed.
func (w *Words) Texts() map[string]string { return w.texts }

// Key is Words.Key.
func (c *Canvas) Key(id ID) string { return c.Theme.Words.Key(id) }

// Key is Words.Key.
func (d *Data) Key(id ID) string { return d.Words.Key(id) }
