package logs

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// Parse reads a line of the log, in JSON or text form. It never fails: of what
// it cannot read, the whole line is the message. Raw is always the line itself.
func Parse(line string) event.LogLine {
	parsed := event.LogLine{Raw: line}
	pairs, ok := jsonPairs(line)
	if !ok {
		pairs, ok = textPairs(line)
	}
	if !ok {
		parsed.Message = line
		return parsed
	}
	var text strings.Builder
	for _, p := range pairs {
		switch p.key {
		case KeyTime:
			if at, err := time.Parse(time.RFC3339Nano, p.value); err == nil {
				parsed.Time = at
				continue
			}
		case KeyLevel:
			parsed.Level = strings.ToLower(p.value)
			continue
		case KeySource:
			parsed.Source = p.value
			continue
		case KeyMessage, "msg":
			if parsed.Message == "" {
				parsed.Message = p.value
				continue
			}
		}
		if text.Len() > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(p.key)
		text.WriteByte('=')
		text.WriteString(p.shown())
	}
	parsed.Text = text.String()
	return parsed
}

type pair struct {
	key, value string
	raw        bool // value is JSON that is not a string
}

func (p pair) shown() string {
	if p.raw || p.value != "" && !strings.ContainsFunc(p.value, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f || r == 0xfffd }) {
		return p.value
	}
	return strconv.Quote(p.value)
}

// jsonPairs reads an object in the order of its keys.
func jsonPairs(line string) ([]pair, bool) {
	d := json.NewDecoder(strings.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	var pairs []pair
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		name, ok := key.(string)
		var raw json.RawMessage
		if !ok || d.Decode(&raw) != nil {
			return nil, false
		}
		p := pair{key: name}
		if json.Unmarshal(raw, &p.value) != nil || string(raw) == "null" {
			p.value, p.raw = string(raw), true
		}
		pairs = append(pairs, p)
	}
	if _, err := d.Token(); err != nil || d.More() {
		return nil, false
	}
	return pairs, true
}

// textPairs reads key=value key="quoted value", as slog's text form is.
func textPairs(line string) ([]pair, bool) {
	var pairs []pair
	for line != "" {
		key, rest, ok := strings.Cut(line, "=")
		if !ok || key == "" || strings.ContainsAny(key, " \"") {
			return nil, false
		}
		p := pair{key: key}
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, false
			}
			if p.value, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = rest[len(quoted):]
			if rest != "" && rest[0] != ' ' {
				return nil, false
			}
			line = strings.TrimPrefix(rest, " ")
		} else {
			p.value, line, _ = strings.Cut(rest, " ")
		}
		pairs = append(pairs, p)
	}
	return pairs, len(pairs) > 0 && pairs[0].key == KeyTime
}
