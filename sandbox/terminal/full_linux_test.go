package terminal

import (
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A run that does not read what was typed keeps nobody from getting the terminal back.
func TestDetachWhileRunDoesNotRead(t *testing.T) {
	person, inner := pair(t)
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(person, strings.Repeat("x\n", 1<<19)) }() // until it is closed
	const full = 3000                                                           // a terminal holds 4096 bytes, in whole lines
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		waiting, err := unix.IoctlGetInt(int(inner.Slave().Fd()), unix.TIOCINQ)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("only %d bytes wait to be read: %v", waiting, err)
		}
		if waiting > full {
			break
		}
	}
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}

// Who has stopped their terminal's output (Ctrl-S) is told nothing, and nothing waits
// for them.
func TestNothingIsSaidToAStoppedTerminal(t *testing.T) {
	person, inner := pair(t)
	if err := inner.Attach(false, nil); err != nil {
		t.Fatal(err)
	}
	go func() { _ = inner.Run() }()
	for _, c := range []struct {
		output uintptr
		said   bool
	}{{unix.TCOOFF, false}, {unix.TCOON, true}} {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, inner.Outer().Fd(), unix.TCXONC, c.output); errno != 0 {
			t.Fatal(errno)
		}
		if said := inner.Say("a line", 20*time.Second); said != c.said {
			t.Errorf("it is said: %v, want %v", said, c.said)
		}
	}
	shows(t, person, "\ra line\r\n")
	finished(t, inner)
	if err := inner.Close(true); err != nil {
		t.Error(err)
	}
}
