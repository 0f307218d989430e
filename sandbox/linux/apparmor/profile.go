package apparmor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mark is the first line of a file that is ours to replace.
const mark = "# Written by `openclaw doctor --fix`; it is replaced by the next one."

// ErrPath says that no profile can be written for a program's path.
var ErrPath = errors.New("AppArmor cannot name this path without doubt")

// Profile is the profile for the program at a path, which must be absolute and
// real (no symbolic link in it: AppArmor sees where the program lies). The
// syntax is that of AppArmor 4.0, the first that knows the rule.
func Profile(program string) (string, error) {
	quoted, err := quote(program)
	if err != nil {
		return "", err
	}
	return mark + `
# It lets this one program make user namespaces, which its cages are built from.
abi <abi/4.0>,
include <tunables/global>

profile openclaw ` + quoted + ` flags=(unconfined) {
  userns,

  include if exists <local/openclaw>
}
`, nil
}

// quote writes a path so that it names itself and nothing else. Sources: the man
// page apparmor.d(5), and what the parser makes of each character. It turns an
// escaped question mark into a pattern, so such a path is refused.
func quote(name string) (string, error) {
	if !filepath.IsAbs(name) || filepath.Clean(name) != name {
		return "", fmt.Errorf("%q: %w: it is not absolute and clean", name, ErrPath)
	}
	if !utf8.ValidString(name) {
		return "", fmt.Errorf("%q: %w: it is not UTF-8; move the program to another folder", name, ErrPath)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range name {
		switch {
		case c == '?' || unicode.IsControl(c):
			return "", fmt.Errorf("%q: %w: move the program to a folder without %q in its name", name, ErrPath, c)
		case strings.ContainsRune(`\"*[]{}^@,`, c):
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	b.WriteByte('"')
	return b.String(), nil
}

// Program is the real path of the running program.
func Program() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return real, nil
}

// Warning says who else gets what the profile gives, or nothing.
func Warning(program string) string {
	for at := program; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return ""
		}
		if owner, ok := ownerOf(info); ok && (owner != 0 || info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0) {
			return at + " can be changed by others than root: whoever changes the program there may make user namespaces too; /usr/local/bin would be a better place"
		}
		if at == "/" {
			return ""
		}
	}
}

// Restricted reports whether this machine's AppArmor refuses user namespaces to
// programs that it does not know.
func Restricted() bool {
	return restricted("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
}

func restricted(setting string) bool {
	value, err := os.ReadFile(setting)
	return err == nil && strings.TrimSpace(string(value)) == "1"
}
