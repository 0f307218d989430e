package escape_test

import (
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"
)

// processorTries are of calls that only this processor's kernel has.
func processorTries() []try {
	return []try{
		{name: "call of the 32-bit range", run: func(place) error {
			_, _, errno := unix.RawSyscall(0x40000000|unix.SYS_GETPID, 0, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "call by the 32-bit door", run: thirtyTwo},
		{name: "port permission", root: true, run: call(unix.SYS_IOPL, 0)},
		{name: "descriptor table", run: reaches(unix.SYS_MODIFY_LDT, 0, memory(4096), 16)},
	}
}

// thirtyTwo makes the call getpid through int 0x80.
func thirtyTwo(place) error {
	out, err := exec.Command("/usr/bin/perl", "-e",
		`my $code = "\xb8\x14\x00\x00\x00\xcd\x80\xc3"; my $at = syscall(9, 0, 4096, 7, 0x22, -1, 0); die "mmap" if $at < 0;
		 open(my $m, "+<", "/proc/self/mem") or die; sysseek($m, $at, 0); syswrite($m, $code);
		 require DynaLoader; my $f = DynaLoader::dl_install_xsub("main::enter", $at); enter(); exit 0`).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	return nil
}
