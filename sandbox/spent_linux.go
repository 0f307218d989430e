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

// namespacesHint is how to get namespaces that the kernel refused. ENOSPC is its word
// for a limit alone, which no profile and no other setting lifts.
func namespacesHint(err error, otherwise string) string {
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
