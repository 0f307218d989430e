package darwin

import (
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// Unheld is a part of a policy that macOS cannot hold as it is written.
type Unheld struct {
	Rule   string // in one line, as in the config
	Why    string
	Cure   string
	Strict bool // what is lost is protection: under `enforce: strict` the run is refused
}

// Unholdable lists what of a policy a profile cannot hold. exists reports
// whether a path exists; a name that the file system holds already is matched
// in the form that it has there.
func Unholdable(p *policy.Policy, exists func(name string) bool) []Unheld {
	var list []Unheld
	moved := false
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect == policy.Allow {
			continue
		}
		wide := strings.ContainsFunc(rule.Path, func(r rune) bool { return r < ' ' || r > '~' })
		if wide && (rule.Glob || !exists(rule.Path)) {
			list = append(list, Unheld{
				Rule: rule.Text, Strict: true,
				Why:  "letters beyond ASCII have several forms that the file system takes for the same name; a file in another form would be open",
				Cure: "make the file before the run, or deny the folder that it is in, or write `enforce: reduced`",
			})
		}
		moved = moved || rule.Glob
	}
	if moved {
		list = append(list, Unheld{
			Rule: "denied_paths with a pattern",
			Why:  "a folder with a file that comes to match during the run may be moved to where the pattern does not reach; what matches now stays in its place",
			Cure: "deny folders rather than patterns where that matters",
		})
	}
	for _, class := range []policy.Class{policy.ClassPathRead, policy.ClassPathWrite, policy.ClassExec} {
		if slices.Contains(p.Asks, class) {
			list = append(list, Unheld{
				Rule: "ask: " + string(class),
				Why:  "macOS cannot hold a program until the answer comes; the request is refused",
				Cure: "allow it when the refusal is shown, and run again",
			})
		}
	}
	for _, line := range p.Resources.Lines() {
		list = append(list, Unheld{
			Rule: line, Strict: true,
			Why:  "macOS has no bound on what several processes take together",
			Cure: "remove the limit from the config, or write `enforce: reduced`",
		})
	}
	if p.Nested {
		list = append(list, Unheld{
			Rule: "nested: true",
			Why:  "macOS lets no program that is in a sandbox enter another; what a program's own sandbox needs is refused",
			Cure: "switch the program's own sandbox off: it is in this one",
		})
	}
	if p.Network.Outbound {
		list = append(list, Unheld{
			Rule: "network",
			Why:  "only programs that heed HTTP_PROXY and HTTPS_PROXY reach the network",
			Cure: "tell other programs of the proxy by their own settings",
		})
	}
	return list
}
