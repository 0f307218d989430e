//go:build linux

package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What the filter refuses by itself, where there is no listener, is what the listener
// refuses, where there is one: every call, with every two bits of its arguments.
func TestSetIDIsBarredByBoth(t *testing.T) {
	number := kernelNumbers(t, "amd64")
	alone, handed := built(t, Options{Arch: "amd64"}), built(t, Options{Arch: "amd64", Notify: true})
	files := append(strings.Fields(handedOver), "open", "openat")
	refused := 0
	for _, r := range table() {
		if !slices.Contains(files, r.name) {
			continue
		}
		for argument := range 4 {
			for one := range 64 {
				for other := range 64 {
					d := data{number: uint32(number[r.name]), arch: unix.AUDIT_ARCH_X86_64}
					d.arguments[argument] = 1 << one
					d.arguments[(argument+1)%4] = 1 << other
					want, bars := allowed, setsID(r.name, &d.arguments)
					if bars {
						want, refused = fails(unix.EPERM), refused+1
					}
					if by := run(t, alone, d); by != want {
						t.Fatalf("%s%v: %#x without a listener, want %#x", r.name, d.arguments, by, want)
					}
					if by := run(t, handed, d); bars && by != notified {
						t.Fatalf("%s%v: %#x with a listener", r.name, d.arguments, by)
					}
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// A set-uid or set-gid bit is refused whatever the handler would say, and told, by every
// call that can set one, also where the handler is left to read its calls itself.
func TestSetIDIsBarred(t *testing.T) {
	for _, leave := range []bool{false, true} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(`use Errno; use Fcntl; open(my $f, "<", "file") or die; mkdir("folder") or die;
			sub says { print shift() ? "done " : $!{EPERM} ? "refused " : "$! " }
			says(chmod(04755, "file")); says(chmod(02755, "folder")); says(chmod(02755, $f)); says(chmod(0755, "file"));
			says(sysopen(my $g, "new", O_CREAT | O_WRONLY, 04755)); says(sysopen(my $h, "file", O_WRONLY, 04755)); my $name = "node"; says(syscall(%d, %d, $name, 0104755, 0) == 0)`, unix.SYS_MKNODAT, unix.AT_FDCWD)
		var told []string
		heard := callsHeard(t, func(l *Listener) {
			l.TellBarred(func(c Call) { told = append(told, c.Operation+" "+filepath.Base(c.Path)) })
			if leave {
				l.LeaveToHandler("chmod", "fchmod", "fchmodat", "open", "openat", "mknod")
			}
		}, func() {
			cmd := exec.CommandContext(t.Context(), "perl", "-e", script)
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "refused refused refused done refused done refused " {
				t.Errorf("%v: %s", err, out)
			}
		})
		if want := []string{"chmod file", "chmod folder", "chmod file", "create new", "mknod node"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		for _, c := range heard {
			if setsID(c.Name, &c.Arguments) {
				t.Errorf("the handler was asked about %+v", c)
			}
		}
		for _, name := range []string{"file", "folder"} {
			if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	}
}
