//go:build unix

package logs_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/gateway/logs"
	"openclaw/keychain/redact"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("LOGS_TEST_CHILD"); path != "" {
		if err := childFull(path); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childFull limits its own files to 4 KiB: what a full disk looks like.
func childFull(path string) error {
	signal.Ignore(unix.SIGXFSZ)
	masker, err := redact.New(redact.Options{})
	if err != nil {
		return err
	}
	l, err := logs.Open(path, logs.Options{Masker: masker})
	if err != nil {
		return err
	}
	var old unix.Rlimit
	if err := errors.Join(unix.Getrlimit(unix.RLIMIT_FSIZE, &old), unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4 << 10, Max: old.Max})); err != nil {
		return err
	}
	for range 100 {
		l.Logger().Info("a line of some length that fills the disk")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	written := strings.Count(string(text), "\n")
	if l.Lost() != uint64(100-written) || written < 10 || !strings.HasSuffix(string(text), "}\n") {
		return fmt.Errorf("%d lines written, %d lost", written, l.Lost())
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	l.Logger().Info("room again")
	found, err := logs.Tail(path, 2)
	if err != nil || len(found) != 2 || found[1].Message != "room again" || found[0].Text != fmt.Sprintf("lines=%d", 100-written) {
		return fmt.Errorf("at the end: %+v, %w", found, err)
	}
	return l.Close()
}

func TestFullDiskIsCountedAndTold(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LOGS_TEST_CHILD="+filepath.Join(t.TempDir(), "gateway.log"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
