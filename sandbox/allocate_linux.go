package sandbox

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atAllocate refuses space past max_file_size that the kernel's own limit has no
// word on. By how much a range that is put into a file makes it larger than the
// limit depends on what others write to it meanwhile, so none is.
func (j *judge) atAllocate(call seccomp.Call) seccomp.Verdict {
	limits := j.process.spec.Policy // as the kernel's limit: that of the run's start
	mode, offset, length := call.Arguments[1], call.Arguments[2], call.Arguments[3]
	end := offset + length
	if mode&unix.FALLOC_FL_INSERT_RANGE == 0 && end >= offset && end <= uint64(max(limits.MaxFileSize, 0)) {
		return seccomp.Verdict{}
	}
	// For the report only.
	target, err := os.Readlink("/proc/" + strconv.Itoa(call.TID) + "/fd/" + strconv.Itoa(int(int32(call.Arguments[0]))))
	if err != nil {
		return seccomp.Verdict{Errno: unix.EBADF}
	}
	decision := policy.Decision{Effect: policy.Deny, Rule: "max_file_size", Origin: limits.MaxOrigin}
	return j.refuse(call, policy.ClassPathWrite, target, decision, unix.EFBIG)
}
