package ref

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"openclaw/keychain"
)

// parseExec reads a command line: words between blanks. No shell reads it, so
// quotes and variables, which only a shell understands, are refused.
func parseExec(text string) (Reference, error) {
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		return Reference{}, bad("write exec:program argument…", "there is no program")
	case strings.ContainsAny(text, "\"'`$;|&<>(){}*?\\"):
		return Reference{}, bad("write it into a script and write exec:/path/of/the/script", "no shell reads the command line: quotes, variables and pipes have no meaning in it")
	case strings.Contains(words[0], "/") && !path.IsAbs(words[0]):
		return Reference{}, bad("write the program's name, or its whole path", "the program's path is not whole")
	case isDockerHelper(words[0]) && len(words) != 2:
		return Reference{}, bad("write exec:"+path.Base(words[0])+" https://server", "a docker-credential program is given one server, and nothing else")
	}
	return Reference{scheme: Exec, parts: []part{{text: keychain.NewSecret([]byte(strings.Join(words, " ")))}}}, nil
}

// isDockerHelper reports whether the program speaks docker's credential protocol:
// "get", the server on standard input, a JSON object on standard output.
func isDockerHelper(program string) bool {
	return strings.HasPrefix(path.Base(program), "docker-credential-")
}

// parseExternal reads pass://, op:// and hcvault://.
func parseExternal(scheme Scheme, rest string) (Reference, error) {
	r := Reference{scheme: scheme}
	rest, field, hasField := strings.Cut(rest, "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	var err error
	if r.field, err = unescape(field); err != nil || (hasField && r.field == "") {
		return Reference{}, bad("write #member", "the part behind # is empty or not well formed")
	}
	if hasQuery {
		values, err := url.ParseQuery(query)
		if scheme != HCVault || err != nil || len(values) != 1 || len(values["version"]) != 1 {
			return Reference{}, bad("leave it out (write %3F for a question mark in a name)", "hcvault:// takes ?version=NUMBER, and the others here no option")
		}
		number, err := strconv.Atoi(values.Get("version"))
		if err != nil || number < 1 || number > 1<<30 {
			return Reference{}, bad("write ?version=3", "the version is no number from 1 on")
		}
		r.version = strconv.Itoa(number)
	}
	if r.first, err = unescape(rest); err != nil || !plainPath(r.first) {
		return Reference{}, bad(shapes(scheme), "the path is missing, or is not plain")
	}
	parts := strings.Count(r.first, "/") + 1
	if scheme == HCVault && parts < 2 || scheme == OP && (parts < 3 || parts > 4) {
		return Reference{}, bad(shapes(scheme), "the path has too few or too many parts")
	}
	return r, nil
}

func shapes(scheme Scheme) string {
	switch scheme {
	case OP:
		return "write op://vault/item/field, or op://vault/item/section/field"
	case HCVault:
		return "write hcvault://mount/path#member"
	default:
		return "write pass://path/of/the/entry"
	}
}

// plainPath refuses what a program could take for an option, or for a place
// outside of its store.
func plainPath(name string) bool {
	if name == "" || strings.HasPrefix(name, "-") || len(name) > 1000 || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
