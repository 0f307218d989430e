package escape_test

import (
	"encoding/binary"
	"fmt"
	"os"
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
		{name: "program of 32 bits", run: programOf32},
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

// programOf32 starts a program that makes each of its calls by the 32-bit door: it is
// nothing but exit(0).
func programOf32(p place) error {
	const base, head = 0x08048000, 52 + 32
	code := []byte{0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80} // mov $1, %eax; xor %ebx, %ebx; int $0x80
	image := []byte("\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	short := func(values ...uint16) {
		for _, v := range values {
			image = binary.LittleEndian.AppendUint16(image, v)
		}
	}
	word := func(values ...uint32) {
		for _, v := range values {
			image = binary.LittleEndian.AppendUint32(image, v)
		}
	}
	size := uint32(head + len(code))
	short(2, 3) // an executable, of an i386
	word(1, base+head, 52, 0, 0)
	short(52, 32, 1, 0, 0, 0)
	word(1, 0, base, base, size, size, 5, 0x1000) // one segment, read and executed
	name := p.path("project/program32")
	if err := os.WriteFile(name, append(image, code...), 0o700); err != nil {
		return err
	}
	defer func() { _ = os.Remove(name) }()
	out, err := exec.Command(name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	return nil
}
