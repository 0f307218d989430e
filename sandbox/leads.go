package sandbox

import "path/filepath"

// leads is where a path of the host leads now. An agent may change that at any time, so
// that it is good to tell of, and decides nothing.
func leads(name string) (string, bool) {
	real, err := filepath.EvalSymlinks(name)
	return real, err == nil
}
