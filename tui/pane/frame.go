package pane

import "unicode/utf8"

// Span is text that looks the same.
type Span struct {
	Text  string `json:"t"`
	Front int16  `json:"f"`
	Back  int16  `json:"b"`
	Marks Marks  `json:"m,omitempty"`
}

// Line is one row that changed.
type Line struct {
	Row   int    `json:"row"`
	Spans []Span `json:"spans,omitempty"`
}

// Frame is what a terminal shows, or what of it changed since the frame before.
type Frame struct {
	Columns int    `json:"columns"`
	Rows    int    `json:"rows"`
	Lines   []Line `json:"lines,omitempty"` // the first frame has every row
	// X and Y are where the cursor is; Y is -1 where none is seen.
	X int `json:"x"`
	Y int `json:"y"`
	// Up is how many lines the picture is above the newest, of History.
	Up      int `json:"up,omitempty"`
	History int `json:"history,omitempty"`

	KeysApplication bool   `json:"keys_application,omitempty"` // arrow keys send SS3
	Paste           bool   `json:"paste,omitempty"`            // pasted text is put in brackets
	Ended           bool   `json:"ended,omitempty"`
	Exit            string `json:"exit,omitempty"`
}

// spans are the cells of a row, without the empty ones at its end.
func spans(l line) []Span {
	end := len(l)
	for end > 0 && l[end-1].char == ' ' && l[end-1].style == (Style{Front: l[end-1].style.Front, Back: DefaultColour}) {
		end--
	}
	var out []Span
	var text []byte
	for i := 0; i < end; i++ {
		c := &l[i]
		if i == 0 || c.style != l[i-1].style && c.char != 0 {
			if len(text) > 0 {
				out[len(out)-1].Text = string(text)
				text = text[:0]
			}
			out = append(out, Span{Front: c.style.Front, Back: c.style.Back, Marks: c.style.Marks})
		}
		if c.char == 0 {
			continue
		}
		text = utf8.AppendRune(text, c.char)
		for _, mark := range c.marks {
			if mark != 0 {
				text = utf8.AppendRune(text, mark)
			}
		}
	}
	if len(out) > 0 {
		out[len(out)-1].Text = string(text)
	}
	return out
}

// Picture is all that is seen, at the newest lines.
func (e *Emulator) Picture() Frame { return e.frame(0, true) }

// frame is what is seen up lines above the newest. With all it has every row, else
// those that changed; it does not forget which these are.
func (e *Emulator) frame(up int, all bool) Frame {
	up = clamp(up, 0, len(e.history))
	f := Frame{Columns: e.columns, Rows: e.rows, X: e.cursor.x, Y: e.cursor.y, Up: up, History: len(e.history), KeysApplication: e.keysApp, Paste: e.paste}
	if e.hidden || up > 0 {
		f.Y = -1
	}
	from := len(e.history) - up
	for y := range e.rows {
		switch row := from + y; {
		case up > 0 && row < len(e.history):
			f.Lines = append(f.Lines, Line{Row: y, Spans: e.history[row]})
		case up > 0:
			f.Lines = append(f.Lines, Line{Row: y, Spans: spans(e.main[row-len(e.history)])})
		case all || e.dirty[y]:
			f.Lines = append(f.Lines, Line{Row: y, Spans: spans(e.main[y])})
		}
	}
	return f
}
