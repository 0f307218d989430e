package keychain_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"openclaw/keychain"
	"openclaw/keychain/keyringtest"
)

func secretTool(t *testing.T, input string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("secret-tool"); err != nil {
		keyringtest.Skip(t, "secret-tool is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "secret-tool", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("secret-tool %v: %v", args, err)
	}
	return string(out)
}

func wantKind(t *testing.T, err error, kind keychain.Kind) {
	t.Helper()
	if keychain.KindOf(err) != kind {
		t.Fatalf("got %v, want kind %q", err, kind)
	}
	e, ok := errors.AsType[*keychain.Error](err)
	if !ok || e.Hint == "" {
		t.Fatalf("%v has no hint", err)
	}
}

func TestKeyringKeepsWhatWasSet(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	ctx, os := t.Context(), patient()
	if err := os.Probe(ctx); err != nil {
		t.Fatal(err)
	}
	if err := os.Check(ctx); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"anthropic": "sk-ant-api03-abc", "token/gateway": "zwei\nZeilen\x00 und ü", "a.b_c-D/9": strings.Repeat("x", keychain.MaxValue),
	} {
		if err := os.Set(ctx, name, keychain.NewSecret([]byte(value))); err != nil {
			t.Fatal(err)
		}
		got, err := os.Get(ctx, name)
		if err != nil || string(got.Reveal()) != value {
			t.Fatalf("%s: got %d bytes, %v", name, got.Len(), err)
		}
	}
	if !keyringtest.WithKeePassXC() { // 2.7.4 may crash when a client leaves, whichever that is
		if out := secretTool(t, "", "lookup", "service", "openclaw", "username", "anthropic"); out != "sk-ant-api03-abc" {
			t.Fatalf("secret-tool read %q", out)
		}
		secretTool(t, "once more", "store", "--label=x", "service", "openclaw", "username", "by-secret-tool")
		got, err := os.Get(ctx, "by-secret-tool")
		if err != nil || string(got.Reveal()) != "once more" {
			t.Fatalf("what secret-tool stored: %v", err)
		}
		if err := os.Delete(ctx, "by-secret-tool"); err != nil {
			t.Fatal(err)
		}
	}
	keyringtest.Store(t, "openclaw", "outside", "from outside")
	got, err := os.Get(ctx, "outside")
	if err != nil || string(got.Reveal()) != "from outside" {
		t.Fatalf("what another program stored: %v", err)
	}
	keyringtest.Store(t, "example", "me@example.com", "another program's")
	got, err = os.GetItem(ctx, "example", "me@example.com")
	if err != nil || string(got.Reveal()) != "another program's" {
		t.Fatalf("a foreign item: %v", err)
	}
	names, err := os.List(ctx)
	if want := []string{"a.b_c-D/9", "anthropic", "outside", "token/gateway"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("list: %v %v, want %v (and no canary)", names, err, want)
	}
	if err := os.Delete(ctx, "anthropic"); err != nil {
		t.Fatal(err)
	}
	_, err = os.Get(ctx, "anthropic")
	wantKind(t, err, keychain.KindNotFound)
	wantKind(t, os.Delete(ctx, "anthropic"), keychain.KindNotFound)
	wantKind(t, os.Set(ctx, "big", keychain.NewSecret(make([]byte, keychain.MaxValue+1))), keychain.KindTooBig)
}

func TestKeyringLockedWhileRunning(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	ctx, os := t.Context(), patient()
	if err := os.Set(ctx, "a", keychain.NewSecret([]byte("1"))); err != nil {
		t.Fatal(err)
	}
	keyringtest.Lock(t)
	_, err := keychain.NewOS(keychain.OSOptions{}).Get(ctx, "a")
	wantKind(t, err, keychain.KindLocked)
	_, err = os.List(ctx)
	wantKind(t, err, keychain.KindLocked)
	keyringtest.Unlock(t)
	got, err := os.Get(ctx, "a")
	if err != nil || string(got.Reveal()) != "1" {
		t.Fatalf("after the unlock, without a restart: %v", err)
	}
}

func TestKeyringLocked(t *testing.T) {
	if keyringtest.InsideEach(t, keyringtest.Locked) {
		allFail(t, keychain.KindLocked)
	}
}

func TestKeyringNotMadeYet(t *testing.T) {
	if keyringtest.InsideEach(t, keyringtest.Empty) {
		allFail(t, keychain.KindLocked)
	}
}

func TestKeyringNoDaemon(t *testing.T) {
	if keyringtest.Inside(t, keyringtest.BusOnly) {
		allFail(t, keychain.KindNoService)
	}
}

func TestKeyringMissingSocket(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.NoBus) {
		return
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	allFail(t, keychain.KindNoService)
}

// A missing bus must not start one: the library would run dbus-launch.
func TestKeyringNoBusStartsNone(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.NoBus) {
		return
	}
	if matches, _ := filepath.Glob("/run/user/*/bus"); len(matches) > 0 {
		keyringtest.Skip(t, "this user has a session bus at the standard place")
	}
	dir := t.TempDir()
	mark := filepath.Join(dir, "launched")
	launch := "#!/bin/sh\ntouch " + mark + "\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(launch), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	allFail(t, keychain.KindNoService)
	if _, err := os.Stat(mark); err == nil {
		t.Fatal("dbus-launch was started")
	}
}

func allFail(t *testing.T, kind keychain.Kind) {
	t.Helper()
	ctx, os := t.Context(), keychain.NewOS(keychain.OSOptions{})
	wantKind(t, os.Probe(ctx), kind)
	wantKind(t, os.Check(ctx), kind)
	_, err := os.Get(ctx, "a")
	wantKind(t, err, kind)
	wantKind(t, os.Set(ctx, "a", keychain.NewSecret([]byte("canary-value"))), kind)
	wantKind(t, os.Delete(ctx, "a"), kind)
	_, err = os.List(ctx)
	wantKind(t, err, kind)
}

func TestKeyringDaemonGone(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	ctx, os := t.Context(), patient()
	if err := os.Check(ctx); err != nil {
		t.Fatal(err)
	}
	goOn := keyringtest.Hang(t)
	done := make(chan error, 1)
	go func() { _, err := os.Get(ctx, "a"); done <- err }()
	keyringtest.Stop(t)
	goOn()
	// The bus starts another daemon, which nobody unlocked, for later calls.
	if kind := keychain.KindOf(<-done); kind != keychain.KindNoService && kind != keychain.KindLocked {
		t.Fatalf("in the middle of a call: kind %q", kind)
	}
}

// A service that owns the name and never answers must cost a bounded number of
// goroutines and must not make later callers wait.
func TestKeyringThatHangs(t *testing.T) {
	if !keyringtest.Inside(t, keyringtest.BusOnly) {
		return
	}
	bus := keyringtest.Bus(t)
	if reply, err := bus.RequestName(keyringtest.Service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own the name: %v %v", reply, err)
	}
	bus.Eavesdrop(make(chan *dbus.Message, 1000)) // takes every call and answers none
	os := keychain.NewOS(keychain.OSOptions{GetTimeout: 50 * time.Millisecond, SetTimeout: 50 * time.Millisecond, Outstanding: 3})
	before := 0
	for n := range 30 {
		if n == 5 { // by now every place was held once
			before = runtime.NumGoroutine()
		}
		_, err := os.Get(t.Context(), "a")
		wantKind(t, err, keychain.KindTimeout)
		wantKind(t, os.Set(t.Context(), "a", keychain.NewSecret([]byte("v"))), keychain.KindTimeout)
	}
	const endingNow = 10 // of the 50 calls since then; a goroutine ends a moment after its call
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+endingNow; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("goroutines pile up: %d, then %d", before, runtime.NumGoroutine())
		}
	}
	// The service ends: the calls end with it, and the answer is another one.
	if err := bus.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		if _, err := os.Get(t.Context(), "a"); keychain.KindOf(err) == keychain.KindNoService {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the calls stayed stuck after the service ended")
}

func TestKeyringHonoursTheContext(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	goOn := keyringtest.Hang(t)
	defer goOn()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := keychain.NewOS(keychain.OSOptions{}).Get(ctx, "a")
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// No error may hold the value, whatever the service said.
func TestKeyringErrorsHoldNoValue(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Locked) {
		return
	}
	canary := []byte("sk-canary-9f8e7d")
	err := keychain.NewOS(keychain.OSOptions{}).Set(t.Context(), "a", keychain.NewSecret(bytes.Clone(canary)))
	if err == nil || strings.Contains(err.Error(), string(canary)) {
		t.Fatalf("got %v", err)
	}
}
