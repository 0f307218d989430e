package policy

import "testing"

// Of rules of the same weight the first speaks, with an index or without: what opens a
// folder for reading is not outdone by what comes after it.
func TestIndexTakesTheFirstOfEquals(t *testing.T) {
	p := &Policy{Paths: []PathRule{
		{Path: "/a", Effect: Allow, Access: AccessRead},
		{Path: "/a", Effect: Allow, Access: AccessWrite},
		{Path: "/[b]", Glob: true, Effect: Allow, Access: AccessRead},
		{Path: "/b//", Effect: Allow, Access: AccessWrite}, // no clean path, and no path's folder
		{Path: "/", Effect: Allow, Access: AccessWrite},
		{Path: "/a/c", Effect: Deny, Except: []string{"/a/c/d"}},
	}}
	index := p.Index()
	for name, want := range map[string]Access{
		"/a": AccessRead, "/a/b": AccessRead, "/b": AccessRead, "/b/x": AccessRead, "/": AccessWrite, "/ab": AccessWrite, "/a/c": "", "/a/c/e": "",
		"/a/c/d": AccessRead, "/a/c/d/e": AccessRead, "": "", "a": "", "/a/": "", "/a//b": "",
	} {
		if open, indexed := p.Opens(name), index.Opens(name); open != want || indexed != want {
			t.Errorf("%q is open for %q, by the index for %q, and should be for %q", name, open, indexed, want)
		}
	}
}
