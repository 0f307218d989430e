package configs

import (
	"regexp"
	"strings"
	"testing"
)

// A name that an editor takes by the schema is one that the program takes, and
// the other way round; but for two dots in a row, which the schema lets pass.
func TestValidNameIsWhatTheSchemaSays(t *testing.T) {
	pattern := regexp.MustCompile(namePattern)
	names := []string{"", "a..b", strings.Repeat("a", maxName), strings.Repeat("a", maxName+1), "ä", "a\xff", "a\n", "a/b"}
	for first := range 256 {
		names = append(names, string([]byte{byte(first)}), string([]byte{byte(first), 'a'}))
		for second := range 256 {
			names = append(names, string([]byte{byte(first), byte(second)}), string([]byte{'a', byte(first), byte(second)}))
		}
	}
	for _, name := range names {
		want := pattern.MatchString(name) && !strings.Contains(name, "..")
		if got := ValidName(name); got != want {
			t.Fatalf("ValidName(%q) is %v, the schema's pattern says %v", name, got, want)
		}
	}
}
