//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The lines of --passphrase-fd are read one after the other, however long after the
// first the second is asked for: a key derivation's memory is collected between
// them, and what was let go must not take the descriptor along.
func TestPassphrasesOutliveACollection(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	fd, err := syscall.Dup(int(from.Fd())) // the test's own file must not keep it open
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.WriteString("the vault's\nthe file's\n"); err != nil {
		t.Fatal(err)
	}
	to.Close()
	asking := &terminal{in: os.Stdin, passphraseFD: fd}
	for _, want := range []string{"the vault's", "the file's"} {
		got, err := asking.passphrase("passphrase: ")
		if err != nil || string(got) != want {
			t.Fatalf("%q, want %q: %v", got, want, err)
		}
		collected := make(chan struct{})
		func() {
			runtime.SetFinalizer(&struct{ _ [64]byte }{}, func(any) { close(collected) })
		}()
		for done := false; !done; { // finalizers of a collection run in a row
			runtime.GC()
			select {
			case <-collected:
				done = true
			case <-time.After(10 * time.Millisecond):
			}
		}
		runtime.GC()
	}
	if asking.passphrases == nil {
		t.Fatal("nothing was read of the descriptor")
	}
	asking.passphrases.Close()
}
