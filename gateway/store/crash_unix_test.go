//go:build unix

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/gateway/store"
)

// TestMain runs this program again as a writer that a test kills, or whose disk
// is full.
func TestMain(m *testing.M) {
	path := os.Getenv("STORE_TEST_PATH")
	var err error
	switch os.Getenv("STORE_TEST_CHILD") {
	case "write":
		err = childWrite(path)
	case "full":
		err = childFull(path)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Println("child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs this program again.
func child(t *testing.T, kind, path string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "STORE_TEST_CHILD="+kind, "STORE_TEST_PATH="+path)
	return command
}

// childWrite keeps messages until it is killed and prints the run of each that
// was acknowledged.
func childWrite(path string) error {
	s := store.New(store.Options{Path: path})
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				run := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if _, _, _, err := s.Accept(context.Background(), fmt.Sprintf("agent:coder:%d", w), "coder", words(run, "user", strings.Repeat(run, 200))); err == nil {
					_, _ = os.Stdout.WriteString(run + "\n")
				}
			}
		}()
	}
	_, err := io.Copy(io.Discard, os.Stdin) // ends with the parent
	return err
}

// TestKilledWriterLosesNothingAcknowledged kills the program in the middle of
// its writes, again and again on the same file.
func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conversations.db")
	acknowledged := map[string]bool{}
	for round := range 5 {
		command := child(t, "write", path)
		stdin, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for seen := 0; lines.Scan(); {
			acknowledged[lines.Text()] = true
			if seen++; seen == 30+20*round { // the rest of the pipe is read to its end
				_ = command.Process.Kill()
			}
		}
		_ = command.Wait()
		stdin.Close()
	}
	if len(acknowledged) < 300 {
		t.Fatalf("only %d writes were acknowledged", len(acknowledged))
	}
	s := open(t, path)
	for w := range 4 {
		messages, _, err := s.Messages(t.Context(), fmt.Sprintf("agent:coder:%d", w), -1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range messages {
			if m.Number != int64(i+1) || !strings.Contains(string(m.Content), strings.Repeat(m.Run, 200)) {
				t.Fatalf("message %d is number %d of run %s", i+1, m.Number, m.Run)
			}
			delete(acknowledged, m.Run)
		}
	}
	if len(acknowledged) != 0 {
		t.Fatalf("%d acknowledged messages are gone", len(acknowledged))
	}
	say(t, s, "agent:coder:0", "after", "and it goes on")
}
