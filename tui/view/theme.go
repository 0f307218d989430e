package view

import "strings"

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
// its own background, so that it fits light and dark alike. Words and what Choose says
// change; nothing else.
type Theme struct {
	Words  *Words // the language of what is drawn
	sgr    [styleCount]string
	Glyphs Glyphs
	color  bool   // colours may be used
	ascii  bool   // nothing but ASCII may be used
	pure   bool   // nothing but ASCII is used
	bars   []rune // of a graph, from the least to the most
}

// NewTheme returns the default theme. Without color, bold and reverse stay:
// they carry the selection. With ascii, every glyph is an ASCII character.
// Nothing that Choose is told goes beyond either.
func NewTheme(color, ascii bool) *Theme {
	t := &Theme{color: color, ascii: ascii}
	t.Choose(ThemeAuto, GlyphsUnicode)
	return t
}

// The themes and glyphs that a person can choose.
const (
	ThemeAuto  = "auto"
	ThemeDark  = "dark"
	ThemeLight = "light"
	ThemeMono  = "mono"

	GlyphsUnicode = "unicode"
	GlyphsASCII   = "ascii"
)

// Choose puts colours and glyphs into force; words that it does not know, as from a
// newer gateway, are the default's. No theme asks a terminal what it is: dark has the
// bright ones of its 16 colours, light the dark ones without yellow, which is weak on
// white.
func (t *Theme) Choose(colours, glyphs string) {
	t.sgr = [styleCount]string{
		Bold: "\x1b[1m", Faint: "\x1b[2m", Selected: "\x1b[7m", Bad: "\x1b[1m", Warn: "\x1b[1m",
	}
	switch {
	case !t.color || colours == ThemeMono:
	case colours == ThemeDark:
		t.sgr[Good], t.sgr[Bad], t.sgr[Warn] = "\x1b[92m", "\x1b[91m", "\x1b[93m"
	case colours == ThemeLight:
		t.sgr[Good], t.sgr[Bad], t.sgr[Warn] = "\x1b[32m", "\x1b[31m", "\x1b[35m"
	default:
		t.sgr[Good], t.sgr[Bad], t.sgr[Warn] = "\x1b[32m", "\x1b[31m", "\x1b[33m"
	}
	t.pure = t.ascii || glyphs == GlyphsASCII
	t.bars = []rune("▁▂▃▄▅▆▇█")
	t.Glyphs = Glyphs{
		Cursor: "›", On: "●", Off: "○", Part: "▲", Yes: "✓", No: "✗", Dot: "·",
		Line: "─", Column: "│", Cross: "┬", More: "…", Up: "↑", Down: "↓", Bullet: "•", Arrow: "→",
	}
	if t.pure {
		t.bars = []rune("_.:-=+*#")
		t.Glyphs = Glyphs{
			Cursor: ">", On: "*", Off: "o", Part: "!", Yes: "+", No: "x", Dot: ".",
			Line: "-", Column: "|", Cross: "-", More: "~", Up: "^", Down: "v", Bullet: "*", Arrow: "->",
		}
	}
}

// asciiOf writes the marks that texts hold in ASCII, cell for cell. Letters of any
// script stay: they are what somebody wrote.
func asciiOf(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '…':
			return '~'
		case '→':
			return '>'
		case '×':
			return 'x'
		case '•', '·':
			return '*'
		}
		return r
	}, s)
}
