package view

import (
	"net/netip"
	"strings"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// advice is what a person can do about a denial: the lines of config that
// would allow it, the same in one line for a narrow pane, and a note when
// there is more to say, or when there are no such lines.
type advice struct {
	lines []string
	short string
	note  string
}

// advise reads the rule that refused. home is the person's home folder and
// role the agent's role; both may be empty.
func advise(w *Words, d *event.Denial, home, role string) advice {
	if d.Rule == policy.RuleWithdrawn {
		return advice{note: w.T("The agent %s was taken out of the config while it ran, and its token is dead. Write it there again and start a new run.", d.Agent)}
	}
	name, value, _ := strings.Cut(d.Rule, ":")
	switch name {
	case "read_only", "file_write", "execute_commands", "network_access", "allow_outbound":
		if d.Origin.BuiltIn == "" {
			return adviseSwitch(w, d, name, strings.TrimSpace(value))
		}
	case "denied_paths":
		return advice{note: w.T("Take the entry out of denied_paths at %s: denied paths win over everything. A path in no other rule must then stand in allowed_paths.", originPlace(d.Origin))}
	case "blocked_ips":
		return advice{note: w.T("Take the entry out of blocked_ips at %s.", originPlace(d.Origin))}
	case "system_commands":
		if d.Origin.BuiltIn == "" {
			return adviseSwitch(w, d, name, "false")
		}
		return add(w, d, role, "system_commands", "true")
	case "max_file_size":
		if d.Operation == "outgrow" {
			return advice{note: w.T("The file is as large as max_file_size lets it be: nothing more can be written to it. Raise it at %s, or take it out for no limit.", originPlace(d.Origin))}
		}
		return advice{note: w.T("A file grew past max_file_size. Raise it at %s, or take it out for no limit.", originPlace(d.Origin))}
	case "allowed_paths", "workspace":
		if policy.RuleIsLed(d.Rule) {
			return advice{note: w.T("The entry at %s leads here by a link that an agent can change, so it opens nothing. Allow this path itself only if it is what you mean.", originPlace(d.Origin))}
		}
		if strings.Contains(d.Rule, "next run") {
			return advice{note: w.T("The config allows it now; this run began before that. Start a new run.")}
		}
		return advice{note: w.T("The entry at %s is for reading only. Write access: write in it, or leave access out.", originPlace(d.Origin))}
	case "nested":
		if strings.TrimSpace(value) != "false" {
			break
		}
		return advice{note: w.T("Set nested to true at %s if its programs are to build sandboxes of their own. That opens much of the kernel: openclaw agent show %s lists what.", originPlace(d.Origin), d.Agent)}
	case "system folder":
		return advice{note: w.T("Every agent may read the system's folders and change none. An entry in allowed_paths for this very path lifts that, as far as you yourself may write there.")}
	}
	if d.Mechanism == mechanismFilter || strings.Contains(d.Rule, "set-user-ID") {
		return adviseFilter(w, d)
	}
	if name == "reduced mode" && strings.Contains(d.Origin.BuiltIn, "full cage") {
		return advice{note: w.T("Built in (%s): no config lifts this.", d.Origin.BuiltIn) + w.T(" openclaw doctor says what this machine lacks for a full cage.")}
	}
	if d.Class == policy.ClassNet {
		return adviseNetwork(w, d, role)
	}
	if d.Origin.BuiltIn != "" {
		return advisePrivate(w, d)
	}
	if d.Rule == policy.RuleNone {
		return advisePath(w, d, home, role)
	}
	return advice{}
}

// Advice is what a person can do about a denial, as sentences for the plain
// mode.
func Advice(w *Words, d *event.Denial, role string) []string {
	a := advise(w, d, "", role)
	var lines []string
	if a.short != "" {
		lines = append(lines, w.T("%s in the config would allow it", a.short))
	}
	if a.note != "" {
		lines = append(lines, a.note)
	}
	return lines
}

// adviseSwitch is for a yes-or-no key that the config writes.
func adviseSwitch(w *Words, d *event.Denial, name, value string) advice {
	other := "true"
	if value == "true" {
		other = "false"
	}
	a := advice{note: w.T("Set %s to %s at %s, or take it out.", name, other, originPlace(d.Origin))}
	switch name {
	case "read_only", "file_write":
		a.note += w.T(" An entry of allowed_paths with access: read stays read only.")
	case "network_access", "allow_outbound":
		a.note += w.T(" What is reached then follows from network.allowed_domains and allowed_ips; with neither, set it to true for every domain.")
	}
	return a
}

// advisePrivate is for paths that no config opens.
func advisePrivate(w *Words, d *event.Denial) advice {
	note := w.T("Built in (%s): no config lifts this.", d.Origin.BuiltIn)
	switch {
	case strings.Contains(d.Origin.BuiltIn, "workspace"):
		note += w.T(" Two agents share files in a folder that allowed_paths of both hold.")
	case d.Class == policy.ClassPathRead || d.Class == policy.ClassPathWrite:
		note += w.T(" Copy what the agent needs into its workspace.")
	}
	return advice{note: note}
}

// adviseFilter is for calls that the call filter refuses, whatever they name.
func adviseFilter(w *Words, d *event.Denial) advice {
	if d.Origin.BuiltIn == "" || d.Rule == "no network_access" {
		return advice{note: w.T("The policy lets nothing out. Write what is to be reached into network.allowed_domains or network.allowed_ips.")}
	}
	note := w.T("Built in (%s): no config lifts this.", d.Origin.BuiltIn)
	switch {
	case strings.Contains(d.Rule, "set-user-ID"):
		note += w.T(" Without the bit the same is allowed: git init without --shared, cp without -a.")
	case strings.Contains(d.Rule, "syslog"):
		note += w.T(" Have the program log to its standard output or to a file.")
	case strings.Contains(d.Rule, "ping"):
		note += w.T(" Whether a host answers shows by a TCP connection to it, as curl makes one.")
	case strings.HasPrefix(d.Rule, "reduced mode"):
		note += w.T(" openclaw doctor says what this machine lacks for a full cage.")
	}
	return advice{note: note}
}

func advisePath(w *Words, d *event.Denial, home, role string) advice {
	path := strings.ReplaceAll(tilde(d.Target, home), "$", "$$")
	if strings.ContainsAny(path, "*?[") {
		return advice{note: w.T("allowed_paths takes no * ? or [ in a path: allow the folder that holds it.")}
	}
	if d.Class == policy.ClassPathWrite {
		return add(w, d, role, "allowed_paths", yamlWord(path))
	}
	return add(w, d, role, "allowed_paths", "{path: "+yamlWord(path)+", access: read}")
}

func adviseNetwork(w *Words, d *event.Denial, role string) advice {
	host, port := splitTarget(d.Target)
	address, err := netip.ParseAddr(host)
	literal := err == nil
	reason, blocked := strings.CutPrefix(d.Rule, "built-in: ")
	_, own, ofThisMachine := strings.Cut(d.Rule, "an address of this machine: ")
	switch {
	case literal && carriesIPv4(address):
		return advice{note: w.T("This address stands for an IPv4 address. Use that address itself, and allow it.")}
	case literal && address.Zone() != "":
		return advice{note: w.T("No config lifts this: an address with a zone cannot be listed.")}
	case ofThisMachine:
		return also(w, add(w, d, role, "network", "allowed_ips", yamlWord(own)), host, literal)
	case blocked && literal:
		return add(w, d, role, "network", "allowed_ips", yamlWord(d.Target))
	case blocked:
		return advice{note: w.T("The name stands for an address that is blocked (%s). An entry in network.allowed_ips for that address lifts this.", reason)}
	case literal && (d.Rule == "not in allowed_ips" || d.Rule == "no network_access"):
		return add(w, d, role, "network", "allowed_ips", yamlWord(d.Target))
	case d.Rule == "not in allowed_domains" || d.Rule == "no network_access":
		if port != "" {
			host += ":" + port
		}
		return add(w, d, role, "network", "allowed_domains", yamlWord(host))
	case d.Origin.BuiltIn != "":
		return advice{note: w.T("Built in (%s): no config lifts this.", d.Origin.BuiltIn)}
	}
	return advice{}
}

func also(w *Words, a advice, host string, literal bool) advice {
	if !literal {
		a.note = strings.TrimSpace("The name " + host + " must be allowed, too. " + a.note)
	}
	return a
}

// splitTarget takes the port off "host:port" and "[address]:port".
func splitTarget(target string) (host, port string) {
	if inner, rest, ok := strings.Cut(strings.TrimPrefix(target, "["), "]"); ok {
		return inner, strings.TrimPrefix(rest, ":")
	}
	if strings.Count(target, ":") == 1 {
		host, port, _ = strings.Cut(target, ":")
		return host, port
	}
	return target, ""
}

// carriesIPv4 reports whether an IPv6 address is a way to write an IPv4 one:
// the ranges of RFC 4291, 6052, 8215, 3056 and 4380.
func carriesIPv4(a netip.Addr) bool {
	if !a.Is6() || a.Is4In6() || a == netip.IPv6Loopback() || a == netip.IPv6Unspecified() {
		return false
	}
	for _, text := range [...]string{"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"} {
		if netip.MustParsePrefix(text).Contains(a.WithZone("")) {
			return true
		}
	}
	return false
}

// add is a piece of config: keys below the permissions of the agent, or of the
// role when its list is the one that refused. The last word is the value.
func add(w *Words, d *event.Denial, role string, words ...string) advice {
	kind, name := "agents", d.Agent
	if rest, ok := strings.CutPrefix(d.Origin.Key, "roles."); ok {
		kind = "roles"
		name, _, _ = strings.Cut(rest, ".permissions")
	}
	keys, value := words[:len(words)-1], words[len(words)-1]
	a := advice{
		lines: []string{kind + ":", "  " + yamlWord(name) + ":", "    permissions:"},
		short: kind + "." + name + ".permissions",
	}
	indent := "      "
	for _, key := range keys {
		a.lines = append(a.lines, indent+key+":")
		a.short += "." + key
		indent += "  "
	}
	if last := len(a.lines) - 1; value == "true" {
		a.lines[last] += " true"
		a.short += ": true"
	} else {
		a.lines = append(a.lines, indent+"- "+value)
		a.short += ": [" + value + "]"
	}
	if role != "" {
		a.note = w.T("The role %s counts, too: where both write this key, both must allow it. Where only one does, write it there.", role)
	}
	return a
}

// yamlWord quotes what YAML would read as something other than this text.
func yamlWord(s string) string {
	plain := strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~/") || letter(s)
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("/._-~+@:", r):
		default:
			plain = false
		}
	}
	if plain && !strings.HasSuffix(s, ":") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// letter reports whether s starts with a letter and is no word of YAML's own.
func letter(s string) bool {
	if s == "" || (s[0] < 'a' || s[0] > 'z') && (s[0] < 'A' || s[0] > 'Z') {
		return false
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		return false
	}
	return true
}
