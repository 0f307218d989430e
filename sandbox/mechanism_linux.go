package sandbox

// mechanism is a row of what a cage rests on.
type mechanism struct{ name, purpose, fix string }

// instead is the mechanism that takes the place of the redirect where the
// kernel has no nf_tables.
const instead = "tun"

// table lists the mechanisms in the order in which a cage uses them.
func table() []mechanism {
	const kernel = "use a kernel of 5.19 or later with "
	return []mechanism{
		{"user namespace", "an ordinary user can build the rest", "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian), sysctl kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile for openclaw with `userns,` (Ubuntu 24.04 and later), sysctl user.max_user_namespaces above 0; a container must be started so that it allows them"},
		{"process namespace", "no process outside can be seen or signalled; all end with the run", kernel + "CONFIG_PID_NS"},
		{"network namespace", "nothing of the machine's network is there", kernel + "CONFIG_NET_NS"},
		{"redirect", "any TCP program is held to the policy, without proxy settings", kernel + "nf_tables (modprobe nft_redir nft_chain_nat), or let users open the TUN device (modprobe tun; chmod 0666 /dev/net/tun)"},
		{instead, "any TCP program is held to the policy, without proxy settings and without nf_tables", ""},
		{"mount namespace", "only what the policy opens is there", kernel + "CONFIG_NAMESPACES"},
		{"gate", "refused reads are seen, and may be asked about", "modprobe fuse, and let users open the device: chmod 0666 /dev/fuse (udev does both)"},
		{"own processes", "/proc tells nothing about others", ""},
		{"read-only binds", "system folders cannot be changed, by root neither", ""},
		{"capabilities", "no right over the machine is left", ""},
		{"no new privileges", "sudo, su and every set-uid program are harmless", ""},
		{"landlock scopes", "no abstract socket and no signal leaves the cage", kernel + "Landlock ABI 2 (5.19) and landlock in the list of security modules (lsm=)"},
		{"call filter", "dangerous system calls do not exist", kernel + "CONFIG_SECCOMP_FILTER"},
		{"call notification", "refused writes, programs, connections and other calls are seen", kernel + "seccomp user notification; it is not available below another supervisor that uses it"},
	}
}

// reducedTable lists what a reduced cage rests on beside rows of table.
func reducedTable() []mechanism {
	const kernel = "use a kernel of 6.12 or later with landlock in the list of security modules (lsm=)"
	return []mechanism{
		{"landlock files", "only what the policy opens can be read, changed or executed", kernel},
		{"landlock network", "no connection but those that the supervisor makes", kernel},
		{"sockets", "no service of the machine or of the person's session is reached", "use a kernel with CONFIG_SECCOMP_FILTER and seccomp user notification"},
		{"attributes", "mode, owner and times of other files stay as they are", "use a kernel with CONFIG_SECCOMP_FILTER and seccomp user notification"},
	}
}

func purposeOf(name string) string {
	for _, row := range append(table(), reducedTable()...) {
		if row.name == name {
			return row.purpose
		}
	}
	return ""
}

func fixFor(name string) string {
	for _, row := range append(table(), reducedTable()...) {
		if row.name == name {
			return row.fix
		}
	}
	return ""
}
