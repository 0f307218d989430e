package pane

import "github.com/charmbracelet/x/ansi"

// DefaultColour is the terminal's own.
const DefaultColour int16 = -1

// Style is how a character looks. Colours are those of the palette of 256; what a
// program asks for beyond them is the nearest of those.
type Style struct {
	Front, Back int16
	Marks       Marks
}

// Marks are the attributes of a character.
type Marks uint8

// The attributes.
const (
	Bold Marks = 1 << iota
	Faint
	Italic
	Underline
	Reverse
	Hidden
	Struck
)

// Default is how text looks that says nothing of it.
var Default = Style{Front: DefaultColour, Back: DefaultColour} //nolint:gochecknoglobals // a constant in all but the language

// set obeys the parameters of SGR.
func (s *Style) set(params ansi.Params) {
	if len(params) == 0 {
		*s = Default
	}
	for i := 0; i < len(params); i++ {
		n := params[i].Param(0)
		switch {
		case n == 0:
			*s = Default
		case n >= 1 && n <= 9 && marksOf[n] != 0:
			if n == 4 && params[i].HasMore() { // 4:0 takes the line away
				i++
				if i < len(params) && params[i].Param(1) == 0 {
					s.Marks &^= Underline
					continue
				}
			}
			s.Marks |= marksOf[n]
		case n == 21:
			s.Marks |= Underline
		case n == 22:
			s.Marks &^= Bold | Faint
		case n >= 23 && n <= 29:
			s.Marks &^= marksOf[n-20]
		case n >= 30 && n <= 37:
			s.Front = int16(n - 30)
		case n == 39:
			s.Front = DefaultColour
		case n >= 40 && n <= 47:
			s.Back = int16(n - 40)
		case n == 49:
			s.Back = DefaultColour
		case n >= 90 && n <= 97:
			s.Front = int16(n - 90 + 8)
		case n >= 100 && n <= 107:
			s.Back = int16(n - 100 + 8)
		case n == 38 || n == 48 || n == 58:
			colour, used := extended(params[i:])
			i += used
			switch {
			case colour < 0:
			case n == 38:
				s.Front = colour
			case n == 48:
				s.Back = colour
			}
		default:
			for i+1 < len(params) && params[i].HasMore() {
				i++ // what belongs to a number that means nothing here
			}
		}
	}
}

// marksOf are the attributes by their number in SGR.
var marksOf = [10]Marks{1: Bold, 2: Faint, 3: Italic, 4: Underline, 5: 0, 7: Reverse, 8: Hidden, 9: Struck} //nolint:gochecknoglobals // a constant in all but the language

// extended reads a colour after 38, 48 or 58, in either way of writing it, and
// says how many parameters it took; -1: none.
func extended(params ansi.Params) (colour int16, used int) {
	colons := params[0].HasMore()
	end := len(params)
	if colons {
		for end = 1; end < len(params) && params[end-1].HasMore(); end++ {
		}
	}
	at := func(i int) int {
		if i >= end {
			return -1
		}
		return params[i].Param(0)
	}
	switch at(1) {
	case 5:
		if n := at(2); n >= 0 && n <= 255 {
			colour = int16(n)
		} else {
			colour = -1
		}
		used = min(2, end-1)
	case 2:
		first := 2
		if colons && end >= 6 {
			first = 3 // the colour space stands before
		}
		r, g, b := at(first), at(first+1), at(first+2)
		if colour = -1; r >= 0 && g >= 0 && b >= 0 {
			colour = nearest(min(r, 255), min(g, 255), min(b, 255))
		}
		used = min(first+2, end-1)
	default:
		colour, used = -1, min(1, end-1)
	}
	if colons {
		used = end - 1
	}
	return colour, used
}

// nearest is the colour of the palette's cube or of its greys that is nearest.
func nearest(r, g, b int) int16 {
	steps := [6]int{0, 95, 135, 175, 215, 255}
	index := func(v int) int {
		best := 0
		for i, s := range steps {
			if abs(v-s) < abs(v-steps[best]) {
				best = i
			}
		}
		return best
	}
	ri, gi, bi := index(r), index(g), index(b)
	grey := clamp(((r+g+b)/3-8+5)/10, 0, 23)
	level := 8 + 10*grey
	cube := abs(r-steps[ri]) + abs(g-steps[gi]) + abs(b-steps[bi])
	if abs(r-level)+abs(g-level)+abs(b-level) < cube {
		return int16(232 + grey)
	}
	return int16(16 + 36*ri + 6*gi + bi)
}

func abs(n int) int { return max(n, -n) }
