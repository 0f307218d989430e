package darwin

// What every program on macOS needs beside the policy's own system folders.
// The lists are functions so that nothing can change them. They are drawn from
// the public profiles of Chromium and of the sandboxes of other agents, and cut
// down to what holds nothing of the person's.

// systemFolders are readable, and programs may be loaded from them.
func systemFolders() []string {
	return []string{
		"/System/Library",                     // frameworks
		"/System/iOSSupport",                  // frameworks of Catalyst programs
		"/System/Volumes/Preboot/Cryptexes",   // the loader's cache of libraries
		"/System/Cryptexes",                   // the same by its other name
		"/Library/Apple",                      // frameworks that are updated alone
		"/Library/Developer/CommandLineTools", // git, clang, make
		"/private/var/db/dyld",                // the loader's cache, before macOS 13
		"/private/var/db/timezone",            // time zones
	}
}

// systemFiles are readable one by one.
func systemFiles() []string {
	return []string{
		"/",                                 // the loader opens it
		"/dev/autofs_nowait",                // opened by the C library
		"/private/var/select/sh",            // which shell /bin/sh is
		"/private/var/db/xcode_select_link", // where the developer tools are
	}
}

// linkNodes may be looked at, so that the names that lead through them resolve.
func linkNodes() []string {
	return []string{"/etc", "/tmp", "/var", "/private", "/private/etc", "/private/var", "/dev", "/System", "/System/Volumes", "/System/Volumes/Data"}
}

// services are what may be asked of other processes. Each is a way out of the
// cage and stands here for a reason. Not here: the keychain (securityd), the
// starter of programs (launchservicesd), the pasteboard, preferences of other
// programs (cfprefsd), certificate checks that reach the network (trustd), and
// every service that looks up a host's name.
func services() []string {
	return []string{
		"com.apple.system.opendirectoryd.libinfo",    // the name of a user and a group
		"com.apple.system.opendirectoryd.membership", // the groups of a user
		"com.apple.system.notification_center",       // the C library asks whether the time zone changed
		"com.apple.bsd.dirhelper",                    // the path of the person's temporary folder
	}
}

// resolverServices look up host names; refused by name, for the log.
func resolverServices() []string {
	return []string{"com.apple.dnssd.service", "com.apple.mDNSResponder", "com.apple.SystemConfiguration.DNSConfiguration"}
}

const resolverSocket = "/private/var/run/mDNSResponder"

// sysctls say what the processor and the system are. None lists processes.
func sysctls() (names, prefixes []string) {
	return []string{
		"kern.argmax", "kern.bootargs", "kern.maxfiles", "kern.maxfilesperproc", "kern.maxproc", "kern.ngroups", "kern.osproductversion",
		"kern.osrelease", "kern.ostype", "kern.osvariant_status", "kern.osversion", "kern.secure_kernel", "kern.usrstack64",
		"kern.version", "kern.willshutdown", "sysctl.proc_cputype", "vm.loadavg",
	}, []string{"hw.", "machdep.cpu."}
}
