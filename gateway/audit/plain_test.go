package audit

import (
	"bytes"
	"fmt"
	"testing"
)

// What is written the short way is what encoding/json writes, byte for byte: an
// auditor's programs and the chain must not see which way a line was made.
func FuzzPlain(f *testing.F) {
	f.Add("api_call", "coder", "/v1/messages", "id", "0123456789abcdef", int64(200), true)
	f.Add("api_call", "", "/v1/<a>&b", "a\"b", "tab\there", int64(-1), false)
	f.Add("", "日本", "\u2028", "\x7f", "\\", int64(1<<62), true)
	f.Add("x", "\xff", "", "", "\u202e", int64(0), false)
	f.Fuzz(func(t *testing.T, event, user, path, name, text string, number int64, yes bool) {
		for _, b := range []body{
			{Event: event, User: user, Path: path, Reason: text},
			{Event: event, User: user, Result: text, Details: map[string]any{name: text, "n": number, "i": int(number), "yes": yes, "a": "b"}},
			{Event: event, IP: user, Action: path, Target: text, Details: map[string]any{name: number}},
		} {
			want, err := encodeJSON(b)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := appendPlain(nil, b)
			if ok && !bytes.Equal(got, want) {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if !ok && isPlain(event+user+path+name+text) {
				t.Errorf("the long way for %s", want)
			}
		}
	})
}

func TestPlainLeavesTheRest(t *testing.T) {
	many := map[string]any{}
	for i := range mostDetails + 1 {
		many[fmt.Sprint(i)] = i
	}
	for name, details := range map[string]any{
		"a list": map[string]any{"a": []string{"b"}}, "a fraction": map[string]any{"a": 0.5}, "nothing": map[string]any{"a": nil},
		"an error": map[string]any{"a": fmt.Errorf("x")}, "no map": []int{1}, "too many": many,
	} {
		if text, ok := appendPlain(nil, body{Event: "e", Details: details}); ok {
			t.Errorf("%s: %s", name, text)
		}
	}
}
