//go:build linux

package spawn

// Numbers of system calls: include/uapi/asm-generic/unistd.h.
const (
	callDup3      = 24
	callFcntl     = 25
	callIoctl     = 29
	callChdir     = 49
	callOpenat    = 56
	callClose     = 57
	callWrite     = 64
	callCapget    = 90
	callCapset    = 91
	callExitGroup = 94
	callSetpgid   = 154
	callSetsid    = 157
	callPrctl     = 167
	callGetpid    = 172
	callClone     = 220
	callExecve    = 221
	callPrlimit   = 261
)
