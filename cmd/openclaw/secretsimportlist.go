package main

import (
	"fmt"

	"openclaw/keychain/scan"
)

// literalRow is a key that stands in clear, as JSON: where, never its value.
type literalRow struct {
	Place      string `json:"place"` // FILE:LINE
	Key        string `json:"key"`
	Characters int    `json:"characters"`
	Secret     string `json:"stored_as"`         // a secret of this name
	ByHand     string `json:"by_hand,omitempty"` // what is changed by hand; empty: the file is changed
}

// literalRows are all of them, and what could not be looked at or moved.
type literalRows struct {
	Literals []literalRow `json:"literals"`
	Notes    []string     `json:"notes"`
}

// literalsJSON prints what was found, or of that what is named.
func (t *terminal) literalsJSON(found *literals, args []string, flags importFlags) error {
	chosen, err := t.chooseLiterals(found.literals, args, flags)
	if err != nil {
		return err
	}
	rows := literalRows{Literals: []literalRow{}, Notes: []string{}}
	for _, l := range chosen {
		rows.Literals = append(rows.Literals, literalRow{Place: l.where(), Key: l.key, Characters: l.value.Len(), Secret: l.name, ByHand: l.advice})
	}
	for _, note := range found.notes {
		rows.Notes = append(rows.Notes, noteText(note))
	}
	return t.json(rows)
}

// noteText says what a search could not do.
func noteText(note scan.Note) string {
	if note.Line > 0 {
		return fmt.Sprintf("%s:%d: %v: take it out by hand, and store it with 'openclaw secrets set NAME -'", printable(note.Path), note.Line, note.Err)
	}
	return fmt.Sprintf("%s was not looked at: %v", printable(note.Path), note.Err)
}
