package main

import "syscall"

// ownSession keeps the console's signals from a gateway that was started here.
func ownSession() *syscall.SysProcAttr {
	const createNewProcessGroup = 0x200
	return &syscall.SysProcAttr{CreationFlags: createNewProcessGroup}
}
