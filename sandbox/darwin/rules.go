package darwin

import (
	"path"
	"strconv"
	"strings"

	"openclaw/sandbox/policy"
)

// The operations that a rule of the policy speaks of. Allowing and denying
// rules name the same ones, so that no rule is more special than another.
const (
	reading = "file-read* file-test-existence file-map-executable"
	writing = "file-write*"
	running = "process-exec*"
	device  = "file-read* file-test-existence file-write-data file-ioctl"
)

// base is what every run has.
func (w *writer) base() {
	w.text.WriteString("(version 1)\n(deny default " + w.message(TagDefault) + ")\n")

	w.section("processes: those of this run")
	w.rule("allow", "process-fork", nil, "")
	w.rule("allow", "process-info* signal", []string{"(target same-sandbox)"}, "")

	w.section("the system")
	names, prefixes := sysctls()
	w.rule("allow", "sysctl-read", append(all(func(n string) string { return "(sysctl-name " + quote(n) + ")" }, names),
		all(func(n string) string { return "(sysctl-name-prefix " + quote(n) + ")" }, prefixes)...), "")
	w.rule("allow", "mach-lookup", all(func(n string) string { return "(global-name " + quote(n) + ")" }, services()), "")
	w.rule("allow", "ipc-posix-sem", nil, "")
	w.rule("allow", reading, all(subpath, systemFolders()), "")
	if w.policy.Exec.Commands {
		w.rule("allow", running, all(subpath, systemFolders()), "")
	}
	w.rule("allow", reading, all(literal, systemFiles()), "")
	w.rule("allow", "file-read-metadata file-test-existence", all(literal, linkNodes()), "")
}

// allowed opens what the policy opens, the higher before the deeper.
func (w *writer) allowed() {
	w.section("allowed paths")
	for _, at := range w.allow {
		tag := indexTag(at.index)
		if under(at.path, "/dev") && at.rule.Access == policy.AccessWrite {
			w.rule("allow", device, []string{subpath(at.path)}, "")
			continue
		}
		filter := []string{subpath(at.path)}
		operations := reading
		if w.policy.Exec.Commands {
			operations += " " + running
		}
		if at.rule.Access == policy.AccessWrite {
			w.writable(at.path)
			continue
		}
		w.rule("allow", operations, filter, "")
		w.rule("deny", writing, filter, tag)
	}
	for _, name := range append([]string{w.o.Supervisor}, w.own()...) {
		if name != "" {
			w.rule("allow", reading+" "+running, []string{literal(name)}, "")
		}
	}
	w.section("of this run alone")
	if w.o.Temp != "" {
		w.writable(w.o.Temp)
		// Two rules: a filter for the near end of a connection says nothing of
		// its far end.
		w.rule("allow", "network-bind", []string{"(local unix-socket " + subpath(w.o.Temp) + ")"}, "")
		w.rule("allow", "network-outbound", []string{"(remote unix-socket " + subpath(w.o.Temp) + ")"}, "")
	}
	if w.o.Terminal != "" {
		w.rule("allow", device, []string{literal(w.o.Terminal)}, "")
		w.rule("allow", "pseudo-tty", nil, "")
	}
}

// writable opens a folder to all that an agent may do with its own files.
// Where it may run no programs, nothing from there is loaded as one either.
func (w *writer) writable(name string) {
	filter := []string{subpath(name)}
	if w.policy.Exec.Commands {
		w.rule("allow", reading+" "+running+" "+writing, filter, "")
		return
	}
	w.rule("allow", reading+" "+writing, filter, "")
	w.rule("deny", "file-map-executable", filter, TagExec)
}

// own are the programs that start the run. Where programs may be run at all,
// the policy speaks of these as of any other.
func (w *writer) own() []string {
	if w.policy.Exec.Commands {
		return nil
	}
	own := w.o.Interpreters
	if w.o.Program != "" {
		own = append([]string{w.o.Program}, own...)
	}
	return own
}

// network opens the loopback ports of the run and nothing else.
func (w *writer) network() {
	w.section("network: by the run's own ports of the loopback")
	filters := make([]string, 0, len(w.o.Ports))
	for _, port := range w.o.Ports {
		filters = append(filters, "(remote tcp "+quote("localhost:"+strconv.Itoa(int(port)))+")")
	}
	if len(filters) > 0 {
		w.rule("allow", "network-outbound", filters, "")
	}
	w.rule("deny", "network-outbound", []string{literal(resolverSocket)}, TagNames)
	w.rule("deny", "mach-lookup", all(func(n string) string { return "(global-name " + quote(n) + ")" }, resolverServices()), TagNames)
}

// denied closes what the policy denies, whatever has been opened.
func (w *writer) denied() error {
	w.section("denied paths")
	for _, at := range w.deny {
		filters, err := w.denyFilters(at)
		if err != nil {
			return err
		}
		for i, filter := range filters {
			filters[i] = except(filter, at.but)
		}
		w.rule("deny", reading+" file-ioctl "+writing+" "+running+" network-bind network-outbound", filters, indexTag(at.index))
	}
	w.metadata()
	return nil
}

// denyFilters are the names by which a denied place may be met.
func (w *writer) denyFilters(at placed) ([]string, error) {
	if at.rule.Glob {
		patterns := []string{at.path, at.rule.Path, Physical(at.rule.Path)}
		if other, ok := onDataVolume(at.path); ok {
			patterns = append(patterns, other)
		}
		var filters []string
		for _, pattern := range unique(patterns) {
			expr, err := globRegex(pattern, w.o.FoldCase)
			if err != nil {
				return nil, err
			}
			filters = append(filters, regex(expr))
		}
		return filters, nil
	}
	names := append([]string{at.path, Physical(at.rule.Path)}, at.links...)
	for _, name := range names {
		if other, ok := onDataVolume(name); ok {
			names = append(names, other)
		}
	}
	names = unique(names)
	filters := all(subpath, names)
	if w.o.FoldCase {
		for _, name := range names {
			filters = append(filters, regex(literalRegex(name)))
		}
	}
	return filters, nil
}

// except leaves sub-trees out of a filter.
func except(filter string, but []string) string {
	if len(but) == 0 {
		return filter
	}
	var b strings.Builder
	b.WriteString("(require-all " + filter)
	for _, name := range but {
		b.WriteString(" (require-not " + subpath(name) + ")")
	}
	b.WriteString(")")
	return b.String()
}

// metadata lets the folders above allowed places, and the links on the way to
// them, be looked at, so that a program can find out where it is. What lies in
// them stays unseen.
func (w *writer) metadata() {
	var names []string
	for _, at := range w.allow {
		if w.policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: at.rule.Path}).Effect != policy.Allow {
			continue
		}
		names = append(append(names, above(at.path)...), at.links...)
		for _, link := range at.links {
			names = append(names, above(link)...)
		}
	}
	if w.o.Temp != "" {
		names = append(names, above(w.o.Temp)...)
	}
	if len(names) == 0 {
		return
	}
	w.section("the way to allowed paths may be looked at")
	w.rule("allow", "file-read-metadata file-test-existence", all(literal, unique(names)), "")
}

// pins keep in place what the rules above name: a folder that is moved away
// takes a denied file out of its rule, and a link in its stead takes the next
// run elsewhere.
func (w *writer) pins() error {
	w.section("what the rules name stays in its place")
	var names []string
	pin := func(name string) { names = append(append(names, name), above(name)...) }
	for _, at := range w.allow {
		if at.rule.System {
			continue
		}
		pin(at.path)
		for _, link := range at.links {
			pin(link)
		}
	}
	for _, name := range w.o.Denied {
		pin(name)
	}
	if w.o.Temp != "" {
		pin(w.o.Temp)
	}
	var exprs []string
	for _, at := range w.deny {
		if !at.rule.Glob {
			pin(at.path)
			for _, link := range append(at.links, Physical(at.rule.Path)) {
				pin(link)
			}
			continue
		}
		for _, link := range at.links {
			pin(link)
		}
		more, err := w.pinPattern(at.path, pin)
		if err != nil {
			return err
		}
		exprs = append(exprs, more...)
	}
	names = unique(names)
	filters := all(literal, names)
	if w.o.FoldCase {
		for _, name := range names {
			exprs = append(exprs, strings.TrimSuffix(literalRegex(name), below+"$")+"$")
		}
	}
	filters = append(filters, all(regex, unique(exprs))...)
	if len(filters) > 0 {
		w.rule("deny", "file-write-unlink", filters, TagPinned)
	}
	return nil
}

// pinPattern keeps the folders that a pattern names in place, as far as it
// names them.
func (w *writer) pinPattern(pattern string, pin func(string)) ([]string, error) {
	var exprs []string
	for folder := path.Dir(pattern); folder != "/"; folder = path.Dir(folder) {
		switch {
		case path.Base(folder) == "**":
		case !isPlain(folder):
			expr, err := globExact(folder, w.o.FoldCase)
			if err != nil {
				return nil, err
			}
			exprs = append(exprs, expr)
		default:
			name, _ := plainSegment(folder)
			pin(name)
			return exprs, nil
		}
	}
	return exprs, nil
}

// isPlain reports whether a pattern matches one name.
func isPlain(pattern string) bool {
	_, plain := plainSegment(pattern)
	return plain
}

// programs closes what the policy does not let run.
func (w *writer) programs() {
	if !w.policy.Exec.Commands {
		w.section("execute_commands: false")
		var filter strings.Builder
		filter.WriteString("(require-all " + subpath("/"))
		for _, name := range append([]string{w.o.Supervisor}, w.own()...) {
			if name != "" {
				filter.WriteString(" (require-not " + literal(name) + ")")
			}
		}
		filter.WriteString(")")
		w.rule("deny", running, []string{filter.String()}, TagExec)
	}
	if !w.policy.Exec.System {
		w.section("system_commands: false")
		w.rule("deny", running, []string{regex(systemPrograms(w.o.FoldCase))}, TagSystem)
	}
}

// systemPrograms matches the programs that `system_commands: false` names.
func systemPrograms(fold bool) string {
	var b strings.Builder
	b.WriteString("/(")
	for _, name := range policy.SystemPrograms() {
		for i := range len(name) {
			byteRegex(&b, name[i], fold)
		}
		b.WriteByte('|')
	}
	for _, start := range []string{"mkfs.", "mount.", "umount."} {
		for i := range len(start) {
			byteRegex(&b, start[i], fold)
		}
		b.WriteString("[^/]*|")
	}
	return strings.TrimSuffix(b.String(), "|") + ")$"
}

// ways closes what would give a file a second name.
func (w *writer) ways() {
	w.section("no second name for a file")
	w.rule("deny", "file-link file-clone", []string{subpath("/")}, TagLink)
}
