package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"openclaw/sandbox/darwin/places"
	"openclaw/sandbox/policy"
)

// check refuses what no cage can be built from.
func check(spec *Spec) error {
	p := spec.Policy
	switch {
	case p == nil:
		return &Error{Op: "read policy", Kind: KindPolicy, Err: errors.New("there is none"), Hint: "an agent runs only under a policy"}
	case len(spec.Command) == 0 || spec.Command[0] == "":
		return &Error{Op: "find command", Kind: KindNotFound, Err: errors.New("no command given"), Hint: "write the command after --"}
	case !path.IsAbs(p.Workspace):
		return &Error{Op: "open workspace", Kind: KindPolicy, Err: fmt.Errorf("%q is not an absolute path", p.Workspace)}
	}
	for _, text := range append(append([]string{spec.Dir}, spec.Command...), spec.Env...) {
		if strings.IndexByte(text, 0) >= 0 {
			return &Error{Op: "read command", Kind: KindNotFound, Err: errors.New("an argument holds a NUL byte"), Hint: "leave it out; no program can be given one"}
		}
	}
	if _, err := os.Stat(p.Workspace); errors.Is(err, fs.ErrNotExist) { // it is made nowhere that an agent's link leads to
		if _, _, err := newResolutions().unplanted(p); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(p.Workspace, 0o700); err != nil {
		return &Error{Op: "open workspace", Kind: KindPolicy, Err: err, Hint: "the agent's workspace must be a folder of yours"}
	}
	return nil
}

// readable reports whether the policy lets a path be read, by each of its
// names.
func readable(p *policy.Policy, name string) bool {
	physical, _, err := places.Resolve(name, true)
	if err != nil {
		return false
	}
	allowed := func(n string) bool {
		d := p.Decide(policy.Request{Class: policy.ClassPathRead, Path: n})
		return d.Effect == policy.Allow && d.Rule != "system folder: /tmp" // which no Mac can make private
	}
	return allowed(name) || allowed(physical)
}

// workingFolder is where the command starts.
func workingFolder(spec *Spec) string {
	if path.IsAbs(spec.Dir) {
		name := path.Clean(spec.Dir)
		if info, err := os.Stat(name); err == nil && info.IsDir() && readable(spec.Policy, name) {
			return name
		}
	}
	return spec.Policy.Workspace
}

// findProgram looks the command up as the cage would: the first that it may
// read wins; one that exists and is refused is started all the same, so that
// the refusal is seen.
func findProgram(spec *Spec, dir string) (string, error) {
	name := spec.Command[0]
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(dir, name)
		}
		if !executable(name) {
			return "", notFound(name)
		}
		return path.Clean(name), nil
	}
	refused := ""
	for _, folder := range filepath.SplitList(lookupEnv(spec.Env, "PATH")) {
		candidate := path.Join(folder, name)
		if !path.IsAbs(folder) || !executable(candidate) {
			continue
		}
		if readable(spec.Policy, candidate) {
			return candidate, nil
		}
		if refused == "" {
			refused = candidate
		}
	}
	if refused != "" {
		return refused, nil
	}
	return "", notFound(name)
}

func notFound(name string) error {
	return &Error{
		Op: "find command", Kind: KindNotFound, Err: fmt.Errorf("%s: %w", name, fs.ErrNotExist),
		Hint: "give its full path, or put its folder into PATH",
	}
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// interpreters are the programs that a script names on its first line, as far
// as scripts name scripts.
func interpreters(program string) []string {
	var list []string
	for range 4 {
		f, err := os.Open(program)
		if err != nil {
			return list
		}
		line, err := bufio.NewReader(f).ReadSlice('\n')
		_ = f.Close()
		text, script := strings.CutPrefix(string(line), "#!")
		if err != nil || !script {
			return list
		}
		fields := strings.Fields(text)
		if len(fields) == 0 || !path.IsAbs(fields[0]) {
			return list
		}
		physical, _, err := places.Resolve(path.Clean(fields[0]), true)
		if err != nil {
			return list
		}
		list = append(list, physical)
		program = physical
	}
	return list
}

// lookupEnv returns the last value of a variable, as the kernel's users do.
func lookupEnv(env []string, key string) string {
	value := ""
	for _, entry := range env {
		if name, v, ok := strings.Cut(entry, "="); ok && name == key {
			value = v
		}
	}
	return value
}

// withEnv sets variables, in place of those of the same names.
func withEnv(env []string, set ...string) []string {
	var out []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		replaced := false
		for _, s := range set {
			replaced = replaced || strings.HasPrefix(s, name+"=")
		}
		if !replaced {
			out = append(out, entry)
		}
	}
	return append(out, set...)
}
