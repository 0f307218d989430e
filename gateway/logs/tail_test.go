package logs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"openclaw/gateway/logs"
)

func TestTailFromFollowsWithoutGaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	appendText := func(text string) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	from := func(cursor int64, limit, maxBytes int) logs.Chunk {
		c, err := logs.TailFrom(path, cursor, limit, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := from(0, 0, 0); c.Cursor != 0 || len(c.Lines) != 0 || c.Reset {
		t.Errorf("no file: %+v", c)
	}
	for i := range 10 {
		appendText(fmt.Sprintf("line %d\n", i))
	}
	appendText("half")
	c := from(0, 3, 0)
	if strings.Join(c.Lines, ",") != "line 7,line 8,line 9" || !c.Truncated || c.Cursor != 70 || c.Size != 74 || c.Open != "half" {
		t.Errorf("newest: %+v", c)
	}
	if c = from(c.Cursor, 3, 0); len(c.Lines) != 0 || c.Cursor != 70 || c.Reset || c.Open != "half" {
		t.Errorf("nothing new: %+v", c)
	}
	appendText(" line\n" + strings.Repeat("x", 300) + "\nlast\n")
	var got []string
	for i := range 5 { // tiny bounds: every call gives at least a line, none is left out
		c = from(c.Cursor, 3, 10)
		if c.Open != "" {
			t.Errorf("call %d: %q is taken for a line that is not ended", i, c.Open)
		}
		got = append(got, c.Lines...)
	}
	if len(got) != 3 || got[0] != "half line" || len(got[1]) != 300 || got[2] != "last" || c.Truncated {
		t.Errorf("followed: %q", got)
	}
	if all := from(0, 5000, 0); len(all.Lines) != 13 || all.Truncated {
		t.Errorf("all: %+v", all)
	}
	if big := from(0, 5000, 20); len(big.Lines) != 1 || big.Lines[0] != "last" || !big.Truncated {
		t.Errorf("by bytes: %+v", big)
	}
	if err := os.WriteFile(path, []byte("new file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c = from(c.Cursor, 3, 0); !c.Reset || len(c.Lines) != 1 || c.Lines[0] != "new file" || c.Cursor != 9 {
		t.Errorf("after a rotation: %+v", c)
	}
	if c = from(4, 3, 0); !c.Reset { // not at a line's start
		t.Errorf("a cursor inside a line: %+v", c)
	}
}

func TestTailOfManyBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, `{"time":"2026-02-25T10:30:00Z","level":"info","message":"m","n":%d}`+"\n", i)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 999, 5000, 90000} {
		found, err := logs.Tail(path, limit)
		want := min(limit, logs.MaxLines)
		if err != nil || len(found) != want || found[0].Text != fmt.Sprintf("n=%d", 20000-want) || found[want-1].Text != "n=19999" {
			t.Errorf("limit %d: %d lines, %v", limit, len(found), err)
		}
	}
	if _, err := logs.Tail(t.TempDir(), 1); err == nil {
		t.Error("a folder was read")
	}
}

func TestParseForms(t *testing.T) {
	for _, row := range []struct{ line, level, source, message, text string }{
		{`{"time":"2026-02-25T10:30:00.5Z","level":"INFO","msg":"hi","source":"s","b":{"x":1},"a":[1,"2"],"e":"","n":null}`, "info", "s", "hi", `b={"x":1} a=[1,"2"] e="" n=null`},
		{`{"level":"info","msg":"Anthropic API Key: [REDACTED]"}`, "info", "", "Anthropic API Key: [REDACTED]", ""},
		{`time=2026-02-25T10:30:00Z level=warn message="a b" source=x k="v w"`, "warn", "x", "a b", `k="v w"`},
		{"panic: runtime error", "", "", "panic: runtime error", ""},
		{`{"level":"info"`, "", "", `{"level":"info"`, ""},
		{`{"level":"info"} trailing`, "", "", `{"level":"info"} trailing`, ""},
		{`[1]`, "", "", `[1]`, ""}, {"", "", "", "", ""},
		{`{"time":"yesterday","message":"x"}`, "", "", "x", "time=yesterday"},
	} {
		got := logs.Parse(row.line)
		if got.Level != row.level || got.Source != row.source || got.Message != row.message || got.Text != row.text || got.Raw != row.line {
			t.Errorf("%s\n got %+v", row.line, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"time":"2026-02-25T10:30:00Z","level":"info","message":"m","n":1}`)
	f.Add(`time=2026-02-25T10:30:00Z level=info message="m \" x" n=1`)
	f.Add(`{"message":1,"level":{},"message":"twice"}`)
	f.Fuzz(func(t *testing.T, line string) {
		got := logs.Parse(line)
		if got.Raw != line {
			t.Fatal("Raw is another line")
		}
		if utf8.ValidString(line) && line != "" && got.Message == "" && got.Text == "" && got.Level == "" && got.Source == "" && got.Time.IsZero() && strings.Contains(line, ":") && !strings.HasPrefix(strings.TrimSpace(line), "{") && !strings.HasPrefix(line, "time=") {
			t.Fatalf("nothing is left of %q", line)
		}
	})
}

// Of a long line that is not ended only its newest state is given, and nothing
// where its beginning is too far away to know a secret in it.
func TestTailFromALineThatIsNotEnded(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":        {"whole\n", ""},
		"a question":     {"whole\nGo on? [y/N] ", "Go on? [y/N] "},
		"nothing before": {"Go on? ", "Go on? "},
		"a long one":     {"whole\n" + strings.Repeat("x", 100_000), ""},
		"progress":       {"whole\n" + strings.Repeat("10 %\r", 50_000) + "11 %", strings.Repeat("10 %\r", 13106) + "11 %"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.log")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if c, err := logs.TailFrom(path, 0, 0, 0); err != nil || c.Open != test.want {
				t.Errorf("%v: %d bytes %.40q, want %d", err, len(c.Open), c.Open, len(test.want))
			}
		})
	}
}
