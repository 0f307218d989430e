package learn

import (
	"path"
	"slices"
	"strings"
	"unicode"
)

// secret reports whether a file's name says that it holds a secret. It is a
// guess by the name alone, made so that such a file is never proposed unseen.
func secret(name string) bool {
	base := strings.ToLower(path.Base(name))
	switch base {
	case ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".npmrc", ".pypirc", ".git-credentials", ".vault-token", "kubeconfig", "wallet.dat":
		return true
	}
	if base == ".env" || strings.HasPrefix(base, ".env.") {
		return !hasSuffix(base, ".example", ".sample", ".template", ".dist")
	}
	if strings.HasPrefix(base, "id_") {
		return !strings.HasSuffix(base, ".pub")
	}
	if hasSuffix(base, ".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".kdb", ".ppk", ".gpg", ".age", ".ovpn") {
		return true
	}
	if isSource(base) {
		return false // a program about tokens is none
	}
	words := strings.FieldsFunc(base, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.ContainsFunc(words, isSecretWord)
}

func isSecretWord(word string) bool {
	switch word {
	case "token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "credential", "credentials", "apikey", "apikeys":
		return true
	}
	return false
}

func isSource(base string) bool {
	return hasSuffix(base, ".go", ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".py", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".rb", ".php",
		".cs", ".swift", ".kt", ".scala", ".sh", ".md", ".rst", ".html", ".css")
}

func hasSuffix(name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
