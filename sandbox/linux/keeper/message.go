//go:build linux

package keeper

import "openclaw/sandbox/linux/control"

// The program's names (argument zero) in a reduced cage. A supervisor starts
// Name; the others follow from it.
const (
	Name      = "openclaw-reduced"
	kept      = "openclaw-keeper"
	guardName = "openclaw-guard"
)

// Handles reports whether a program that was started under a name is part of a
// reduced cage.
func Handles(name string) bool { return name == Name || name == kept || name == guardName }

// Setup is everything that a keeper needs to know. The message carries one
// descriptor: the Landlock ruleset.
type Setup struct {
	Landlock int  `json:"landlock"` // version of the ruleset
	Internet bool `json:"internet"` // TCP sockets may be made

	Program     control.Text   `json:"program"` // empty: only prove that the cage can be built
	Arguments   []control.Text `json:"arguments"`
	Environment []control.Text `json:"environment"`
	Dir         control.Text   `json:"dir"`
	Foreground  bool           `json:"foreground,omitempty"` // of the keeper's terminal, is the command's
	MaxFileSize int64          `json:"max_file_size,omitempty"`

	Tests Tests `json:"tests"`
}

// Tests are what must fail inside. All of it is the supervisor's own and would
// work without the cage.
type Tests struct {
	Folder   control.Text `json:"folder"`   // nothing can be made in it
	File     control.Text `json:"file"`     // in Folder; it can be neither read nor changed
	Socket   control.Text `json:"socket"`   // in Folder; nobody is reached by it
	Abstract string       `json:"abstract"` // the name of a socket that has no path
	Port     int          `json:"port"`     // of a listener on 127.0.0.1
	Call     control.Text `json:"call"`     // in Folder; a name that the supervisor refuses to make

	Own control.Text `json:"own"` // a socket where the command may write: it is reached, and its times are changed
}
