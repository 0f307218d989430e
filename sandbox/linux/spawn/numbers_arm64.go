//go:build linux

package spawn

// Numbers of system calls: include/uapi/asm-generic/unistd.h.
const (
	callDup3      = 24
	callFcntl     = 25
	callOpenat    = 56
	callClose     = 57
	callWrite     = 64
	callCapget    = 90
	callCapset    = 91
	callExitGroup = 94
	callSetpgid   = 154
	callPrctl     = 167
	callClone     = 220
	callExecve    = 221
	callPrlimit   = 261
)
