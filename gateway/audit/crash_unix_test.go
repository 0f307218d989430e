//go:build unix

package audit_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/gateway/audit"
)

// TestMain runs this program again as a writer that a test kills.
func TestMain(m *testing.M) {
	switch os.Getenv("AUDIT_TEST_CHILD") {
	case "write":
		childWrite()
	case "full":
		if err := childFull(); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	default:
		os.Exit(m.Run())
	}
}

// childWrite records for ever and prints the target of each line that Record
// said is on disk, or RecordOver in the file.
func childWrite() {
	r, err := audit.Open(audit.Options{Path: os.Getenv("AUDIT_TEST_PATH")})
	if err != nil {
		fmt.Println("child:", err)
		os.Exit(1)
	}
	prefix := os.Getenv("AUDIT_TEST_PREFIX")
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				target := fmt.Sprintf("%s-%d-%d", prefix, w, i)
				r.RecordLater(audit.Entry{Event: audit.FileAccess, Target: "later-" + target}, nil)
				if r.Record(context.Background(), audit.Entry{Event: audit.Approval, Target: target}) == nil {
					_, _ = os.Stdout.WriteString(target + "\n")
				}
				over := "over-" + target
				r.RecordOver(context.Background(), audit.Entry{Event: audit.Approval, Target: over}, nil)
				_, _ = os.Stdout.WriteString(over + "\n")
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
	os.Exit(0)
}

func child(tb testing.TB, mode, path, prefix string) *exec.Cmd {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "AUDIT_TEST_CHILD="+mode, "AUDIT_TEST_PATH="+path, "AUDIT_TEST_PREFIX="+prefix)
	return cmd
}

func TestKilledWriterLosesNothingThatItPromised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	acknowledged := map[string]bool{}
	for round := range 12 {
		cmd := child(t, "write", path, fmt.Sprint("r", round))
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed after a number of lines, not after a time: between them the
		// writer is at any place of its work.
		s := bufio.NewScanner(stdout)
		for n := 0; s.Scan(); n++ {
			if strings.HasPrefix(s.Text(), "child:") {
				t.Fatal(s.Text())
			}
			acknowledged[s.Text()] = true
			if n == 20+round*17 {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		stdin.Close()
	}
	// The last end may be torn; opening repairs it.
	_ = open(t, audit.Options{Path: path}).Close()
	report := wantStatus(t, path, audit.StatusOK)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for target := range acknowledged {
		if !bytes.Contains(text, []byte(`"target":"`+target+`"`)) {
			t.Errorf("%s was promised and is not there", target)
		}
	}
	t.Logf("%d lines promised, %d in the log", len(acknowledged), report.Records)
}

// childFull limits its own files to 8 KiB: what a full disk looks like,
// short write included.
func childFull() error {
	signal.Ignore(unix.SIGXFSZ)
	path := os.Getenv("AUDIT_TEST_PATH")
	r, err := audit.Open(audit.Options{Path: path})
	if err != nil {
		return err
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 8 << 10, Max: old.Max}); err != nil {
		return err
	}
	good, refused := 0, 0
	for range 40 {
		err := r.Record(context.Background(), audit.Entry{Event: audit.Approval, Target: "x", Reason: strings.Repeat("why ", 30)})
		switch {
		case err == nil && refused > 0:
			return errors.New("a line was written on a full disk")
		case err == nil:
			good++
		default:
			refused++
			if !errors.Is(err, &audit.Error{Kind: audit.KindWrite}) || r.Failing() == nil {
				return fmt.Errorf("wrong error: %w", err)
			}
			var e *audit.Error
			if !errors.As(err, &e) || e.Hint == "" {
				return errors.New("no hint")
			}
		}
	}
	failed := make(chan error, 1)
	r.RecordLater(audit.Entry{Event: audit.FileAccess}, func(err error) { failed <- err })
	if err := <-failed; !errors.Is(err, &audit.Error{Kind: audit.KindWrite}) {
		return fmt.Errorf("a line for later on the full disk: %w", err)
	}
	r.RecordOver(context.Background(), audit.Entry{Event: audit.FileAccess}, func(err error) { failed <- err })
	if err := <-failed; !errors.Is(err, &audit.Error{Kind: audit.KindWrite}) {
		return fmt.Errorf("what is over, on the full disk: %w", err)
	}
	if report, err := audit.Verify(path); err != nil || report.Status != audit.StatusOK || int(report.Records) != good {
		return fmt.Errorf("on the full disk: %+v, %d good, %w", report, good, err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := r.Record(context.Background(), audit.Entry{Event: audit.Approval, Target: "after"}); err != nil || r.Failing() != nil {
		return fmt.Errorf("with room again: %w", errors.Join(err, r.Failing()))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(`"event_type":"log.resumed"`)) || !bytes.Contains(text, []byte(`"refused":`)) {
		return errors.New("the log does not say that lines were refused")
	}
	report, err := audit.Verify(path)
	if err != nil || report.Status != audit.StatusOK || int(report.Records) != good+2 {
		return fmt.Errorf("at the end: %+v, %w", report, err)
	}
	return r.Close()
}

func TestFullDiskRefusesAndLeavesNoHalfLine(t *testing.T) {
	out, err := child(t, "full", filepath.Join(t.TempDir(), "audit.log"), "").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
