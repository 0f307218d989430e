//go:build linux

package spawn

// Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl.
const (
	callWrite     = 1
	callClose     = 3
	callIoctl     = 16
	callGetpid    = 39
	callClone     = 56
	callExecve    = 59
	callFcntl     = 72
	callChdir     = 80
	callSetpgid   = 109
	callSetsid    = 112
	callCapget    = 125
	callCapset    = 126
	callPrctl     = 157
	callExitGroup = 231
	callOpenat    = 257
	callDup3      = 292
	callPrlimit   = 302
)
