package view

// Style is an index into a Theme's table of escape sequences.
type Style uint8

// The styles. What they say is always said by a word or a glyph as well.
const (
	Plain Style = iota
	Bold
	Faint
	Good
	Bad
	Warn
	Selected
	styleCount
)

// Glyphs are the marks that stand beside words.
type Glyphs struct {
	Cursor, On, Off, Part  string
	Yes, No, Dot           string
	Line, Column, Cross    string
	More, Up, Down, Bullet string
	Arrow                  string
}

// Theme turns styles into escape sequences of the terminal's own 16 colours and
// its own background, so that it fits light and dark alike. Only Words ever changes.
type Theme struct {
	Words  *Words // the language of what is drawn
	sgr    [styleCount]string
	Glyphs Glyphs
}

// NewTheme returns the default theme. Without color, bold and reverse stay:
// they carry the selection. With ascii, every glyph is an ASCII character.
func NewTheme(color, ascii bool) *Theme {
	t := &Theme{}
	t.sgr = [styleCount]string{
		Bold: "\x1b[1m", Faint: "\x1b[2m", Selected: "\x1b[7m", Bad: "\x1b[1m", Warn: "\x1b[1m",
	}
	if color {
		t.sgr[Good], t.sgr[Bad], t.sgr[Warn] = "\x1b[32m", "\x1b[31m", "\x1b[33m"
	}
	t.Glyphs = Glyphs{
		Cursor: "›", On: "●", Off: "○", Part: "▲", Yes: "✓", No: "✗", Dot: "·",
		Line: "─", Column: "│", Cross: "┬", More: "…", Up: "↑", Down: "↓", Bullet: "•", Arrow: "→",
	}
	if ascii {
		t.Glyphs = Glyphs{
			Cursor: ">", On: "*", Off: "o", Part: "!", Yes: "+", No: "x", Dot: ".",
			Line: "-", Column: "|", Cross: "-", More: "~", Up: "^", Down: "v", Bullet: "*", Arrow: "->",
		}
	}
	return t
}
