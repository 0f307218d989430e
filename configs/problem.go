package configs

import (
	"fmt"
	"strings"
)

// Problem is one error or warning about a config file. Line and Column count
// from 1, columns in characters; 0 when the problem has no place in the text.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Key     string `json:"key"` // "agents.coder.permissions.denied_paths[0]"; empty for the file as a whole
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`    // what a person can do
	Warning bool   `json:"warning,omitempty"` // the file loads all the same
}

// String gives "config.yaml:12:5: key: message".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Error is a config that was refused. Problems holds everything that was found,
// errors first, then warnings. It never holds the value of a secret.
type Error struct {
	Op       string // "load config", "edit config", "apply config"
	Path     string
	Problems []Problem
	Hint     string // what a person can do
	Err      error  // of the system, where the file could not be read; nil otherwise
}

func (e *Error) Unwrap() error { return e.Err }

// Error gives every problem that is not a warning, one on a line.
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		if !p.Warning {
			lines = append(lines, p.String())
		}
	}
	switch len(lines) {
	case 0:
		return e.Op + " " + e.Path
	case 1:
		return e.Op + ": " + lines[0]
	}
	return fmt.Sprintf("%s: %d errors\n%s", e.Op, len(lines), strings.Join(lines, "\n"))
}

// split parts problems into errors and warnings and keeps their order.
func split(problems []Problem) (errors, warnings []Problem) {
	for _, p := range problems {
		if p.Warning {
			warnings = append(warnings, p)
		} else {
			errors = append(errors, p)
		}
	}
	return errors, warnings
}
