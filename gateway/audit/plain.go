package audit

import (
	"slices"
	"strconv"
)

// mostDetails is how many details an entry of the fast path has.
const mostDetails = 24

// appendPlain appends what encodeJSON makes of b, byte for byte, where every text
// is of characters that JSON writes as they are and every detail is a text, an
// integer or a boolean: model calls are, and they are most lines of a log. It
// reports false for anything else, and for more than mostDetails.
func appendPlain(out []byte, b body) ([]byte, bool) {
	details, _ := b.Details.(map[string]any)
	if b.Details != nil && details == nil || len(details) > mostDetails {
		return nil, false
	}
	if !isPlain(b.Event) {
		return nil, false
	}
	out = append(append(append(out, `{"event_type":"`...), b.Event...), '"')
	for _, field := range [...]struct{ key, text string }{
		{`,"user":"`, b.User}, {`,"ip":"`, b.IP}, {`,"action":"`, b.Action}, {`,"path":"`, b.Path},
		{`,"target":"`, b.Target}, {`,"result":"`, b.Result}, {`,"reason":"`, b.Reason},
	} {
		if field.text == "" {
			continue
		}
		if !isPlain(field.text) {
			return nil, false
		}
		out = append(append(append(out, field.key...), field.text...), '"')
	}
	if b.Details == nil {
		return append(out, '}'), true
	}
	var names [mostDetails]string
	sorted := names[:0]
	for name := range details {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	out = append(out, `,"details":{`...)
	for i, name := range sorted {
		if !isPlain(name) {
			return nil, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), name...), `":`...)
		switch value := details[name].(type) {
		case string:
			if !isPlain(value) {
				return nil, false
			}
			out = append(append(append(out, '"'), value...), '"')
		case int:
			out = strconv.AppendInt(out, int64(value), 10)
		case int64:
			out = strconv.AppendInt(out, value, 10)
		case bool:
			out = strconv.AppendBool(out, value)
		default:
			return nil, false
		}
	}
	return append(out, "}}"...), true
}

// isPlain reports whether JSON writes a text as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
