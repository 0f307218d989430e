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
