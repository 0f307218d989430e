package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// Wrapped, every word of a line in sight is there, the selected line is always in
// sight, and a click finds the line that its row belongs to.
func TestALongLineGoesOnInTheNextRow(t *testing.T) {
	long := strings.Repeat("word ", 60) + "END"
	var messages []string
	for i := range 30 {
		messages = append(messages, fmt.Sprint("first", i, " ", long, i))
	}
	v := newLogView(t, messages...)
	lines := func() string { // without the entry below them
		list, _, _ := strings.Cut(v.draw(), " ─ entry")
		return list
	}
	if frame := lines(); strings.Contains(frame, "END29") {
		t.Fatalf("not cut to begin with:\n%s", frame)
	}
	v.do(ActWrap)
	frame := lines()
	for _, want := range []string{"› 11:30:00", "first29 ", "END29", "first28 ", "END28"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	for line := range strings.Lines(frame) {
		if Width(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\x1b[7m", "")) > 100 {
			t.Errorf("wider than the window: %q", line)
		}
	}
	for i := range 29 {
		v.do(ActUp)
		if frame := lines(); !strings.Contains(frame, fmt.Sprint("END", 28-i)) || !strings.Contains(frame, fmt.Sprint("first", 28-i, " ")) {
			t.Fatalf("%d up: the selected line is not whole in sight:\n%s", i+1, frame)
		}
	}
	v.do(ActPageDown, ActPageDown)
	if v.index() < 2 || v.index() > 20 {
		t.Errorf("two pages down from the first is line %d", v.index())
	}
	rows := strings.Split(lines(), "\n")
	for y, row := range rows {
		if strings.Contains(row, "END") && y > 1 {
			_, number, _ := strings.Cut(row, "END")
			v.Point(3, y, 0)
			if got := fmt.Sprint("END", strings.Fields(number)[0]); !strings.HasSuffix(v.selected(), got) {
				t.Errorf("a click on the row of %s selects %q", got, v.selected())
			}
			break
		}
	}
	v.do(ActWrap, ActBottom)
	if frame := lines(); strings.Contains(frame, "END29") || !strings.Contains(frame, "first29") {
		t.Errorf("not cut again:\n%s", frame)
	}
	v.do(ActWrap)
	for _, size := range [][2]int{{1, 1}, {5, 3}, {60, 12}, {20, 40}, {300, 100}} {
		v.c.Reset(size[0], size[1])
		v.Draw(v.c)
		if v.c.Rows() > size[1] {
			t.Errorf("%v: %d rows", size, v.c.Rows())
		}
	}
}

// A record is shown as JSON: as it stands in the file where that is JSON, and else by
// its parts. All of it can be reached.
func TestARecordAsJSON(t *testing.T) {
	v := newLogView(t, "plain")
	raw := `{"time":"x","level":"WARN","msg":"denied","peer":{"ip":"192.0.2.1","tags":["<a>","b"]}`
	for i := range 40 {
		raw += fmt.Sprintf(`,"field%d":%d`, i, i)
	}
	v.data.Logs.Push(event.LogLine{Time: v.data.Now, Level: "WARN", Source: "sandbox", Message: "denied", Raw: raw + "}"})
	v.do(ActRecord)
	frame := v.draw()
	for _, want := range []string{"\n {\n", `   "msg": "denied",`, `     "ip": "192.0.2.1",`, `       "<a>",`, "more lines: enter"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	v.do(ActOpen)
	if frame = v.draw(); strings.Contains(frame, "field39") || !strings.Contains(frame, "more lines: ctrl+f") {
		t.Errorf("over the screen:\n%s", frame)
	}
	v.do(ActPageDown, ActPageDown, ActPageDown)
	if frame = v.draw(); !strings.Contains(frame, `"field39": 39`) || strings.Contains(frame, "more lines") || !strings.Contains(frame, "}") {
		t.Errorf("its end:\n%s", frame)
	}
	v.do(ActPageUp, ActPageUp, ActPageUp, ActPageUp)
	if frame = v.draw(); !strings.Contains(frame, `"msg": "denied"`) {
		t.Errorf("its beginning:\n%s", frame)
	}
	v.do(ActBack, ActUp)
	if frame = v.draw(); !strings.Contains(frame, `"message": "plain",`) || !strings.Contains(frame, `"raw": "raw plain"`) || strings.Contains(frame, "denied\",") {
		t.Errorf("a line that is not JSON:\n%s", frame)
	}
	v.do(ActRecord)
	if frame = v.draw(); strings.Contains(frame, `"message"`) {
		t.Errorf("not as words again:\n%s", frame)
	}
}

// What went wrong on the screen stands among the lines with its time, and alone on demand.
func TestErrorsAreKept(t *testing.T) {
	v := newLogView(t, "one", "two")
	v.level = 3
	v.data.Fault("not stored: the keychain is locked")
	v.data.Now = v.data.Now.Add(time.Minute)
	v.data.Mended("the gateway answers again")
	v.do(ActErrors)
	frame := v.draw()
	if !strings.Contains(frame, "11:30:00 ERROR screen    not stored: the keychain is locked") || !strings.Contains(frame, "11:31:00 INFO  screen    the gateway answers again") || strings.Contains(frame, " two") {
		t.Errorf("not alone:\n%s", frame)
	}
	v.do(ActErrors)
	if frame = v.draw(); !strings.Contains(frame, "1 of 4 rows  error+") || strings.Contains(frame, "filter:") {
		t.Errorf("not what was in sight before:\n%s", frame)
	}
	v.do(ActErrors, ActLevel, ActErrors)
	if frame = v.draw(); !strings.Contains(frame, "1 of 4") {
		t.Errorf("the level is not what it was:\n%s", frame)
	}
	if text := string(v.export()); !strings.Contains(text, "the keychain is locked\n") {
		t.Errorf("not in what is saved: %q", text)
	}
}
