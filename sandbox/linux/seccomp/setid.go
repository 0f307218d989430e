//go:build linux

package seccomp

// setsID reports whether a call would give a file or folder a set-uid or set-gid bit. It
// is read from the call's registers, as by the filter: no other thread changes them.
func setsID(name string, arguments *[6]uint64) bool {
	has := func(argument int, bits uint64) bool { return arguments[argument]&bits != 0 }
	switch name {
	case "creat", "mknod", "chmod", "fchmod":
		return has(1, setIDBits)
	case "mknodat", "fchmodat", "fchmodat2":
		return has(2, setIDBits)
	case "open":
		return has(1, openCreates) && has(2, setIDBits)
	case "openat":
		return has(2, openCreates) && has(3, setIDBits)
	}
	return false
}
