package keychain_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/keyringtest"
)

// What KeePassXC does until its person turns the questions off: it asks before it gives
// out what another program stored, or the same program before it was started anew.
func TestKeyringThatAsks(t *testing.T) {
	if !keyringtest.InsideKeePassXC(t, keyringtest.Asking) {
		return
	}
	ctx, os := t.Context(), patient()
	if err := os.Set(ctx, "a", keychain.NewSecret([]byte("1"))); err != nil {
		t.Fatal(err)
	}
	got, err := os.Get(ctx, "a")
	if err != nil || string(got.Reveal()) != "1" {
		t.Fatalf("what this program stored: %v", err)
	}
	keyringtest.Store(t, "example", "me", "another program's")
	_, err = keychain.NewOS(keychain.OSOptions{}).GetItem(ctx, "example", "me")
	waitsForItsWindow(t, err)
	if names, err := os.List(ctx); err != nil || len(names) != 1 || names[0] != "a" {
		t.Fatalf("a list asks nobody: %v %v", names, err)
	}
	if err := os.Delete(ctx, "a"); err != nil { // it goes to the recycle bin
		t.Fatal(err)
	}
	if err := os.Probe(ctx); err != nil {
		t.Fatal(err)
	}
}

// patient waits as long as a machine takes that is busy with other tests.
func patient() *keychain.OS {
	const long = 30 * time.Second
	return keychain.NewOS(keychain.OSOptions{GetTimeout: long, SetTimeout: long, ProbeTimeout: long})
}

func waitsForItsWindow(t *testing.T, err error) {
	t.Helper()
	wantKind(t, err, keychain.KindLocked)
	if e, ok := errors.AsType[*keychain.Error](err); !ok || !strings.Contains(e.Hint, "window") {
		t.Fatalf("the cure does not name the window: %q", e.Hint)
	}
}

// A window that nobody has answered yet is told, and costs no later call its time;
// when the keyring is unlocked all goes on.
func TestKeyringUnlockedAfterItWasAsked(t *testing.T) {
	if !keyringtest.InsideKeePassXC(t, keyringtest.Locked) { // gnome-keyring's window needs a display, and fails at once without
		return
	}
	ctx, os := t.Context(), patient()
	hasty := keychain.NewOS(keychain.OSOptions{})
	for range 60 { // 60 times 3 s would be over the test's time
		_, err := hasty.Get(ctx, "a")
		waitsForItsWindow(t, err)
	}
	keyringtest.Unlock(t)
	if err := os.Set(ctx, "a", keychain.NewSecret([]byte("1"))); err != nil {
		t.Fatal(err)
	}
	got, err := os.Get(ctx, "a")
	if err != nil || string(got.Reveal()) != "1" {
		t.Fatal(err)
	}
}

func TestKeyringUnlockedWithTheWrongPassphrase(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Locked) {
		return
	}
	keyringtest.UnlockWith(t, "not the passphrase")
	wantKind(t, keychain.NewOS(keychain.OSOptions{}).Check(t.Context()), keychain.KindLocked)
	keyringtest.Unlock(t)
	if err := patient().Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestKeyringStopped(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	ctx, os := t.Context(), keychain.NewOS(keychain.OSOptions{GetTimeout: 200 * time.Millisecond})
	goOn := keyringtest.Hang(t)
	_, err := os.Get(ctx, "a")
	wantKind(t, err, keychain.KindTimeout)
	goOn()
	if err := patient().Check(ctx); err != nil {
		t.Fatalf("after it goes on: %v", err)
	}
}

// Changes at one time do not take each other's answers for their own, and what is
// said to be stored is.
func TestKeyringChangesAtOneTime(t *testing.T) {
	if !keyringtest.InsideEach(t, keyringtest.Unlocked) {
		return
	}
	ctx := t.Context()
	os := keychain.NewOS(keychain.OSOptions{GetTimeout: time.Minute, SetTimeout: time.Minute, Outstanding: 16})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("item/%d", n)
			for round := range 3 {
				if err := os.Set(ctx, name, keychain.NewSecret(fmt.Appendf(nil, "%d of %d", round, n))); err != nil {
					t.Errorf("set %s: %v", name, err)
				}
			}
			if n%2 == 0 {
				if err := os.Delete(ctx, name); err != nil {
					t.Errorf("delete %s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	if names, err := os.List(ctx); err != nil || len(names) != 4 {
		t.Fatalf("%v %v", names, err)
	}
}
