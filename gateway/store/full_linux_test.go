package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/gateway/store"
)

// childFull fills a file system of 1 MiB of its own.
func childFull(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		fmt.Println("cannot mount:", err)
		return nil
	}
	path := filepath.Join(dir, "conversations.db")
	s := store.New(store.Options{Path: path})
	text := strings.Repeat("a line of some length that fills the disk ", 200)
	var kept []string
	var err error
	for i := range 1000 {
		run := fmt.Sprint("run ", i)
		if _, _, _, err = s.Accept(context.Background(), "agent:coder:main", "coder", words(run, "user", text)); err != nil {
			break
		}
		kept = append(kept, run)
	}
	failure, is := errors.AsType[*store.Error](err)
	if !is || failure.Kind != store.KindFull || !strings.Contains(failure.Error(), "disk is full") || failure.Hint == "" {
		return fmt.Errorf("after %d messages: %w", len(kept), err)
	}
	check := func(s *store.Store, kept []string) error {
		messages, _, err := s.Messages(context.Background(), "agent:coder:main", -1, 0)
		if err != nil || len(messages) != len(kept) {
			return fmt.Errorf("%d messages of %d: %w", len(messages), len(kept), err)
		}
		for i, m := range messages {
			if m.Run != kept[i] || m.Number != int64(i+1) || !strings.Contains(string(m.Content), text) {
				return fmt.Errorf("message %d is %d of %s", i, m.Number, m.Run)
			}
		}
		return nil
	}
	if err := check(s, kept); err != nil {
		return fmt.Errorf("while the disk is full: %w", err)
	}
	// With room, the same store takes writes again.
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		return err
	}
	if _, _, _, err = s.Accept(context.Background(), "agent:coder:main", "coder", words("more", "user", text)); err != nil {
		return fmt.Errorf("with room: %w", err)
	}
	kept = append(kept, "more")
	if err := errors.Join(check(s, kept), s.Close()); err != nil {
		return err
	}
	fmt.Println("kept", len(kept))
	return check(store.New(store.Options{Path: path}), kept)
}

func TestFullDiskRefusesAndLosesNothing(t *testing.T) {
	command := child(t, "full", t.TempDir())
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := command.CombinedOutput()
	text := string(out)
	if errors.Is(err, unix.EPERM) || strings.Contains(text, "cannot mount") {
		missing(t, "a mount namespace", text)
	}
	if err != nil || !strings.Contains(text, "kept ") {
		t.Fatalf("%v: %s", err, text)
	}
}

// missing skips what a machine cannot do, where that is allowed.
func missing(t *testing.T, what, detail string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatalf("this machine lacks %s: %s", what, detail)
	}
	t.Skipf("this machine lacks %s: %s", what, detail)
}
