package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atAllocate refuses space past max_file_size. Of ranges that the kernel's own limit has
// no word on (put into the middle of a file, or behind the end that its size says) none
// may reach past it: by how much a range that is put in makes a file larger than the
// limit depends on what others write to it meanwhile, so none is.
func (j *judge) atAllocate(call seccomp.Call) seccomp.Verdict {
	mode, offset, length := call.Arguments[1], call.Arguments[2], call.Arguments[3]
	end := offset + length
	inserts := mode&unix.FALLOC_FL_INSERT_RANGE != 0
	if !inserts && end >= offset && end <= j.sizeLimit() {
		return seccomp.Verdict{}
	}
	target, size, err := j.openFile(call.TID, int(int32(call.Arguments[0])))
	switch judged := inserts || mode&unix.FALLOC_FL_KEEP_SIZE != 0; {
	case judged && target == "":
		return seccomp.Verdict{Errno: unix.EBADF}
	case !judged && (err != nil || int64(end) <= size):
		return seccomp.Verdict{} // nothing grows, or the kernel says so itself
	}
	return j.tooLarge(call, target)
}

// atTruncate refuses a length past max_file_size, of a file that is shorter.
func (j *judge) atTruncate(call seccomp.Call) seccomp.Verdict {
	length := int64(call.Arguments[1])
	target, size, err := j.openFile(call.TID, int(int32(call.Arguments[0])))
	if err != nil || length <= size {
		return seccomp.Verdict{} // nothing grows, or the kernel says so itself
	}
	return j.tooLarge(call, target)
}

// atTruncateByName is atTruncate for a file that was named, and may be changed.
func (j *judge) atTruncateByName(call seccomp.Call, real string) seccomp.Verdict {
	limit, length := j.sizeLimit(), call.Arguments[1]
	if limit == 0 || length <= limit {
		return seccomp.Verdict{}
	}
	var stat unix.Stat_t
	if err := unix.Stat(j.fromHere(real), &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG || int64(length) <= stat.Size {
		return seccomp.Verdict{}
	}
	return j.tooLarge(call, real)
}

// sizeLimit is the kernel's own limit, which is that of the run's start; 0: none.
func (j *judge) sizeLimit() uint64 { return uint64(max(j.process.spec.Policy.MaxFileSize, 0)) }

// tooLarge refuses and reports. The kernel would send SIGXFSZ beside its EFBIG, which
// ends a program without a word of what it did.
func (j *judge) tooLarge(call seccomp.Call, target string) seccomp.Verdict {
	if j.grown != nil {
		j.grown.known(target)
	}
	return j.refuse(call, policy.ClassPathWrite, target, j.sizeDecision(), unix.EFBIG)
}

func (j *judge) sizeDecision() policy.Decision {
	return policy.Decision{Effect: policy.Deny, Rule: "max_file_size", Origin: j.process.spec.Policy.MaxOrigin}
}

// openFile is the name and size of a regular file that a thread has open.
func (j *judge) openFile(thread, descriptor int) (target string, size int64, err error) {
	link := "/proc/" + strconv.Itoa(thread) + "/fd/" + strconv.Itoa(descriptor)
	if target, err = os.Readlink(link); err != nil {
		return "", 0, err
	}
	if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "/memfd:") && j.process.reduced == nil && j.process.plan.Regions.Of(target) == mounts.Gate {
		link = target // to ask for it there would be to ask oneself
	}
	var stat unix.Stat_t
	if err := unix.Stat(link, &stat); err != nil {
		return target, 0, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return target, 0, unix.EINVAL
	}
	return target, stat.Size, nil
}

// fromHere is the name by which the supervisor finds a file of the cage.
func (j *judge) fromHere(real string) string {
	if j.process.reduced == nil && j.process.plan.Regions.Of(real) == mounts.Private {
		return fmt.Sprintf("/proc/%d/root%s", j.process.identity.init, real)
	}
	return real
}
