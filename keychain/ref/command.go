package ref

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"openclaw/keychain"
)

// maxOutput bounds what a program may answer, in bytes.
const maxOutput = 64 << 10

// lingering is how long the pipes of a program that was ended may stay open: a
// child of it may hold them.
const lingering = time.Second

// command is a program that answers with a secret.
type command struct {
	words []string
	input string   // for its standard input; never a secret
	env   []string // names beyond those that every program gets
}

// askOutside asks a program or a server elsewhere, within the deadline.
func (r *Resolver) askOutside(ctx context.Context, reference Reference) (keychain.Secret, error) {
	asked, cancel := context.WithTimeout(ctx, r.options.Patience)
	defer cancel()
	switch reference.scheme {
	case HCVault:
		return r.askHCVault(asked, reference)
	case AWS:
		return r.askAWS(asked, reference)
	case GCP:
		return r.askGCP(asked, reference)
	case Azure:
		return r.askAzure(asked, reference)
	case Pass:
		return r.run(asked, command{words: []string{"pass", "show", reference.first}, env: []string{"PASSWORD_STORE_DIR", "PASSWORD_STORE_GPG_OPTS", "PASSWORD_STORE_ENABLE_EXTENSIONS"}})
	case OP:
		return r.run(asked, command{words: []string{"op", "read", "--no-newline", "op://" + reference.first}, env: []string{
			"OP_SERVICE_ACCOUNT_TOKEN", "OP_ACCOUNT", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN", "OP_CONFIG_DIR", "OP_BIOMETRIC_UNLOCK_ENABLED",
		}})
	default:
	}
	words := strings.Fields(string(reference.parts[0].text.Reveal()))
	if !isDockerHelper(words[0]) {
		return r.run(asked, command{words: words})
	}
	answer, err := r.run(asked, command{words: []string{words[0], "get"}, input: words[1]})
	if err != nil {
		return keychain.Secret{}, err
	}
	defer answer.Wipe()
	var credentials struct{ Secret string }
	if json.Unmarshal(answer.Reveal(), &credentials) != nil || credentials.Secret == "" {
		return keychain.Secret{}, outside(keychain.KindCorrupt, "its answer is no JSON object with a Secret", "run it by hand: echo "+words[1]+" | "+words[0]+" get")
	}
	return keychain.NewSecret([]byte(credentials.Secret)), nil
}

func outside(kind keychain.Kind, text, hint string) error {
	return &keychain.Error{Op: resolveOp, Kind: kind, Err: errors.New(text), Hint: hint}
}

// run starts the program, with no shell, no terminal and few variables, and takes
// its standard output. Nothing of what it prints gets into an error: it may be the
// secret.
func (r *Resolver) run(ctx context.Context, c command) (keychain.Secret, error) {
	name := c.words[0]
	byHand := "run it in a terminal to see what is wrong: " + strings.Join(c.words, " ")
	if c.input != "" {
		byHand = "run it in a terminal to see what is wrong: echo " + c.input + " | " + strings.Join(c.words, " ")
	}
	path, err := r.find(name)
	if err != nil {
		return keychain.Secret{}, outside(keychain.KindNoService, "the program "+filepath.Base(name)+" is not there", "install it, or write its whole path; it is looked for in PATH")
	}
	cmd := exec.CommandContext(ctx, path, c.words[1:]...)
	cmd.Env = r.environment(c.env)
	cmd.Dir = "/"
	if home, ok := r.lookup("HOME"); ok && filepath.IsAbs(home) {
		cmd.Dir = home
	}
	cmd.Stdin = strings.NewReader(c.input)
	out := &bounded{limit: maxOutput}
	defer out.wipe()
	cmd.Stdout = out
	cmd.WaitDelay = lingering
	ownGroup(cmd)
	err = cmd.Run()
	switch {
	case out.full:
		return keychain.Secret{}, outside(keychain.KindTooBig, "it answered with more than 64 KiB", byHand)
	case ctx.Err() != nil:
		if errors.Is(ctx.Err(), context.Canceled) {
			return keychain.Secret{}, ctx.Err()
		}
		return keychain.Secret{}, outside(keychain.KindTimeout, filepath.Base(name)+" did not answer in time and was ended", byHand+" (it may wait for a passphrase, which is to be given first)")
	case err != nil:
		return keychain.Secret{}, outside(keychain.KindFailed, filepath.Base(name)+" failed: "+status(err), byHand)
	}
	value, _ := bytes.CutSuffix(out.data, []byte("\n"))
	value, _ = bytes.CutSuffix(value, []byte("\r"))
	if len(value) == 0 {
		return keychain.Secret{}, outside(keychain.KindNotFound, filepath.Base(name)+" answered with nothing", byHand)
	}
	return keychain.NewSecret(bytes.Clone(value)), nil
}

// status tells how a program ended, without its words.
func status(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.String()
	}
	return "it could not be run"
}

// find looks a program up in the PATH of this Resolver, in whole paths only.
func (r *Resolver) find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return exec.LookPath(name)
	}
	list, _ := r.lookup("PATH")
	for _, folder := range filepath.SplitList(list) {
		if filepath.IsAbs(folder) {
			if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
				return path, nil
			}
		}
	}
	return "", exec.ErrNotFound
}

func (r *Resolver) lookup(name string) (string, bool) {
	if r.options.LookupEnv == nil {
		return "", false
	}
	return r.options.LookupEnv(name)
}

// environment is what a program gets: where it finds its own things, how it
// reaches the person's agent and screen, and what it was promised.
func (r *Resolver) environment(more []string) []string {
	var out []string
	for _, name := range append([]string{
		"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
		"GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "USERPROFILE",
	}, more...) {
		if value, ok := r.lookup(name); ok && value != "" {
			out = append(out, name+"="+value)
		}
	}
	return out
}

// bounded keeps at most limit bytes, in one buffer that can be wiped.
type bounded struct {
	limit int
	data  []byte
	full  bool
}

var errFull = errors.New("too much output")

func (b *bounded) Write(p []byte) (int, error) {
	if b.data == nil {
		b.data = make([]byte, 0, b.limit)
	}
	if len(b.data)+len(p) > b.limit {
		b.full = true
		return 0, errFull // the pipe breaks, and ends the program
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *bounded) wipe() { clear(b.data[:cap(b.data)]) }

// pick takes #field out of a value.
func pick(value keychain.Secret, reference Reference) (keychain.Secret, error) {
	if reference.scheme != Pass {
		return member(value, reference.field)
	}
	// pass(1): the first line is the password, "name: value" lines follow.
	for i, line := range bytes.Split(value.Reveal(), []byte("\n")) {
		name, rest, ok := bytes.Cut(line, []byte(":"))
		if i > 0 && ok && string(bytes.TrimSpace(name)) == reference.field && len(bytes.TrimSpace(rest)) > 0 {
			return keychain.NewSecret(bytes.Clone(bytes.TrimSpace(rest))), nil
		}
	}
	return keychain.Secret{}, outside(keychain.KindNotFound, "the entry has no line of this name", "write a line 'name: value' below the password (pass edit), or leave #… out for the first line")
}

// firstLine is the password of an entry of pass(1).
func firstLine(value keychain.Secret) keychain.Secret {
	line, _, more := bytes.Cut(value.Reveal(), []byte("\n"))
	if !more {
		return value
	}
	first := keychain.NewSecret(bytes.Clone(bytes.TrimRight(line, "\r")))
	value.Wipe()
	return first
}
