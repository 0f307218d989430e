//go:build linux

package keeper

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
	Landlock int  // version of the ruleset
	Internet bool // TCP sockets may be made

	Program     string // empty: only prove that the cage can be built
	Arguments   []string
	Environment []string
	Dir         string
	Foreground  bool // of the keeper's terminal, is the command's
	MaxFileSize int64

	Tests Tests
}

// Tests are what must fail inside. All of it is the supervisor's own and would
// work without the cage.
type Tests struct {
	Folder   string // nothing can be made in it
	File     string // in Folder; it can be neither read nor changed
	Socket   string // in Folder; nobody is reached by it
	Abstract string // the name of a socket that has no path
	Port     int    // of a listener on 127.0.0.1
	Call     string // in Folder; a name that the supervisor refuses to make

	Own string // a socket where the command may write: it is reached, and its times are changed
}
