package tui

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

func heldAsk(id, target string) event.Event {
	return event.Event{Kind: event.KindAsk, Time: demoTime(28), Ask: &event.Ask{
		ID: id, State: event.AskWaiting, Agent: "coder", Class: "net", Operation: "connect", Target: target, Count: 1, First: demoTime(28), Last: demoTime(28), Deadline: demoTime(600), Matches: []string{"exact"},
	}}
}

// However the inbox is sorted, what waits for an answer stands above the rest, and
// nothing that comes moves a row from under the person's cursor or answers one.
func TestASortedInboxKeepsWhatWaitsAbove(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}} {
		d, b := inboxAt(t, size[0], size[1])
		d.event(b.script...)
		frame := strip(d.press("3", "o", "o"))
		if !strings.Contains(frame, "by TARGET") {
			t.Fatalf("%v: not sorted:\n%s", size, frame)
		}
		if got := order(frame, "mirror.example.test", "registry.example.test", "todo.md"); !strings.HasPrefix(got, "todo.md mirror.example.test registry.example.test") {
			t.Errorf("%v: what waits is %q:\n%s", size, got, frame)
		}
		for i, line := range inboxRows(frame) {
			if waits := strings.Contains(line, "? ask"); waits != (i < 3) {
				t.Errorf("%v: row %d: %q", size, i, line)
			}
		}
		d.press("j")
		before := chosenRow(t, strip(d.frame()))
		row := demoDenial("late", 27, 1, "coder", "net", "connect", "aaa.example.test:443", "sh", builtIn("x"), "r", "egress")
		d.event(heldAsk("later1", "aaa.example.test:1"), event.Event{Kind: event.KindDenial, Time: row.Last, Denial: &row})
		frame = strip(d.frame())
		if got := chosenRow(t, frame); got != before {
			t.Errorf("%v: the cursor was on %q and is on %q", size, before, got)
		}
		if rows := inboxRows(strip(d.press("g"))); !strings.Contains(rows[3], "aaa.example.test:1") || strings.Contains(rows[0], "aaa") || !strings.Contains(rows[4], "aaa.example.test:443") {
			t.Errorf("%v: what came is not below what waited:\n%s", size, strip(d.frame()))
		}
		d.press("a")
		if got := strings.Join(b.told, ", "); !strings.HasPrefix(got, "allow ") || len(b.told) != 1 {
			t.Errorf("%v: told %q", size, got)
		}
	}
}

// rowsOf are the rows of the list.
func inboxRows(frame string) (rows []string) {
	for line := range strings.Lines(frame) {
		row, _, _ := strings.Cut(line, "│")
		if strings.HasPrefix(line, " ─ ") {
			break
		}
		if strings.Contains(row, "? ask") || strings.Contains(row, "✗ ") && !strings.Contains(row, "denied/h") && !strings.Contains(row, "[3 ") {
			rows = append(rows, row)
		}
	}
	return rows
}

// chosenRow is the target of the row with the cursor.
func chosenRow(t *testing.T, frame string) string {
	t.Helper()
	for line := range strings.Lines(frame) {
		if row, _, _ := strings.Cut(line, "│"); strings.HasPrefix(row, " › ") {
			for word := range strings.FieldsSeq(row) {
				if strings.ContainsAny(word, ":/") && strings.ContainsAny(word, "abcdefghijklmnopqrstuvwxyz.") {
					return word
				}
			}
			return row
		}
	}
	t.Fatalf("no cursor:\n%s", frame)
	return ""
}

// Standing still moves nothing, and going on moves nothing but what came.
func TestASortedInboxStandsStillAsItStands(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.event(b.script...)
	before := inboxRows(strip(d.press("3", "o", "o")))
	if after := inboxRows(strip(d.press("p"))); len(before) < 8 || !slices.Equal(before, after) {
		t.Errorf("it stood as\n%s\nand stands still as\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	d.event(heldAsk("later", "later.example.test:443"))
	after := inboxRows(strip(d.press("p")))
	if !strings.Contains(after[3], "later.example.test") || !slices.Equal(slices.Delete(after, 3, 4), before) {
		t.Errorf("it goes on as\n%s", strings.Join(after, "\n"))
	}
}

// What is answered stands with the rest at once, also where no row came or left.
func TestWhatIsAnsweredLeavesTheTop(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.event(b.script...)
	d.press("3", "o", "o", "d")
	d.event(event.Event{Kind: event.KindAsk, Ask: ask(t, b, "9e33a0")})
	rows := inboxRows(strip(d.frame()))
	if !strings.Contains(rows[0], "mirror.example.test") || !strings.Contains(rows[1], "registry.example.test") || strings.Contains(strings.Join(rows[:2], ""), "todo.md") {
		t.Errorf("it stands as\n%s", strings.Join(rows, "\n"))
	}
}

// Sorting brings another request under the cursor; the keys that answer it wake only
// after it was in sight, as ever.
func TestSortingWakesNoKeys(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3")
	d.s.key(letter("o"))
	d.s.key(letter("a")) // nothing was drawn in between
	d.frame()
	d.at = d.at.Add(100 * time.Millisecond)
	d.s.key(letter("o"))
	d.frame()
	d.at = d.at.Add(100 * time.Millisecond)
	d.s.key(letter("a"))
	d.frame()
	if len(b.told) > 0 {
		t.Errorf("told %q", b.told)
	}
	d.press("a")
	if len(b.told) != 1 {
		t.Errorf("after a second it is told %q", b.told)
	}
}

// An inbox that stands still hides what comes, says that some of it waits for an
// answer, answers none of that, and shows it when it is asked for.
func TestAnInboxThatStandsStill(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3", "p")
	d.event(heldAsk("hidden", "hidden.example.test:443"))
	frame := strip(d.frame())
	if strings.Contains(listOf(frame), "hidden.example.test") || !strings.Contains(frame, "stands still, 1 new, 1 held request (p goes on)") {
		t.Errorf("it moves, or does not say so:\n%s", frame)
	}
	d.press("D", "y") // all of coder's connections
	if got := strings.Join(b.told, ", "); got != "deny 4f2a91, deny c0ffee" {
		t.Errorf("told %q: what was not shown may not be answered", got)
	}
	for range 4 {
		if frame = strip(d.press("n")); strings.Contains(frame, "ask hidden") {
			break
		}
	}
	if !strings.Contains(frame, "› ? ask") || !strings.Contains(frame, "ask hidden") || strings.Contains(frame, "stands still") {
		t.Errorf("n does not show it:\n%s", frame)
	}
	b.told = nil
	d.event(heldAsk("filtered", "other.example.test:443"))
	d.press("/", "type:target:hidden", "enter", "D")
	if frame = strip(d.frame()); !strings.Contains(frame, "Deny 1 request?") {
		t.Errorf("a filter hides one of two:\n%s", frame)
	}
}

func listOf(frame string) string {
	var list strings.Builder
	for line := range strings.Lines(frame) {
		row, _, _ := strings.Cut(line, "│")
		list.WriteString(row + "\n")
	}
	return list.String()
}

// The answer to a denial takes its place, also in a list that stands still.
func TestAnAnswerStandsWhereTheDenialStood(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.event(b.script...)
	d.press("3", "p", "j", "j", "j", "a", "m", "m", "a", "y")
	d.event(event.Event{Kind: event.KindAsk, Ask: ask(t, b, "denial-d6")})
	if frame := strip(d.frame()); !strings.Contains(frame, "› ✓ always") || strings.Contains(frame, "1 new") {
		t.Errorf("the answer is hidden:\n%s", frame)
	}
}

// Agents are sorted by a key of their own, since o shows a run's output there.
func TestAgentsAreSorted(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.press("4")
	names := []string{"coder", "legacy", "reviewer"}
	if got := order(d.frame(), names...); !strings.HasPrefix(got, "coder legacy reviewer") {
		t.Errorf("by name: %q", got)
	}
	if frame := d.press("O"); !strings.HasPrefix(order(frame, names...), "legacy coder reviewer") || !strings.Contains(strip(frame), "by STATE") {
		t.Errorf("by state:\n%s", strip(frame))
	}
	if frame := d.press("O", "O", "O"); !strings.HasPrefix(order(frame, names...), "coder reviewer legacy") || !strings.Contains(strip(frame), "by denials") {
		t.Errorf("by denials:\n%s", strip(frame))
	}
	if frame := d.press("O", "O", "p"); !strings.HasPrefix(order(frame, names...), "coder legacy reviewer") || !strings.Contains(strip(frame), "stands still") {
		t.Errorf("as they come:\n%s", strip(frame))
	}
	d.event(event.Event{Kind: event.KindAgent, Agent: &event.Agent{Name: "newcomer", State: "stopped"}})
	if frame := strip(d.frame()); strings.Contains(frame, "newcomer") || !strings.Contains(frame, "stands still, 1 new") {
		t.Errorf("it moves:\n%s", frame)
	}
}

// Marked secrets are named in the question, tested and deleted together, and copied by
// their names; no value is.
func TestMarkedSecrets(t *testing.T) {
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	d := newDriver(t, b, false, 120, 36)
	frame := strip(d.press("6", "m", "j", "j", "m"))
	if !strings.Contains(frame, "2 marked") || strings.Count(frame, "•") < 2 {
		t.Fatalf("two are not marked:\n%s", frame)
	}
	d.press("y")
	_, encoded, _ := strings.Cut(d.s.clipboard, ";c;")
	if text, _ := base64.StdEncoding.DecodeString(strings.TrimRight(encoded, "\x07\x1b\\")); string(text) != "anthropic\ntoken/gateway" {
		t.Errorf("copied %q", text)
	}
	if frame = strip(d.press("T")); !strings.Contains(frame, "all 2 resolve; providers take 1 of them") {
		t.Errorf("tested:\n%s", frame)
	}
	if frame = strip(d.press("k", "m", "T")); !strings.Contains(frame, "1 of 3 do not work: openai") {
		t.Errorf("one of them is missing:\n%s", frame)
	}
	if frame = strip(d.press("d")); !strings.Contains(frame, "Delete 2 secrets: anthropic, token/gateway?") {
		t.Errorf("the question:\n%s", frame)
	}
	d.press("n")
	if frame = strip(d.frame()); !strings.Contains(frame, "token/gateway") {
		t.Fatalf("no, and it deletes:\n%s", frame)
	}
	d.press("d", "y")
	if list := fmt.Sprint(b.world.secrets); strings.Contains(list, "anthropic") || strings.Contains(list, "token/gateway") || !strings.Contains(list, "openai") {
		t.Errorf("deleted: %s", list)
	}
	if frame = strip(d.frame()); strings.Contains(frame, "marked") {
		t.Errorf("the marks of what is gone stay:\n%s", frame)
	}
}

// Secrets that need something come first when they are sorted by their state.
func TestSecretsAreSorted(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.press("6")
	names := []string{"anthropic", "openai", "token/gateway"}
	if frame := d.press("o", "o"); !strings.HasPrefix(order(frame, names...), "openai ") || !strings.Contains(strip(frame), "by STATE") {
		t.Errorf("by state:\n%s", strip(frame))
	}
	sound(t, d.frame(), 120, 36)
}

func letter(text string) view.Key { return view.Key{Text: []rune(text)} }

// Keys that come in one burst, or at a screen too small to draw, and rows that leave
// before the next frame, are no reason to fall over.
func TestKeysBetweenTwoFrames(t *testing.T) {
	for _, view := range []string{"2", "3", "4", "6", "7"} {
		d := atWork(t, false, 120, 36)
		d.press(view)
		for _, burst := range []string{"pjjkG", "ojGmj", "ppGo", "Gok", " j"} {
			d.s.key(letter(burst))
			d.frame()
		}
		d.press("esc", "G", "p")
		d.s.data.Connections.Replace(nil)
		d.s.data.Denials.Replace(nil)
		d.s.data.Asks.Replace(nil)
		d.s.data.LoadAgents(nil)
		d.s.data.Secrets, d.s.data.Audit = nil, nil
		d.s.key(letter("kojpmyYG"))
		sound(t, d.frame(), 120, 36)
	}
}

// Who leaves while requests are held is told, in words that fit.
func TestQuitTellsOfHeldRequests(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {60, 16}} {
		d, _ := inboxAt(t, size[0], size[1])
		if frame := strip(d.press("q")); !strings.Contains(frame, "waiting for an answer: 3 held requests") {
			t.Errorf("%v: it does not say so:\n%s", size, frame)
		}
		d = noAsks(t, false, size[0], size[1])
		if frame := strip(d.press("q")); strings.Contains(frame, "waiting for an answer") {
			t.Errorf("%v: nothing waits:\n%s", size, frame)
		}
	}
}

// w says why a connection, or a request that is tried, is as it is: each rule that was
// looked at, in order.
func TestWhyIsAskedOfConnectionsAndTrials(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.press("2", "/", "type:kind:net", "enter")
	if frame := strip(d.frame()); !strings.Contains(frame, "w why") || strings.Contains(frame, "looked at, in order") {
		t.Errorf("nothing offers it:\n%s", frame)
	}
	frame := strip(d.press("w"))
	if !strings.Contains(frame, "the policy says now") || !strings.Contains(frame, "✓ allow") || !strings.Contains(frame, "looked at, in order") || !strings.Contains(frame, "1 → matches  allowed_domains:") {
		t.Errorf("no rules:\n%s", frame)
	}
	if frame = strip(d.press("w")); strings.Contains(frame, "looked at, in order") {
		t.Errorf("not back:\n%s", frame)
	}
	if frame = strip(d.press("/", "ctrl+u", "type:kind:unix", "enter", "w")); strings.Contains(frame, "looked at, in order") || strings.Contains(frame, "w why") {
		t.Errorf("no policy is about a client:\n%s", frame)
	}
	if frame = strip(d.press("4", "w")); !strings.Contains(frame, "t tries a request; then w shows every rule") {
		t.Errorf("with nothing tried:\n%s", frame)
	}
	if frame = strip(d.press("t", "type:connect registry.example.test:443", "enter", "w")); !strings.Contains(frame, "the policy says now") || !strings.Contains(frame, "✗ deny") || !strings.Contains(frame, "looked at, in order") {
		t.Errorf("the request that is tried:\n%s", frame)
	}
	if frame = strip(d.press("esc")); strings.Contains(frame, "looked at, in order") || !strings.Contains(frame, "policy 8d21") {
		t.Errorf("esc does not end it:\n%s", frame)
	}
}

// What passes of the audit log is written to a new file, as it stands in the log.
func TestRecordsAreSaved(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.s.home = t.TempDir()
	d.press("7", "/", "type:who:coder", "enter", "ctrl+s")
	files, err := filepath.Glob(filepath.Join(d.s.home, "openclaw-audit-*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v:\n%s", files, err, strip(d.frame()))
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), `"user":"coder"`) {
		t.Errorf("%v: %s", err, text)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// The state of a row is a whole word.
func TestTheStateOfARowIsWhole(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3", "s", "a", "y")
	d.event(event.Event{Kind: event.KindAsk, Ask: ask(t, b, "4f2a91")})
	if frame := strip(d.frame()); !strings.Contains(frame, "✓ run  ") || strings.Contains(frame, "✓ this") {
		t.Errorf("allowed for the run:\n%s", frame)
	}
}

// The same keys on a real terminal. Each is followed by what nothing but it shows.
func TestRealTerminalSortsMarksAndKeepsErrors(t *testing.T) {
	s := startTmux(t, "demo", 120, 36)
	s.until("registry.example.test")
	for _, step := range [][2]string{
		{"3", "ask 4f2a91"}, {"o", "by AGENT"}, {"p", "stands still"}, {"6", "[6 Secrets]"}, {"m", "1 marked"}, {"o", "by STORE"},
		{"4", "config.yaml:14"}, {"t", "typing:"}, {"-l connect x.example:1", "w says why"}, {"Enter", "t test"}, {"w", "looked at, in order"}, {"O", "by STATE"},
		{"5", "[5 Logs]"}, {"v", `  "raw": "`}, {"e", "Nothing went wrong here"}, {"q", "waiting for an answer: 3 held requests"},
	} {
		s.keys(strings.SplitN(step[0], " ", 2)...)
		s.until(step[1])
	}
	s.keys("l")
	s.restored("ended: stop = false error = <nil>")
}
