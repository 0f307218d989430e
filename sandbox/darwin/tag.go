package darwin

import (
	"strconv"
	"strings"
)

// What a tag names beside the index of a rule in Policy.Paths.
const (
	TagDefault = "default" // no rule allowed it
	TagExec    = "exec"    // execute_commands: false
	TagSystem  = "system"  // system_commands: false
	TagPinned  = "pinned"  // a folder that must stay where it is
	TagLink    = "link"    // a hard link or a clone
	TagNames   = "names"   // a look-up of a host name
)

const tagPrefix = "openclaw:"

// Tag is what a denying rule makes the kernel repeat in its log.
type Tag struct {
	Run  string
	Rule string // one of the names above, or an index into Policy.Paths
}

// String is the tag as it stands in a profile: "openclaw:RUN:RULE".
func (t Tag) String() string { return tagPrefix + t.Run + ":" + t.Rule }

// Index is the rule's place in Policy.Paths; false for the other tags.
func (t Tag) Index() (int, bool) {
	n, err := strconv.Atoi(t.Rule)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == t.Rule
}

// ParseTag reads a tag.
func ParseTag(s string) (Tag, bool) {
	rest, ok := strings.CutPrefix(s, tagPrefix)
	if !ok {
		return Tag{}, false
	}
	run, rule, ok := strings.Cut(rest, ":")
	t := Tag{Run: run, Rule: rule}
	if !ok || checkRun(run) != nil {
		return Tag{}, false
	}
	switch rule {
	case TagDefault, TagExec, TagSystem, TagPinned, TagLink, TagNames:
		return t, true
	}
	_, ok = t.Index()
	return t, ok
}
