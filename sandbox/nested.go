package sandbox

// NestedOpens says, one a line for a person, what `nested: true` opens to every
// program of an agent, and what still holds.
func NestedOpens() []string {
	return []string{
		"calls: clone and unshare with new namespaces, setns, mount, umount2, pivot_root, chroot, and the newer mount calls (open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr); without the switch each fails",
		"the kernel's code behind them: user namespaces, overlayfs, tmpfs, devpts and what else a user namespace may mount, routes and addresses of a network of its own; most flaws by which programs became root were found there (netfilter stays closed: its sockets are not allowed)",
		"a program may have every capability over the namespaces that it made, and none over the cage's own",
		"Landlock's rules for files are left out, since no program under them may mount; mounts alone hold then. A file that is handed to the command for reading is opened anew, read-only",
		"/proc is not covered in part, as it is otherwise: a program sees the settings of the machine in /proc/sys, and the names of the user's kernel keys in /proc/keys",
		"cgroup namespaces only where no control group of the user's shows in one",
		"writes that a nested sandbox is refused by a read-only folder are not reported; what the gate, the network and the limits refuse is",
		"a nested sandbox reaches a UNIX socket by its path where that is in the cage's own /tmp, which holds nothing of the host's; elsewhere none, its own neither",
		"not for root: an agent that root runs is refused with it",
		"still held: denied paths, read-only folders, the gate, the network, signals, no_new_privs and every other rule of the call filter; the kernel locks the cage's mounts in each namespace below it",
	}
}
