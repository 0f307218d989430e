package view

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sinceKey is the key of a filter that is about time.
const sinceKey = "since"

// lineKeys are the keys that a filter of the log knows: those of a line, and the
// fields that lines most often have.
var lineKeys = [...]string{ //nolint:gochecknoglobals // a constant table
	"level", "src", "source", sinceKey, "agent", "run", "client", "target", "path", "from", "route", "status", "provider", "reason", "error",
}

// SinceError is a since: whose time cannot be read.
type SinceError struct{ Text string }

func (e *SinceError) Error() string { return fmt.Sprintf("read since: %q is not a time", e.Text) }

// faultText says what is wrong with a filter line.
func faultText(w *Words, err error) string {
	if since, is := errors.AsType[*SinceError](err); is {
		return Printable(w.T("since: takes a time such as 10m, 2h or 7d, not %s", strconv.Quote(since.Text)), 200)
	}
	if unknown, is := errors.AsType[*UnknownFilterError](err); is {
		return Printable(w.T("no filter is saved as %s; /@%s/ finds it as text", unknown.Name, unknown.Name), 200)
	}
	return Printable(err.Error(), 200) // the words of the library that read the expression
}

// more reads what some keys take beyond a text.
func (t *term) more() error {
	switch level, atLeast := strings.CutSuffix(t.value, "+"); {
	case t.key == sinceKey:
		age, err := parseAge(t.value)
		if err != nil {
			return &SinceError{t.value}
		}
		t.age = age
	case t.key == "level" && atLeast && slices.Contains(levels[:], level):
		t.least = levelOf(level) + 1
	}
	return nil
}

// maxAge bounds since: ten years.
const maxAge = 10 * 366 * 24 * time.Hour

// parseAge reads a time such as 90s, 10m, 2h, 1h30m, 7d or 2w.
func parseAge(text string) (time.Duration, error) {
	day := 24 * time.Hour
	for _, unit := range [...]struct {
		name string
		long time.Duration
	}{{"d", day}, {"w", 7 * day}} {
		if number, is := strings.CutSuffix(text, unit.name); is {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > int(maxAge/unit.long) {
				return 0, errors.New("not a number of days or weeks")
			}
			return time.Duration(n) * unit.long, nil
		}
	}
	age, err := time.ParseDuration(text)
	if err != nil || age <= 0 || age > maxAge {
		return 0, errors.New("not a time")
	}
	return age, nil
}

// Young reports whether a row of an age passes what the filter says of time.
func (f *Filter) Young(age time.Duration) bool {
	for i := range f.terms {
		if t := &f.terms[i]; t.age > 0 && (age <= t.age) == t.not {
			return false
		}
	}
	return true
}

// since is the oldest time that is not older than the age of a term. All lines are asked
// about at the same time.
func (t *term) since(now time.Time) time.Time {
	if t.asOf != now {
		t.asOf, t.from = now, now.Add(-t.age)
	}
	return t.from
}

// timed reports whether a row can begin or cease to pass only because time goes by.
func (f *Filter) timed() bool {
	return slices.ContainsFunc(f.terms, func(t term) bool { return t.age > 0 })
}

// lineField is the value of a field in the text of a log line, "agent=coder run=r7".
func lineField(text, key string) string {
	for from := 0; ; {
		at := strings.Index(text[from:], key)
		if at < 0 {
			return ""
		}
		at += from
		from = at + len(key)
		if at > 0 && text[at-1] != ' ' || !strings.HasPrefix(text[from:], "=") {
			continue
		}
		value := text[from+1:]
		if strings.HasPrefix(value, `"`) {
			if quoted, err := strconv.QuotedPrefix(value); err == nil {
				return quoted
			}
		}
		value, _, _ = strings.Cut(value, " ")
		return value
	}
}

// pastFilters are the filter lines that were used before, oldest first.
type pastFilters struct {
	lines []string
	at    int    // how far back the line that is shown lies; 0: it is being typed
	typed string // what was typed before going back
}

const maxPastFilters = 20

// keep remembers a line.
func (p *pastFilters) keep(line string) {
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	p.lines = slices.DeleteFunc(p.lines, func(old string) bool { return old == line })
	p.lines = append(p.lines, line)
	p.lines = p.lines[max(len(p.lines)-maxPastFilters, 0):]
}

// step puts an earlier or a later line into the editor and reports whether there was
// one.
func (p *pastFilters) step(edit *Editor, back bool) bool {
	to := p.at - 1
	if back {
		to = p.at + 1
	}
	if to < 0 || to > len(p.lines) {
		return false
	}
	if p.at == 0 {
		p.typed = edit.Text()
	}
	p.at = to
	if to == 0 {
		edit.Set(p.typed)
	} else {
		edit.Set(p.lines[len(p.lines)-to])
	}
	return true
}
