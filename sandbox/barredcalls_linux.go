package sandbox

import "strings"

// callWords are what a person is told of the calls that the filter refuses whatever their
// arguments, or where there is nothing more to be said of these.
func callWords() map[string]saying {
	out := map[string]saying{}
	add := func(w saying, calls string) {
		for name := range strings.FieldsSeq(calls) {
			out[name] = w
		}
	}
	nested := func(target string) saying { return saying{target, ruleNested, ""} }
	add(nested("a mount"), "mount umount2 pivot_root open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr")
	add(nested("another root folder"), "chroot")
	add(nested("a namespace of another process"), "setns")

	own := func(target, what, because string) saying { return saying{target, "built-in: " + what, because} }
	const kernel = "few programs need it, and it has been a way into the kernel"
	add(own("io_uring", "no io_uring", "what is done by it passes by the call filter"), "io_uring_setup io_uring_enter io_uring_register")
	add(own("a program in the kernel (bpf)", "no programs in the kernel", kernel), "bpf")
	add(own("the processor's counters", "no counters of the processor (perf)", kernel), "perf_event_open")
	add(own("its own page faults", "no handling of page faults", kernel), "userfaultfd")
	add(own("an old or unusual call of the kernel", "no calls that nobody uses", kernel), "modify_ldt uselib vhangup nfsservctl lookup_dcookie _sysctl")
	add(own("another personality of the kernel", "no other personality", "it takes back protections of memory"), "personality")

	const others = "it reaches into what other programs do"
	add(own("the kernel's keyrings", "no keyrings", "the person's keys are in them"), "add_key request_key keyctl")
	add(own("a file by its handle", "no files by their handle", "it passes by every folder on the way"), "open_by_handle_at")
	add(own("what others do to files (fanotify)", "no fanotify", others), "fanotify_init fanotify_mark")
	add(own("the memory of another process", "no memory of another process", others), "process_vm_readv process_vm_writev")
	add(own("the open files of another process", "no open files of another process", others), "pidfd_getfd kcmp")
	add(own("the limits of another process", "no limits of another process", "the cage's first process has limits, too"), "prlimit64")
	add(own("the priority of a group of processes", "no priority of the whole group", "who watches over the run is in it"), "setpriority ioprio_set")
	add(own("a signal to its own group of processes", "no signal to the whole group", "who watches over the run is in it"), "kill")
	add(own("the namespaces of others", "no list of namespaces", others), "listns")

	const machine = "it is about the whole machine"
	add(own("the kernel's modules", "no kernel modules", machine), "init_module finit_module delete_module")
	add(own("another kernel, or an end of this one", "no restart", machine), "kexec_load kexec_file_load reboot")
	add(own("the swap space", "no swap space", machine), "swapon swapoff")
	add(own("accounts of processes and disks", "no accounting", machine), "acct quotactl quotactl_fd")
	add(own("the kernel's log", "no kernel log (dmesg)", machine), "syslog")
	add(own("the machine's name", "no other name for the machine", machine), "sethostname setdomainname")
	add(own("the clock", "no setting of the clock", machine), "settimeofday clock_settime")
	add(own("the machine's ports", "no ports of the machine", machine), "iopl ioperm")

	const shared = "reduced mode: memory, semaphores and queues by number or name are the whole machine's"
	add(saying{"memory by number", shared, onlyFull}, "shmget")
	add(saying{"a semaphore by number", shared, onlyFull}, "semget")
	add(saying{"a queue by number or name", shared, onlyFull}, "msgget mq_open")
	return out
}
