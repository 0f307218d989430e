package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"openclaw/tui/view"
)

// blank is the space bar: a key of its own to Bubble Tea, and text to us.
func blank() key.Binding { return key.NewBinding(key.WithKeys(" ")) }

// keyOf turns a key press of Bubble Tea into ours. Text keeps the very runes of
// the message, so that who wipes them leaves no copy behind.
func keyOf(m tea.KeyMsg) view.Key {
	switch {
	case m.Type == tea.KeyRunes && !m.Alt:
		return view.Key{Text: m.Runes, Paste: m.Paste}
	case key.Matches(m, blank()):
		return view.Key{Text: []rune{' '}}
	case m.Type == tea.KeyEscape: // twice, quickly, it is itself with alt
		return view.Key{Name: "esc"}
	case m.Type == tea.KeyRunes:
		return view.Key{Name: "alt+" + string(m.Runes)}
	}
	return view.Key{Name: m.String()}
}
