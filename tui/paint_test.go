package tui

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"openclaw/tui/pane"
)

// painted is a terminal that a frame is painted on, and what a person sees of it.
type painted struct {
	*terminal

	t        *testing.T
	file     *os.File
	emulator *pane.Emulator
}

func newPainted(t *testing.T, columns, rows int) *painted {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	p := &painted{newTerminal(file), t, file, pane.NewEmulator(columns, rows)}
	p.command(ansi.SetModeAltScreenSaveCursor)
	return p
}

// command is what Bubble Tea writes.
func (p *painted) command(s string) {
	p.t.Helper()
	if _, err := p.WriteString(s); err != nil {
		p.t.Fatal(err)
	}
}

// frame paints one and returns what was written for it and what is seen then.
func (p *painted) frame(frame string, columns, rows int) (wrote string, seen []string) {
	p.t.Helper()
	p.emulator.Resize(columns, rows)
	p.show(frame, columns, rows)
	did := p.paint()
	raw, err := os.ReadFile(p.file.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.file.Truncate(0); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.file.Seek(0, 0); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.emulator.Write(raw); err != nil {
		p.t.Fatal(err)
	}
	if did != strings.Contains(string(raw), syncBegin) || strings.Count(string(raw), syncBegin) > 1 || did && !strings.HasSuffix(string(raw), syncEnd) {
		p.t.Errorf("painted: %v, in %q", did, raw)
	}
	seen = make([]string, rows)
	picture := p.emulator.Picture()
	for _, line := range picture.Lines {
		for _, span := range line.Spans {
			seen[line.Row] += span.Text
		}
	}
	return string(raw), seen
}

func rowsOf(frame string, rows int) []string {
	out := make([]string, rows)
	for i, row := range strings.Split(ansi.Strip(frame), "\n") {
		out[i] = strings.TrimRight(row, " ")
	}
	return out
}

// same paints a frame and compares what is seen, colours and styles too, with what a
// terminal shows that this frame was written to whole.
func (p *painted) same(frame string, columns, rows int) {
	p.t.Helper()
	_, seen := p.frame(frame, columns, rows)
	whole := pane.NewEmulator(columns, rows)
	for i, row := range strings.Split(frame, "\n") {
		if _, err := whole.Write(append(moveTo([]byte(ansi.ResetModeAutoWrap), i), row...)); err != nil {
			p.t.Fatal(err)
		}
	}
	got, want := p.emulator.Picture().Lines, whole.Picture().Lines
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			p.t.Fatalf("row %d of %dx%d shows\n%+v, want\n%+v", i, columns, rows, got[i], want[i])
		}
	}
	for i, want := range rowsOf(frame, rows) {
		if got := strings.TrimRight(seen[i], " "); got != want {
			p.t.Fatalf("row %d of %dx%d shows\n%q, want\n%q", i, columns, rows, got, want)
		}
	}
}

// Whatever was shown before, a terminal shows the frame that was painted last, and
// nothing else.
func TestWhatIsPaintedIsSeen(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, d := range []*driver{atWork(t, true, 80, 24), chineseScreen(t, 80, 24)} {
		p := newPainted(t, 80, 24)
		columns, rows := 80, 24
		for range 400 {
			switch random.IntN(12) {
			case 0:
				columns, rows = 1+random.IntN(160), 1+random.IntN(50)
				d.s.resize(columns, rows)
			case 1:
				p.command(ansi.EraseEntireScreen)
			default:
				d.press(strings.Split("1 2 3 4 5 6 7 8 9 j k ? esc tab", " ")[random.IntN(14)])
			}
			p.same(d.s.view(), columns, rows)
		}
	}
}

func TestOnlyWhatChangedIsPainted(t *testing.T) {
	t.Parallel()
	p := newPainted(t, 10, 3)
	full := "0123456789"
	if wrote, seen := p.frame("one\n"+full+"\nthree", 10, 3); seen[1] != full || !strings.Contains(wrote, "one") {
		t.Errorf("%q shows %q", wrote, seen)
	}
	if wrote, _ := p.frame("one\n"+full+"\nthree", 10, 3); wrote != "" {
		t.Errorf("the same frame again: %q", wrote)
	}
	if wrote, _ := p.frame("one\n"+full+"\n3", 10, 3); strings.Contains(wrote, "one") || strings.Contains(wrote, full) || !strings.Contains(wrote, "3") {
		t.Errorf("one row changed: %q", wrote)
	}
	if _, seen := p.frame("one", 10, 3); seen[1] != "" || seen[2] != "" {
		t.Errorf("a shorter frame leaves %q", seen)
	}
	if n, err := p.Write([]byte("a frame of Bubble Tea's")); n != 23 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	p.command(ansi.ResetModeAltScreenSaveCursor) // an editor has it
	if wrote, _ := p.frame("two", 10, 3); strings.Contains(wrote, "two") || strings.Contains(wrote, "Bubble") {
		t.Errorf("painted over another program: %q", wrote)
	}
	p.command(ansi.SetModeAltScreenSaveCursor)
	if wrote, seen := p.frame("two", 10, 3); !strings.Contains(wrote, "two") || seen[0] != "two" {
		t.Errorf("back again: %q shows %q", wrote, seen)
	}
	if wrote, _ := p.frame("two", 12, 3); !strings.Contains(wrote, "two") {
		t.Errorf("after another size: %q", wrote)
	}
}

// Of a row only the cells that changed are written, and where nothing stands any more
// one sequence erases.
func TestOnlyTheCellsThatChangedAreWritten(t *testing.T) {
	t.Parallel()
	const row = "\x1b[1mopenclaw\x1b[m  running, all is as it was before   "
	p := newPainted(t, 60, 3)
	p.same(row+"12:00:01", 60, 3)
	for _, frame := range []string{
		row + "12:00:02", row, row + "漢字 and more", row + "漢y and more", row + "漢字 and more", row + "x漢字 and more",
		strings.Replace(row, "1m", "7m", 1) + "漢字 and more", row + "漢字 and more e\u0301", "", "\x1b[7m" + strings.Repeat(" ", 60) + "\x1b[m", " ",
	} {
		p.same(frame, 60, 3)
	}
	p.same(row+"12:00:01", 60, 3)
	for _, c := range []struct{ frame, lacks string }{{row + "12:00:02", "12"}, {row + "12:00:09 漢字", "12"}, {row + "12:00:09 漢x", "漢"}, {row, "running"}} {
		wrote, _ := p.frame(c.frame, 60, 3)
		if len(wrote) > 70 || strings.Contains(wrote, c.lacks) {
			t.Errorf("for %q %q is written", c.frame, wrote)
		}
	}
}
