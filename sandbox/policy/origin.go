package policy

import (
	"path"
	"strconv"
)

// String says in a few words where a rule stands: "config.yaml:12",
// "built-in", or the config key when the place is not known.
func (o Origin) String() string {
	switch {
	case o.File != "" && o.Line > 0:
		return path.Base(o.File) + ":" + strconv.Itoa(o.Line)
	case o.File != "":
		return path.Base(o.File)
	case o.BuiltIn != "":
		return "built-in"
	default:
		return o.Key
	}
}
