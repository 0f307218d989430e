package sandbox

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namespaceKinds are those that a cage's first process is started in, as the kernel's
// limits of them are named (namespaces(7)).
func namespaceKinds() []string { return []string{"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"} }

// filesHint is what to do where no more files can be open.
const filesHint = "raise the limit of open files for this shell: ulimit -n 1024"

// spentFiles reports whether err is of too many open files, of this process or of all.
func spentFiles(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// spentHint is filesHint where err is of that.
func spentHint(err error) string {
	if spentFiles(err) {
		return filesHint
	}
	return ""
}

// namespacesHint is how to get namespaces that the kernel refused. ENOSPC is its word
// for a limit alone, which no profile and no other setting lifts. Nor does any where a
// start lacks descriptors: who is told to allow namespaces opens the machine for nothing.
func namespacesHint(err error, otherwise string) string {
	if spentFiles(err) {
		return filesHint
	}
	if !errors.Is(err, unix.ENOSPC) {
		return otherwise
	}
	var none []string
	for _, kind := range namespaceKinds() {
		key := "max_" + kind + "_namespaces"
		text, err := os.ReadFile("/proc/sys/user/" + key)
		if err != nil {
			continue
		}
		if limit, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && limit == 0 {
			none = append(none, "user."+key)
		}
	}
	if len(none) > 0 {
		return "a limit of 0 refuses them here: as root, raise " + strings.Join(none, " and ") +
			", such as by sysctl " + strings.Join(none, "=10000 ") + "=10000, and in /etc/sysctl.d to keep it"
	}
	return "a limit of namespaces is reached: end what holds them, raise sysctl user.max_user_namespaces and its like (namespaces(7)) as root, " +
		"or, in a container, raise them on the machine itself"
}
