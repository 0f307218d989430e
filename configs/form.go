package configs

import (
	"regexp"
	"sync"
)

// form is a regular expression that is compiled when it is first used. Every
// command starts this program, and the inside of every cage does: what a package
// computes before main, all of them pay for.
func form(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
