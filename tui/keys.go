package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"openclaw/tui/view"
)

// keyOf turns a key press of Bubble Tea into ours. Text keeps the very runes of
// the message, so that who wipes them leaves no copy behind.
func keyOf(m tea.KeyMsg) view.Key {
	switch {
	case m.Type == tea.KeyRunes && !m.Alt:
		return view.Key{Text: m.Runes, Paste: m.Paste}
	case m.Type == tea.KeySpace && !m.Alt:
		return view.Key{Text: []rune{' '}}
	case m.Type == tea.KeyRunes:
		return view.Key{Name: "alt+" + string(m.Runes)}
	}
	return view.Key{Name: m.String()}
}
