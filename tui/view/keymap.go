package view

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// KeyMap are the keys that a person gave to actions, by the action's ID. They
// take the place of the action's own.
type KeyMap map[string][]string

// KeyProblem is one thing that is wrong with a KeyMap.
type KeyProblem struct {
	Action  string
	Item    int // of its keys; -1: the action itself
	Message string
	Hint    string
}

// Rebind returns a table with other keys, and what is wrong with them. An action
// that something is wrong with keeps its own.
//
// Whatever is bound, esc goes back and ctrl+c leaves; Enter, Space, Tab and Esc
// answer no held request, and y, which answers every "are you sure", begins
// nothing that asks.
func Rebind(table []Binding, keys KeyMap) ([]Binding, []KeyProblem) {
	rows := slices.Clone(table)
	var problems []KeyProblem
	own := KeyMap{}
	for _, action := range sorted(keys) {
		if bad := judgeKeys(table, action, keys[action]); len(bad) > 0 {
			problems = append(problems, bad...)
			continue
		}
		own[action] = keys[action]
	}
	for i := range rows {
		if given, has := own[string(rows[i].ID)]; has {
			rows[i].Keys = append(slices.Clone(given), fixedKeys(rows[i].ID)...)
		}
	}
	twice := clashes(table, rows, own)
	if len(twice) == 0 {
		return rows, problems
	}
	return slices.Clone(table), append(problems, twice...)
}

func sorted(keys KeyMap) []string {
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fixedKeys are the keys that an action never loses: the ways out.
func fixedKeys(id ID) []string {
	switch id {
	case ActBack:
		return []string{"esc"}
	case ActQuit:
		return []string{"ctrl+c"}
	default:
		return nil
	}
}

// answersAsk reports whether an action answers held requests or says how far an
// answer goes.
func answersAsk(id ID) bool {
	return slices.Contains([]ID{ActAllow, ActDeny, ActAllowAll, ActDenyAll, ActNote, ActUndo, ActScope, ActMatch}, id)
}

func judgeKeys(table []Binding, action string, keys []string) []KeyProblem {
	at := slices.IndexFunc(table, func(b Binding) bool { return string(b.ID) == action })
	if at < 0 {
		return []KeyProblem{{Action: action, Item: -1, Message: "there is no action " + strconv.Quote(action), Hint: nearest(table, action)}}
	}
	if len(keys) == 0 {
		return []KeyProblem{{Action: action, Item: -1, Message: "has no key", Hint: "write one such as f5, or remove the line for its own, " + strings.Join(table[at].Keys, " ")}}
	}
	var problems []KeyProblem
	for i, key := range keys {
		message, hint := badKey(key)
		switch b := &table[at]; {
		case message != "":
		case slices.Contains(keys[:i], key):
			message, hint = strconv.Quote(key)+" is written twice", "keep one of the two"
		case answersAsk(b.ID) && slices.Contains([]string{"enter", "space", "tab"}, key):
			message, hint = key+" may not answer a held request", "it is pressed by habit: give it another key"
		case b.Changes && key == "y":
			message, hint = "y may not be the key of what changes something", "y answers the question before it, so that a key held down would answer by itself: give it another key"
		}
		if message != "" {
			problems = append(problems, KeyProblem{Action: action, Item: i, Message: message, Hint: hint})
		}
	}
	return problems
}

// nearest names the actions whose names are like one that does not exist.
func nearest(table []Binding, action string) string {
	const list = "openclaw tui --keys lists the actions"
	group, word, _ := strings.Cut(strings.ToLower(action), ".")
	var like []string
	for _, b := range table {
		id := strings.ToLower(string(b.ID))
		theirs, name, _ := strings.Cut(id, ".")
		if close := theirs == group && word != "" && (strings.HasPrefix(name, word[:1])) || id == word || name == group; close && !slices.Contains(like, string(b.ID)) {
			like = append(like, string(b.ID))
		}
	}
	if len(like) == 0 || len(like) > 4 {
		return list
	}
	return "is it " + strings.Join(like, " or ") + "? " + list
}

// badKey says what is wrong with the name of a key, or nothing.
func badKey(key string) (message, hint string) {
	const names = "write a character such as x, or a key such as f5, ctrl+x, alt+x, enter, space, tab, up, home, pgdown"
	quoted := strconv.QuoteToASCII(key)
	if len(key) > 40 {
		return "is not a key", names
	}
	switch key {
	case "esc", "ctrl+c":
		return key + " is not free: esc always goes back and ctrl+c always leaves", "give it another key"
	case "ctrl+i", "ctrl+m", "ctrl+j", "ctrl+h", "ctrl+[":
		return key + " cannot be told from another key", "terminals send the same for tab (i), enter (m, j), backspace (h) and esc ([)"
	case " ":
		return "a blank is no name of a key", "write space"
	}
	if slices.Contains(namedKeys(), key) {
		return "", ""
	}
	if after, alt := strings.CutPrefix(key, "alt+"); alt {
		key = after
	}
	if r, size := utf8.DecodeRuneInString(key); size == len(key) && size > 0 {
		if r == ' ' || !plainRune(r) || r == utf8.RuneError {
			return quoted + " is not a key that can be seen", names
		}
		return "", ""
	}
	if !isPrintable(key) {
		return quoted + " is not a key that can be seen", names
	}
	return quoted + " is not a key", names
}

// namedKeys are the keys that have a name, as a terminal tells them.
func namedKeys() []string {
	keys := []string{"up", "down", "left", "right", "home", "end", "pgup", "pgdown", "tab", "shift+tab", "enter", "space", "backspace", "delete", "insert"}
	for i := range 20 {
		keys = append(keys, "f"+strconv.Itoa(i+1))
	}
	for c := 'a'; c <= 'z'; c++ {
		if !strings.ContainsRune("chijm", c) {
			keys = append(keys, "ctrl+"+string(c))
		}
	}
	return append(keys, `ctrl+\`, "ctrl+]", "ctrl+_")
}

// clashes are the keys that would mean two things in one view, where a person
// gave one of them. Two that share a key as they come know how to.
func clashes(table, rows []Binding, own KeyMap) []KeyProblem {
	var problems []KeyProblem
	told := map[string]bool{}
	for _, action := range sorted(own) {
		for item, key := range own[action] {
			for _, n := range Names() {
				if !holds(rows, n, ID(action), key) {
					continue
				}
				for i := range rows {
					other := &rows[i]
					if string(other.ID) == action || !holds(rows, n, other.ID, key) || holds(table, n, ID(action), key) && holds(table, n, other.ID, key) {
						continue
					}
					if mark := action + " " + key; !told[mark] && !told[string(other.ID)+" "+key] {
						told[mark] = true
						problems = append(problems, KeyProblem{
							Action: action, Item: item, Message: key + " is the key of " + string(other.ID) + " too, in the view " + string(n),
							Hint: "give one of them another key",
						})
					}
				}
			}
		}
	}
	return problems
}

// holds reports whether a key is one of an action in a view.
func holds(rows []Binding, n Name, id ID, key string) bool {
	return slices.ContainsFunc(rows, func(b Binding) bool {
		return b.ID == id && (b.View == n || b.View == "" && !slices.Contains(b.Not, n)) && slices.Contains(b.Keys, key)
	})
}
