package printable

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTerminalCommandsAndTurnedLinesAreEscaped(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"8-bit CSI":     {"{\"a\":\"x\u009b31mred\"}", `{"a":"x\u009b31mred"}`},
		"delete":        {"\"\x7f\"", `"\u007f"`},
		"right to left": {"\"\u202egpj.exe\"", `"\u202egpj.exe"`},
		"invisible":     {"\"a\u200bb\ufeff\"", `"a\u200bb\ufeff"`},
		"tag":           {"\"\U000e0041\"", `"\udb40\udc41"`},
		"ordinary":      {"{\n\t\"ä\": \"日本 🙂\"}\n", "{\n\t\"ä\": \"日本 🙂\"}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(JSON([]byte(test.in))); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("\u009b31m\u202e")
	f.Add("\U000e0041\xff\xc2")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		before := bytes.Clone(in)
		out := JSON(in)
		if !bytes.Equal(in, before) {
			t.Fatal("the argument was changed")
		}
		var a, b string
		if json.Unmarshal(in, &a) != nil || json.Unmarshal(out, &b) != nil || a != b {
			t.Fatalf("%q became %q", in, out)
		}
		for _, r := range string(out) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", out, r)
			}
		}
		if again := JSON(out); !bytes.Equal(again, out) || !utf8.Valid(out) {
			t.Fatal("not stable")
		}
	})
}
