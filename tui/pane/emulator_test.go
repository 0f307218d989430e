package pane

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// text is what the emulator shows, a line a row.
func text(e *Emulator) string {
	var b strings.Builder
	for _, l := range e.frame(0, true).Lines {
		var row strings.Builder
		for _, s := range l.Spans {
			row.WriteString(s.Text)
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

func TestSequencesBecomeCells(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text wraps", "abcdefghijklm", "abcdefghij\nklm"},
		{"a full row does not wrap yet", "abcdefghij\r\nx", "abcdefghij\nx"},
		{"scrolls", "1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"},
		{"cursor", "\x1b[2;3Hx\x1b[Ay\x1b[2Dz", "  zy\n  x"},
		{"erase", "abcdef\x1b[3D\x1b[K\r\nxyz\x1b[1K", "abc"},
		{"erase all", "abc\x1b[2J\x1b[Hd", "d"},
		{"insert and delete", "abcdef\x1b[1;2H\x1b[2@\x1b[1;7H\x1b[P", "a  bcdf"},
		{"lines", "a\r\nb\r\nc\x1b[2;1H\x1b[Lx\x1b[3;1H\x1b[M", "a\nx\nc"},
		{"region", "\x1b[2;3ra\r\nb\r\nc\r\nd\r\ne", "a\nd\ne"},
		{"reverse index", "a\x1b[H\x1bMb", "b\na"},
		{"alternate", "main\x1b[?1049halt\x1b[?1049l!", "main!"},
		{"in it", "main\x1b[?1049h\x1b[Halt", "alt"},
		{"wide", "漢字\x1b[1;2Hx", " x字"},
		{"wide at the edge", "abcdefghi漢", "abcdefghi\n漢"},
		{"combining", "e\u0301o\u0302\u0303\u0304", "e\u0301o\u0302\u0303"},
		{"direction", "a\u202eb\u200fc\u2066d", "abcd"},
		{"right to left", "שלום", "שלום"},
		{"joiners", "👩\u200d💻", "👩💻"},
		{"drawing", "\x1b(0lqk\x1b(Bq", "┌─┐q"},
		{"tabs", "a\tb", "a       b"},
		{"repeats", "x\x1b[4b", "xxxxx"},
		{"no wrap", "\x1b[?7labcdefghijklm", "abcdefghim"},
		{"insert mode", "bc\x1b[4h\x1b[Ha", "abc"},
		{"titles, clipboards, links, images", "a\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\b\x1bP1;1q#0~\x1b\\\x1b_Gx\x1b\\\x1b^pm\x1b\\c", "abc"},
		{"an endless title", "\x1b]0;" + strings.Repeat("x", 100_000) + "\x07y", "y"},
		{"numbers without end", "\x1b[99999999999999999999;9999999999Hx\x1b[999999999999b\x1b[9999999Ly", "xxxxxxxxxx\nxxxxxxxxxx\nxxxxxxxxxx\ny"},
		{"not UTF-8", "a\xff\xfe\xc3(b", "a\ufffdb"},
		{"reset", "abc\x1bcd", "d"},
	} {
		e := NewEmulator(10, 4)
		_, _ = e.Write([]byte(c.in))
		if got := text(e); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestStylesAreKept(t *testing.T) {
	for in, want := range map[string]Span{
		"\x1b[31;44mx":                  {Front: 1, Back: 4},
		"\x1b[1;3;4;7;9mx":              {Front: -1, Back: -1, Marks: Bold | Italic | Underline | Reverse | Struck},
		"\x1b[1;4m\x1b[22;24mx":         {Front: -1, Back: -1},
		"\x1b[38;5;200mx":               {Front: 200, Back: -1},
		"\x1b[38;2;255;0;0;1mx":         {Front: 196, Back: -1, Marks: Bold},
		"\x1b[48:2::0:0:255mx":          {Front: -1, Back: 21},
		"\x1b[38:2:255:0:0mx":           {Front: 196, Back: -1},
		"\x1b[38;5mx":                   {Front: -1, Back: -1},
		"\x1b[4:3;58:2::1:2:3;91;107mx": {Front: 9, Back: 15, Marks: Underline},
		"\x1b[31m\x1b[mx":               {Front: -1, Back: -1},
		"\x1b[38;2;128;128;128mx":       {Front: 244, Back: -1},
		"\x1b[38;5;999mx":               {Front: -1, Back: -1},
	} {
		e := NewEmulator(10, 1)
		_, _ = e.Write([]byte(in))
		got := e.frame(0, true).Lines[0].Spans
		want.Text = "x"
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func TestLinesAboveAreKeptAndBounded(t *testing.T) {
	e := NewEmulator(10, 3)
	for i := range 5 * maxHistory {
		_, _ = fmt.Fprintf(e, "%d\r\n", i)
	}
	if n := len(e.history); n > maxHistory || n < maxHistory/2 {
		t.Errorf("%d lines are kept", n)
	}
	f := e.frame(1, false)
	if got := f.Lines[0].Spans[0].Text; got != fmt.Sprint(5*maxHistory-3) || f.Up != 1 || f.Y != -1 {
		t.Errorf("one up is %q: %+v", got, f)
	}
	_, _ = e.Write([]byte("\x1b[?1049h" + strings.Repeat("x\r\n", 50)))
	if n := e.above; n != uint64(5*maxHistory-2) {
		t.Errorf("what a program drew over the screen became history: %d", n)
	}
}

func TestRepliesAreFewAndFixed(t *testing.T) {
	e := NewEmulator(10, 4)
	_, _ = e.Write([]byte("\x1b[2;3H\x1b[5n\x1b[6n\x1b[c\x1b[>c\x1b]10;?\x07\x1b]52;c;?\x07\x1bP$qm\x1b\\\x1b[21t\x1b[?996n"))
	if got := string(e.Replies()); got != "\x1b[0n\x1b[2;3R\x1b[?62;22c\x1b[>0;0;0c" {
		t.Errorf("%q", got)
	}
	_, _ = e.Write([]byte(strings.Repeat("\x1b[6n", 100_000)))
	if n := len(e.Replies()); n > maxReplies {
		t.Errorf("%d bytes of answers", n)
	}
}

// FuzzEmulator: whatever a program writes, in whatever sizes, becomes printable
// characters that fit, and nothing else.
func FuzzEmulator(f *testing.F) {
	f.Add([]byte("abc\x1b[2J\x1b[5;5H漢字\x1b[?1049h\x1b[2;3r\x1bM\x1b[L"), uint8(10), uint8(4), uint8(3), uint8(9))
	f.Add([]byte("\x1bM\x1b[P\x1b[@\x1b[b\x1b[X\x1b[1J\x1b[Z\t\x1b[I"), uint8(0), uint8(0), uint8(80), uint8(24))
	f.Add([]byte("漢\x1b[4h\x1b[D\x1b[P漢\u0301\u202e\x1b[?6h\x1b[99;99H\x1b7\x1b[?1048h\x1b8"), uint8(2), uint8(2), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, columns, rows, nextColumns, nextRows uint8) {
		e := NewEmulator(int(columns), int(rows))
		_, _ = e.Write(in[:len(in)/2])
		e.Resize(int(nextColumns), int(nextRows))
		_, _ = e.Write(in[len(in)/2:])
		for _, up := range []int{0, 1, maxHistory} {
			frame := e.frame(up, true)
			if len(frame.Lines) != e.rows || frame.X < 0 || frame.X >= e.columns || frame.Y < -1 || frame.Y >= e.rows {
				t.Fatalf("%d lines of %d, cursor at %d %d", len(frame.Lines), e.rows, frame.X, frame.Y)
			}
			for _, l := range frame.Lines {
				width := 0
				for _, s := range l.Spans {
					for _, r := range s.Text {
						if !unicode.IsPrint(r) {
							t.Fatalf("%q is not printable", s.Text)
						}
						width += ansi.StringWidth(string(r))
					}
				}
				if up == 0 && width > e.columns {
					t.Fatalf("a row of %d cells in %d: %+v", width, e.columns, l.Spans)
				}
			}
		}
		for y, row := range e.main {
			for x := range row {
				if half := x+1 < len(row) && row[x+1].char == 0; wide(row[x].char) != half {
					t.Fatalf("row %d, cell %d: a wide character and its other half are not together: %+v", y, x, spans(row))
				}
			}
			if len(row) > 0 && row[0].char == 0 {
				t.Fatalf("row %d begins with half a character", y)
			}
		}
	})
}

// BenchmarkEmulator is how fast a terminal takes what a program writes.
func BenchmarkEmulator(b *testing.B) {
	for name, piece := range map[string]string{
		"plain":   strings.Repeat("the quick brown fox jumps over the lazy dog, again\r\n", 100),
		"colours": strings.Repeat("\x1b[31mthe\x1b[0m \x1b[1;38;5;200mquick\x1b[m brown fox\x1b[K\r\n", 100),
		"wide":    strings.Repeat("敏捷的棕色狐狸跳过懒狗\r\n", 100),
	} {
		b.Run(name, func(b *testing.B) {
			e := NewEmulator(120, 36)
			b.SetBytes(int64(len(piece)))
			for b.Loop() {
				_, _ = e.Write([]byte(piece))
			}
		})
	}
}
