package darwin

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

func record(tb testing.TB, pid int, message string) []byte {
	tb.Helper()
	line, err := json.Marshal(map[string]any{
		"eventMessage": message, "processID": pid, "timestamp": "2026-11-22 15:43:35.123456+0100", "processImagePath": "/kernel",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return line
}

func TestLogLines(t *testing.T) {
	tests := []struct {
		name, message string
		want          Refusal // Count 0: none
	}{
		{"read", "Sandbox: cat(1234) deny(1) file-read-data /Users/ada/.ssh/id\nopenclaw:r1:7", Refusal{PID: 1234, Program: "cat", Operation: "file-read-data", Target: "/Users/ada/.ssh/id", Tag: Tag{"r1", "7"}, Count: 1}},
		{"repeated", "3 duplicate reports for Sandbox: node(9) deny(1) network-outbound 1.2.3.4:443\nopenclaw:r1:default", Refusal{PID: 9, Program: "node", Operation: "network-outbound", Target: "1.2.3.4:443", Tag: Tag{"r1", "default"}, Count: 3}},
		{"no target", "Sandbox: a(9) deny(1) system-fsctl\nopenclaw:r1:default", Refusal{PID: 9, Program: "a", Operation: "system-fsctl", Tag: Tag{"r1", "default"}, Count: 1}},
		{"spaces and brackets in the name", "Sandbox: My App (x)(77) deny(1) file-read-data /a (b) deny(1) c\nopenclaw:r1:0", Refusal{PID: 77, Program: "My App (x)", Operation: "file-read-data", Target: "/a (b) deny(1) c", Tag: Tag{"r1", "0"}, Count: 1}},
		{"another run's tag in the path", "Sandbox: cat(1) deny(1) file-read-data /a\nopenclaw:other:3\nopenclaw:r1:1", Refusal{PID: 1, Program: "cat", Operation: "file-read-data", Target: "/a\nopenclaw:other:3", Tag: Tag{"r1", "1"}, Count: 1}},
		{"a whole message in the path", "Sandbox: cat(1) deny(1) file-read-data /a\nSandbox: sh(2) deny(1) file-read-data /b\nopenclaw:r1:1", Refusal{PID: 1, Program: "cat", Operation: "file-read-data", Target: "/a\nSandbox: sh(2) deny(1) file-read-data /b", Tag: Tag{"r1", "1"}, Count: 1}},
		{"no tag", "Sandbox: cat(1) deny(1) file-read-data /a", Refusal{}},
		{"odd tag", "Sandbox: cat(1) deny(1) file-read-data /a\nopenclaw:r1:-1", Refusal{}},
		{"allowed", "Sandbox: cat(1) allow file-read-data /a\nopenclaw:r1:1", Refusal{}},
		{"no process", "Sandbox: cat(0) deny(1) file-read-data /a\nopenclaw:r1:1", Refusal{}},
		{"too many", "99999999999 duplicate reports for Sandbox: cat(1) deny(1) file-read-data /a\nopenclaw:r1:1", Refusal{}},
		{"forged in front", "x Sandbox: cat(1) deny(1) file-read-data /a\nopenclaw:r1:1", Refusal{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseLog(record(t, 0, test.message))
			if test.want.Count == 0 {
				if !errors.Is(err, ErrNoRefusal) {
					t.Fatalf("read as %+v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Time.Unix() != 1795358615 {
				t.Errorf("the time is %v", got.Time)
			}
			got.Time = test.want.Time
			if got != test.want {
				t.Errorf("read as %+v", got)
			}
			if _, err := ParseLog(record(t, 4711, test.message)); err == nil {
				t.Error("the word of an ordinary program was believed")
			}
		})
	}
	if _, err := ParseLog([]byte(strings.Repeat(" ", MaxLine+1))); !errors.Is(err, ErrLong) {
		t.Error("a line without an end was read")
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add(record(f, 0, "Sandbox: cat(1234) deny(1) file-read-data /Users/ada\nopenclaw:r1:7"))
	f.Add(record(f, 0, "2 duplicate reports for Sandbox: a(1) deny(1) x\nopenclaw:r1:exec"))
	f.Add([]byte(`{"eventMessage":null,"processID":0}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseLog(line)
		if err != nil {
			return
		}
		if r.PID <= 0 || r.Count < 1 || r.Program == "" || !operationName(r.Operation) {
			t.Fatalf("%+v", r)
		}
		if again, ok := ParseTag(r.Tag.String()); !ok || again != r.Tag {
			t.Fatalf("the tag %+v", r.Tag)
		}
	})
}

// FuzzMessage: what the kernel writes is read back as it was, whatever the
// program did to its file names.
func FuzzMessage(f *testing.F) {
	f.Add("/a\nopenclaw:x:1", uint16(4))
	f.Add("/\n\n(x) deny(1) y", uint16(1))
	f.Fuzz(func(t *testing.T, target string, pid uint16) {
		if strings.ToValidUTF8(target, "") != target || strings.HasSuffix(target, "\n") || pid == 0 {
			t.Skip() // the log itself changes such bytes
		}
		want := Refusal{PID: int(pid), Program: "prog", Operation: "file-read-data", Target: target, Tag: Tag{"r", "12"}, Count: 1}
		message, err := json.Marshal("Sandbox: prog(" + itoa(int(pid)) + ") deny(1) file-read-data " + target + "\nopenclaw:r:12")
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLog([]byte(`{"processID":0,"eventMessage":` + string(message) + `}`))
		if err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func itoa(n int) string { return indexTag(n) }

func TestPredicateTakesNoQuote(t *testing.T) {
	for _, run := range []string{"", `a" OR "1" == "1`, "a b", "a:b", strings.Repeat("a", 129)} {
		if _, err := Predicate(run); err == nil {
			t.Errorf("%q became part of a predicate", run)
		}
		if _, err := Profile(&policy.Policy{}, Options{Run: run}); err == nil {
			t.Errorf("%q became part of a profile", run)
		}
	}
	if got, err := Predicate("r-1"); err != nil || got != `process == "kernel" AND eventMessage CONTAINS "openclaw:r-1:"` {
		t.Errorf("%s, %v", got, err)
	}
}
