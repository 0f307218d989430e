package view

import "strings"

// Bytes are what a key sends to a program on a terminal of the xterm kind; nil:
// nothing. application: its arrow keys were asked to send SS3; brackets: what is
// pasted is put in brackets.
func (k Key) Bytes(application, brackets bool) []byte {
	if k.Paste {
		return pasted(k.Text, brackets)
	}
	if k.Name == "" {
		return []byte(string(k.Text))
	}
	name, alt := strings.CutPrefix(k.Name, "alt+")
	b := named(name, application)
	if b == nil && alt {
		b = []byte(name)
	}
	if alt && len(b) > 0 {
		b = append([]byte{0x1b}, b...)
	}
	return b
}

// pasted is text without what would end the brackets around it.
func pasted(text []rune, brackets bool) []byte {
	var b []byte
	for _, r := range text {
		switch {
		case r == '\n':
			b = append(b, '\r')
		case r == '\r', r == '\t', r >= 0x20 && r != 0x7f && (r < 0x80 || r > 0x9f):
			b = append(b, string(r)...)
		}
	}
	if brackets {
		return append(append([]byte("\x1b[200~"), b...), "\x1b[201~"...)
	}
	return b
}

// named is what a key with a name sends, without alt.
func named(name string, application bool) []byte {
	if final := map[string]byte{"up": 'A', "down": 'B', "right": 'C', "left": 'D', "home": 'H', "end": 'F'}[name]; final != 0 {
		if application {
			return []byte{0x1b, 'O', final}
		}
		return []byte{0x1b, '[', final}
	}
	modifier := 0
	rest := name
	for prefix, bit := range map[string]int{"shift+": 1, "ctrl+": 4} {
		if strings.Contains(rest, prefix) {
			modifier |= bit
			rest = strings.Replace(rest, prefix, "", 1)
		}
	}
	if final := map[string]string{"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}[rest]; final != "" {
		return []byte("\x1b[1;" + string(rune('1'+modifier)) + final)
	}
	switch name {
	case "enter":
		return []byte{'\r'}
	case "tab":
		return []byte{'\t'}
	case "shift+tab":
		return []byte("\x1b[Z")
	case "backspace":
		return []byte{0x7f}
	case "esc":
		return []byte{0x1b}
	case "ctrl+@":
		return []byte{0}
	case "ctrl+\\":
		return []byte{0x1c}
	case "ctrl+]":
		return []byte{0x1d}
	case "ctrl+^":
		return []byte{0x1e}
	case "ctrl+_":
		return []byte{0x1f}
	}
	if letter, is := strings.CutPrefix(name, "ctrl+"); is && len(letter) == 1 && letter[0] >= 'a' && letter[0] <= 'z' {
		return []byte{letter[0] & 0x1f}
	}
	if code := map[string]string{
		"insert": "[2~", "delete": "[3~", "pgup": "[5~", "pgdown": "[6~",
		"f1": "OP", "f2": "OQ", "f3": "OR", "f4": "OS", "f5": "[15~", "f6": "[17~", "f7": "[18~", "f8": "[19~", "f9": "[20~", "f10": "[21~", "f11": "[23~", "f12": "[24~",
	}[name]; code != "" {
		return []byte("\x1b" + code)
	}
	return nil
}
