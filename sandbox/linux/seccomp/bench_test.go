//go:build linux

package seccomp

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkOpen opens and closes one file: without a filter, for reading under
// the filter, and for writing, which is handed over and let go on.
func BenchmarkOpen(b *testing.B) {
	name := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	open := func(b *testing.B, flags int) {
		b.Helper()
		for b.Loop() {
			fd, err := unix.Open(name, flags, 0o600)
			if err != nil {
				b.Error(err)
				return
			}
			_ = unix.Close(fd)
		}
	}
	filtered := func(flags int) func(b *testing.B) {
		return func(b *testing.B) {
			b.Helper()
			run, done := onWatchedThread(b, func(fd int) *Listener {
				return NewListener(fd, false, func(context.Context, Call) Verdict { return Verdict{} })
			}, func() { open(b, flags) })
			if err := run(b.Context()); err != nil {
				b.Error(err)
			}
			<-done
		}
	}
	b.Run("bare", func(b *testing.B) { open(b, unix.O_RDWR) })
	b.Run("read", filtered(unix.O_RDONLY))
	b.Run("write", filtered(unix.O_RDWR))
}
