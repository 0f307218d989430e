package configs

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// mask is what a literal secret shows of itself.
const mask = "••••"

// Form is the shape of a Reference.
type Form string

// The forms. An empty Reference has FormEmpty; a Reference that holds a value
// in the clear, also as the default of a variable, has FormLiteral.
const (
	FormEmpty    Form = ""
	FormLiteral  Form = "literal"
	FormVariable Form = "variable" // ${NAME} or ${NAME:-default}
	FormKeychain Form = "keychain"
	FormVault    Form = "vault"
	FormFile     Form = "file"
	FormAWS      Form = "aws-secrets"    // AWS Secrets Manager
	FormGCP      Form = "gcp-secrets"    // Google Cloud Secret Manager
	FormAzure    Form = "azure-keyvault" // Azure Key Vault
	FormCommand  Form = "exec"
	FormPass     Form = "pass"    // the password store of pass(1)
	FormOP       Form = "op"      // 1Password
	FormHCVault  Form = "hcvault" // HashiCorp Vault and OpenBao
)

// regular expressions are compiled once a call site and never change.
var (
	variableForm = form(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?\}$`)
	schemeForm   = form(`^([a-z][a-z0-9+.-]{1,30})://`)
)

func schemes() []string {
	return []string{"keychain", "vault", "file", "pass", "op", "hcvault", "aws-secrets", "gcp-secrets", "azure-keyvault"}
}

// Parse returns the form of the reference and what it names: the variable, the
// path, the secret's name. A malformed reference is an error that does not hold
// the text after the scheme, because that could be a secret.
func (r Reference) Parse() (form Form, name string, err error) {
	text := string(r)
	switch {
	case text == "":
		return FormEmpty, "", nil
	case strings.HasPrefix(text, "${"):
		m := variableForm().FindStringSubmatch(text)
		if m == nil {
			return FormLiteral, "", fmt.Errorf("not a variable: write ${NAME} or ${NAME:-default} and nothing else")
		}
		return FormVariable, m[1], nil
	case strings.HasPrefix(text, "exec:"):
		command := strings.TrimSpace(text[len("exec:"):])
		return FormCommand, command, checkCommand(command)
	}
	m := schemeForm().FindStringSubmatch(text)
	if m == nil {
		return FormLiteral, "", nil
	}
	scheme, rest := m[1], text[len(m[0]):]
	if !slices.Contains(schemes(), scheme) {
		return FormLiteral, "", fmt.Errorf("unknown scheme %s://%s", scheme, didYouMean(scheme, schemes()))
	}
	name, _, _ = strings.Cut(rest, "#")
	name, option, hasOption := strings.Cut(name, "?")
	if cloud(Form(scheme)) {
		return Form(scheme), name, checkCloud(Form(scheme), name, option, hasOption)
	}
	if err := checkName(Form(scheme), name); err != nil {
		return Form(scheme), name, err
	}
	if hasOption {
		err = checkOption(Form(scheme), option)
	}
	return Form(scheme), name, err
}

// checkCommand judges what no shell reads.
func checkCommand(command string) error {
	switch {
	case command == "":
		return fmt.Errorf("exec: needs a command")
	case strings.ContainsAny(command, "\"'`$;|&<>(){}*?\\"):
		return fmt.Errorf("exec: is read by no shell: quotes, variables and pipes have no meaning in it; name a script instead")
	}
	return nil
}

func checkOption(form Form, option string) error {
	version, is := strings.CutPrefix(option, "version=")
	number, err := strconv.Atoi(version)
	switch {
	case form != FormHCVault:
		return fmt.Errorf("%s:// takes no ?option; hcvault:// and the clouds take ?version=", form)
	case !is || err != nil || number < 1 || number > 1<<30:
		return fmt.Errorf("write hcvault://mount/path?version=3#member")
	}
	return nil
}

func checkName(form Form, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s:// needs a name", form)
	case form == FormKeychain && strings.Count(name, "/") != 1,
		form == FormKeychain && (strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/")):
		return fmt.Errorf("write keychain://service/account")
	case form == FormFile && !strings.HasPrefix(name, "/"):
		return fmt.Errorf("write file:///an/absolute/path, with three slashes")
	case form == FormOP && (strings.Count(name, "/") < 2 || strings.Count(name, "/") > 3):
		return fmt.Errorf("write op://vault/item/field, or op://vault/item/section/field")
	case form == FormHCVault && strings.Count(name, "/") < 1:
		return fmt.Errorf("write hcvault://mount/path#member")
	case (form == FormOP || form == FormHCVault || form == FormPass) && !plainPath(name):
		return fmt.Errorf("the path of %s:// has an empty part, a part . or .., or begins with -", form)
	}
	return nil
}

func plainPath(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !strings.HasPrefix(name, "-")
}

// Literal reports whether the text holds a value in the clear: a literal, or a
// variable with a default.
func (r Reference) Literal() bool { return r.literal() != "" }

// literal returns the part of the text that is a value in the clear.
func (r Reference) literal() string {
	text := string(r)
	if m := variableForm().FindStringSubmatch(text); m != nil {
		return m[3]
	}
	if form, _, _ := r.Parse(); form == FormLiteral {
		return text
	}
	return ""
}

// String gives a reference as written and bullets for a literal.
func (r Reference) String() string {
	secret := r.literal()
	switch {
	case secret == "":
		return string(r)
	case secret == string(r):
		return mask
	}
	return strings.TrimSuffix(string(r), secret+"}") + mask + "}"
}

// GoString is String: no verb prints a literal.
func (r Reference) GoString() string { return r.String() }

// Format writes String for every verb and flag.
func (r Reference) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// MarshalText gives String to JSON.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalYAML gives String to YAML.
func (r Reference) MarshalYAML() (any, error) { return r.String(), nil }

// LogValue gives String to slog.
func (r Reference) LogValue() slog.Value { return slog.StringValue(r.String()) }
