package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// check refuses what no cage can be built from.
func check(spec *Spec) error {
	p := spec.Policy
	switch {
	case p == nil:
		return &Error{Op: "read policy", Kind: KindPolicy, Err: errors.New("there is none"), Hint: "an agent runs only under a policy"}
	case p.Nested && os.Getuid() == 0:
		return &Error{
			Op: "read policy", Kind: KindPolicy, Err: errors.New("`nested: true` for an agent that root runs"),
			Hint: "run it as an ordinary user: since Linux 5.12 no program without capabilities may make a user namespace with root in it, because it could give files rights that hold outside",
		}
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
	if err := standardFiles(spec); err != nil {
		return err
	}
	return workspace(p)
}

// standardFiles refuses a folder in the place of input or output: whoever holds
// an open folder of the host is inside the host's tree.
func standardFiles(spec *Spec) error {
	for _, file := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr} {
		if file == nil {
			continue
		}
		info, err := file.Stat()
		if err != nil {
			return &Error{Op: "look at " + file.Name(), Err: err}
		}
		if info.IsDir() {
			return &Error{
				Op: "look at " + file.Name(), Kind: KindPolicy, Err: errors.New("it is a folder"),
				Hint: "give the command a file, a terminal or a pipe as its input and output",
			}
		}
	}
	return nil
}

// workspace makes the agent's own folder, readable by nobody else. It makes none where
// an agent's link leads: no cage would be built there either.
func workspace(p *policy.Policy) error {
	name := p.Workspace
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, planned := mounts.Preview(p); planned != nil {
			return planError(planned)
		}
		err = os.MkdirAll(name, 0o700)
		if err == nil {
			info, err = os.Stat(name)
		}
	}
	if err != nil {
		return &Error{Op: "open workspace", Kind: KindPolicy, Err: err, Hint: "the agent's workspace must be a folder of yours"}
	}
	if !info.IsDir() {
		return &Error{
			Op: "open workspace", Kind: KindPolicy, Err: fmt.Errorf("%s is not a folder", name),
			Hint: "move the file away, or name another workspace for this agent",
		}
	}
	return nil
}

// view answers what a path is inside the cage, from outside.
type view struct{ native func(real string) bool }

// readable finds the real name of a path on the host, and whether the cage can
// read it without the gate.
func (v view) readable(name string) (real string, ok bool, err error) {
	real, err = filepath.EvalSymlinks(name)
	if err != nil {
		return "", false, err
	}
	return real, v.native(real), nil
}

// dir is where the command starts, by the folder's own name: the shell's may go
// through a link that the agent cannot read (a home folder that is one).
func (v view) dir(spec *Spec) string {
	name := spec.Dir
	if !path.IsAbs(name) {
		return spec.Policy.Workspace
	}
	name = path.Clean(name)
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return spec.Policy.Workspace
	}
	if real, ok, err := v.readable(name); err == nil && ok {
		return real
	}
	return spec.Policy.Workspace
}

// program looks the command up as the cage would: the first that it may read
// wins; one that exists and is refused is started all the same, so that the
// refusal is seen.
func (v view) program(spec *Spec, dir string) (string, error) {
	name := spec.Command[0]
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(dir, name)
		}
		if !executable(name) {
			return "", v.notFound(spec, name)
		}
		return name, nil
	}
	refused := ""
	for _, folder := range filepath.SplitList(lookupEnv(spec.Env, "PATH")) {
		if !path.IsAbs(folder) {
			continue
		}
		candidate := path.Join(folder, name)
		if !executable(candidate) {
			continue
		}
		if _, ok, err := v.readable(candidate); err == nil && ok {
			return candidate, nil
		}
		if refused == "" {
			refused = candidate
		}
	}
	if refused != "" {
		return refused, nil
	}
	return "", v.notFound(spec, name)
}

func (v view) notFound(_ *Spec, name string) error {
	if _, err := os.Lstat(name); err == nil && strings.Contains(name, "/") {
		return &Error{
			Op: "start command", Kind: KindFailed, Err: fmt.Errorf("%s: %w", name, fs.ErrPermission),
			Hint: "it is there but cannot be executed: it must be a file with an x bit for you",
		}
	}
	hint := "give its full path, or put its folder into PATH"
	if strings.Contains(name, "/") {
		hint = "check the path"
	}
	return &Error{Op: "find command", Kind: KindNotFound, Err: fmt.Errorf("%s: %w", name, fs.ErrNotExist), Hint: hint}
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
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
