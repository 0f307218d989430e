package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// validator judges a decoded tree: what the shape of the text cannot say.
type validator struct {
	snapshot *Snapshot
	decoder  *decoder
	file     *readResult // nil for a text without a file
	problems []Problem
}

// all runs every check.
func (v *validator) all() []Problem {
	v.gateway()
	v.tls()
	v.providers()
	v.agents()
	v.policies()
	v.client()
	v.screen()
	v.logging()
	v.monitoring()
	v.backup()
	v.files()
	v.unbuilt()
	if !v.file.plain() && v.config().Client.GatewayURL != "" {
		v.fail("client.gateway_url", "write it as OPENCLAW_GATEWAY_URL into .env beside this file, and take it out here",
			"every command needs it before anybody gave the passphrase of an encrypted config")
	}
	if v.file != nil {
		v.problems = append(v.problems, v.file.modeProblems(v.decoder.file, v.file.plain() && len(literals(v.snapshot.Config)) > 0)...)
	}
	return v.problems
}

func (v *validator) config() *Config { return v.snapshot.Config }

// at gives the place of a key's value, or of the key above it.
func (v *validator) at(key string) position {
	if at, ok := v.decoder.values[key]; ok && key != "" {
		return at
	}
	return where(v.decoder.positions, key)
}

func (v *validator) add(p Problem) {
	at := v.at(p.Key)
	p.File, p.Line, p.Column = v.decoder.file, at.line, at.column
	if len(v.problems) < maxProblems {
		v.problems = append(v.problems, p)
	}
}

func (v *validator) fail(key, hint, format string, args ...any) {
	v.add(Problem{Key: key, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (v *validator) warn(key, hint, format string, args ...any) {
	v.add(Problem{Key: key, Hint: hint, Message: fmt.Sprintf(format, args...), Warning: true})
}

func (v *validator) written(key string) bool {
	_, ok := v.decoder.positions[key]
	return ok
}

// namePattern is ValidName as the schema says it, but for the two dots.
const (
	namePattern = `^[a-z0-9][a-z0-9._-]{0,63}$`
	maxName     = 64 // bytes
)

// ValidName reports whether name can be the name of an agent, a role or a
// provider: 1 to 64 of a-z, 0-9, dot, dash and underscore, the first a letter
// or digit, and no two dots in a row.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName || strings.Contains(name, "..") {
		return false
	}
	// By hand: every start of an agent checks one name, and to compile the
	// expression for it takes longer than to ask the gateway.
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return true
}

func (v *validator) name(what, key, name string) bool {
	if ValidName(name) {
		return true
	}
	hint := ""
	if lower := strings.ToLower(name); ValidName(lower) {
		hint = "write " + lower
	}
	v.fail(key, hint, "%s is not a name for %s: use a-z, 0-9, dot, dash and underscore, at most 64, the first a letter or digit", quote(name), what)
	return false
}

// addresses checks a list of addresses and CIDRs.
func (v *validator) addresses(key string, list []string) {
	for i, item := range list {
		if _, err := netip.ParseAddr(item); err == nil {
			continue
		}
		prefix, err := netip.ParsePrefix(item)
		switch {
		case err != nil:
			v.fail(itemKey(key, i), "write 10.0.0.5 or 10.0.0.0/8", "%s is not an address or a CIDR", quote(item))
		case prefix.Masked() != prefix:
			v.warn(itemKey(key, i), "write "+prefix.Masked().String(), "%s has bits set past its length", quote(item))
		}
	}
}

// reference checks a field that names a secret.
func (v *validator) reference(key string, r Reference, stored string) {
	form, name, err := r.Parse()
	switch {
	case err != nil:
		v.fail(key, "known are ${NAME}, keychain://, vault://, file:///, pass://, op://, hcvault://, aws-secrets://, gcp-secrets://, azure-keyvault://, exec:", "%v", err)
		return
	case strings.Contains(string(r), "•"):
		v.fail(key, "write a reference, such as keychain://openclaw/"+stored, "holds the bullets that stand for a secret, not the secret")
		return
	case form == FormLiteral && strings.HasPrefix(string(r), "$") && variableName(string(r)[1:]):
		v.fail(key, "write ${NAME}", "a variable needs braces")
		return
	case r.Literal() && v.file.plain():
		v.warn(key, "`openclaw secrets import` moves it into the keychain", "line %d holds a secret in the clear", v.at(key).line)
	case form == FormVariable && v.snapshot.options.Getenv(name) == "" && !strings.Contains(string(r), ":-"):
		v.warn(key, "set it in the environment or in .env beside this file", "the variable %s is not set", name)
	case form == FormFile:
		v.secretFile(key, name)
	}
	if form == FormFile && !filepath.IsAbs(name) {
		v.fail(key, "", "the path must be absolute")
	}
}

func (v *validator) secretFile(key, path string) {
	if v.snapshot.options.NoFiles {
		return
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.warn(key, "", "the file is not there")
	case err != nil:
		v.warn(key, "", "the file cannot be looked at")
	case !info.Mode().IsRegular():
		v.warn(key, "", "is not a regular file and will be refused")
	case modesMatter && info.Mode().Perm()&0o077 != 0:
		v.warn(key, "chmod 600 it", "the file is open to others (mode %04o) and will be refused", info.Mode().Perm())
	}
}

// files warns of files that the config names and that are not there.
func (v *validator) files() {
	if v.snapshot.options.NoFiles {
		return
	}
	c := v.config()
	exists := func(active bool, key, path string) {
		if !active || path == "" {
			return
		}
		if info, err := os.Stat(path); err != nil {
			v.warn(key, "", "%s is not there", path)
		} else if info.IsDir() {
			v.warn(key, "", "%s is a folder, not a file", path)
		}
	}
	exists(c.Gateway.TLS.Enabled, "gateway.tls.cert_file", c.Gateway.TLS.CertFile)
	exists(c.Gateway.TLS.Enabled, "gateway.tls.key_file", c.Gateway.TLS.KeyFile)
	exists(c.Gateway.TLS.Enabled, "gateway.tls.ca_file", c.Gateway.TLS.CAFile)
	exists(c.Gateway.TLS.Enabled, "gateway.tls.crl_file", c.Gateway.TLS.CRLFile)
	exists(c.Gateway.TLS.Enabled, "gateway.tls.ocsp_file", c.Gateway.TLS.OCSPFile)
	exists(true, "client.tls.cert_file", c.Client.TLS.CertFile)
	exists(true, "client.tls.key_file", c.Client.TLS.KeyFile)
	exists(true, "client.tls.ca_file", c.Client.TLS.CAFile)
	exists(c.Client.Encryption.Enabled, "client.encryption.public_key_path", c.Client.Encryption.PublicKeyPath)
	exists(c.Client.Encryption.Enabled, "client.encryption.private_key_path", c.Client.Encryption.PrivateKeyPath)
	for name, agent := range c.Agents {
		key := childKey("agents", name)
		if info, err := os.Stat(agent.Workspace); err == nil && !info.IsDir() {
			v.warn(childKey(key, "workspace"), "move the file away", "%s is a file; a workspace is a folder", agent.Workspace)
		}
	}
}

// unbuilt says which settings have no effect yet.
func (v *validator) unbuilt() {
	for _, row := range notBuilt() {
		if row.Active(v.config()) && (row.Always || v.written(row.Key)) {
			v.warn(row.Key, row.Hint, "%s", row.message())
		}
	}
}
