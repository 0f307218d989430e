package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"openclaw/configs"
	"openclaw/tui"
)

// A screen that fails leaves one line on the terminal, in which nothing moves the cursor,
// and its stack in a file that its owner alone can read and that holds no secret.
func TestWhereTheScreenFailedIsKept(t *testing.T) {
	layout := configs.Layout{Root: t.TempDir()}
	term := &terminal{getenv: func(string) string { return "" }}
	secret := "sk-ant-api03-" + strings.Repeat("aB3dE6", 16)
	err := term.keepCrash(layout, &tui.Panic{Value: "no row \x1b[2J of " + secret, Stack: []byte("goroutine 7 [running]:\nopenclaw/tui/view.(*List).Lay\n")})
	if text := err.Error(); !strings.HasPrefix(text, "the screen failed: no row ") || strings.ContainsAny(text, "\x1b\n") || !strings.Contains(hintOf(err), screenCrash(layout)) {
		t.Errorf("it says %q, %q", text, hintOf(err))
	}
	info, failed := os.Stat(screenCrash(layout))
	if failed != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, failed)
	}
	if text := contents(t, screenCrash(layout)); !strings.Contains(text, "view.(*List).Lay") || !strings.Contains(text, "no row") || strings.Contains(text, secret) {
		t.Errorf("it keeps %q", text)
	}
	other := &tui.Error{Op: "run the screen", Err: os.ErrClosed, Hint: "a terminal that is there"}
	if err := term.keepCrash(layout, other); !errors.Is(err, other) || hintOf(err) != other.Hint {
		t.Errorf("another error became %v, and its cure %q", err, hintOf(err))
	}
}
